/** Addresses that a person typed: `HOST`, `HOST:PORT`, an IPv6 address with or without brackets. */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { withDeadline } from '../platform/clock.js';
import { PotluckError } from '../../protocol/errors.js';
import { CANDIDATE_ADDRESSES_MAX_COUNT, PORT_MIN } from '../../protocol/limits.js';
import type { Address } from '../../protocol/peer/info.js';

const LOOKUP_MAX_MS = 5000;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/;

export interface TypedAddress {
  readonly host: string;
  /** Null when none was typed. */
  readonly port: number | null;
}

/** @throws PotluckError USAGE */
export function parseTypedAddress(typed: string): TypedAddress {
  const text = typed.trim();
  if (isIPv6(text)) return { host: text, port: null };
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const isHost = bracketed === undefined ? isIP(host) !== 0 || HOST_NAME.test(host) : isIPv6(host);
  const port = portText === undefined ? null : Number(portText);
  if (!isHost) throw new PotluckError('USAGE', 'an address is HOST or HOST:PORT');
  if (port !== null && (port < PORT_MIN || port > 65_535)) {
    throw new PotluckError('USAGE', `a port is between ${PORT_MIN} and 65535`);
  }
  return { host, port };
}

/**
 * The places that a typed address may mean, the likeliest first.
 * @param ports  tried where none was typed
 * @throws PotluckError USAGE; PEER_UNREACHABLE: no such host; CANCELLED
 */
export async function resolveTypedAddress(
  typed: string,
  ports: readonly number[],
  signal: AbortSignal,
): Promise<Address[]> {
  const { host, port } = parseTypedAddress(typed);
  const hosts = isIP(host) === 0 ? await lookUp(host, signal) : [host];
  return hosts.flatMap((one) => (port === null ? ports : [port]).map((each) => ({ host: one, port: each })));
}

async function lookUp(host: string, signal: AbortSignal): Promise<string[]> {
  try {
    const found = await withDeadline(LOOKUP_MAX_MS, signal, () => lookup(host, { all: true }));
    return found.slice(0, CANDIDATE_ADDRESSES_MAX_COUNT).map(({ address }) => address);
  } catch (thrown) {
    signal.throwIfAborted();
    throw new PotluckError('PEER_UNREACHABLE', `there is no PC of the name ${host}`, { cause: thrown });
  }
}
