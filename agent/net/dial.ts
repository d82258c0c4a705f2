/**
 * Dials one address and comes back with a WebSocket to a proved member, or with the reason why not.
 *
 * The id behind an address is known only after TLS, so who it must be is asked there, before a single byte
 * of ours is sent: an impostor, this PC itself and a removed member get nothing. SPEC.md, "Connections".
 */
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { withDeadline } from '../platform/clock.js';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Address } from '../../protocol/peer/info.js';
import { ALPN_MEMBER } from '../../protocol/version.js';
import type { NetLimits } from './net-limits.js';
import { provePreface } from './preface.js';
import { type Alpn, clientTlsOptions, type Handshake, readHandshake } from './tls.js';
import { openWebSocket, type Purpose } from './web-socket.js';

/** What every dial of one agent has in common. */
export interface Dialler {
  readonly id: PeerId;
  readonly context: SecureContext;
  readonly limits: NetLimits;
  /** The workgroup's key; null while there is no workgroup. */
  group(): Uint8Array | null;
}

export interface DialOptions {
  readonly address: Address;
  readonly purpose: Purpose;
  /** Asked right after TLS whether to say anything at all; throws the reason against it. */
  readonly admit: (peer: PeerId) => void;
  /** How long TCP may take, where it should be less than the limit. */
  readonly tcpMs?: number;
}

export interface Dialled {
  readonly webSocket: WebSocket;
  readonly peer: PeerId;
}

/**
 * @param signal  ends the dial at any step and closes what was opened
 * @throws PotluckError TIMEOUT: no PC answers there; PEER_UNREACHABLE: no coworker does; NOT_ALLOWED: another
 *   program or another workgroup's PC; CANCELLED; and whatever `admit` throws
 */
export async function dial(dialler: Dialler, options: DialOptions, signal: AbortSignal): Promise<Dialled> {
  const { address, purpose, admit, tcpMs } = options;
  const { limits } = dialler;
  const group = dialler.group();
  if (group === null) throw new PotluckError('NO_WORKGROUP', 'this PC is in no workgroup');
  const socket = await openTls(
    dialler,
    { address, alpn: ALPN_MEMBER, ...(tcpMs === undefined ? {} : { tcpMs }) },
    signal,
  );
  try {
    const { id, exporter } = readOwn(socket, ALPN_MEMBER);
    if (id === dialler.id) throw new PotluckError('USAGE', 'this address is this PC');
    admit(id);
    const ends = { exporter, client: dialler.id, server: id };
    await withDeadline(limits.prefaceMs, signal, (deadline) => provePreface(socket, group, ends, deadline)).catch(
      hungUp,
    );
    return { webSocket: await openWebSocket(socket, purpose, limits.upgradeMs, signal), peer: id };
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

/** The handshake of a connection that this side opened. */
export function readOwn(socket: TLSSocket, wanted: Alpn): Handshake {
  const handshake = readHandshake(socket);
  if (handshake.alpn !== wanted) throw new PotluckError('NOT_ALLOWED', 'the other PC came with another protocol');
  return handshake;
}

export interface OpenTlsOptions {
  readonly address: Address;
  readonly alpn: Alpn;
  readonly tcpMs?: number;
}

/**
 * TCP, then TLS, each within its own limit.
 * @throws PotluckError TIMEOUT, PEER_UNREACHABLE; NOT_ALLOWED: it does not offer the protocol; CANCELLED
 */
export async function openTls(
  dialler: Pick<Dialler, 'context' | 'limits'>,
  options: OpenTlsOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted();
  const { address, alpn } = options;
  const socket = connect({
    host: address.host,
    port: address.port,
    ...clientTlsOptions(dialler.context, alpn),
  });
  // Errors are read from what each step waits for; a later one ends the socket, which its owner sees.
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  try {
    await step(socket, 'connect', options.tcpMs ?? dialler.limits.dialTcpMs, signal);
    await step(socket, 'secureConnect', dialler.limits.tlsMs, signal);
    return socket;
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

/** One step of opening: its event, or the socket's end, or the limit. */
function step(socket: TLSSocket, event: 'connect' | 'secureConnect', ms: number, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off(event, succeed);
      socket.off('error', fail);
      socket.off('close', fail);
      deadline.removeEventListener('abort', fail);
    };
    const succeed = (): void => {
      settle();
      resolve();
    };
    const fail = (cause?: unknown): void => {
      settle();
      if (signal.aborted) reject(signal.reason as Error);
      else reject(stepFailure(event, cause instanceof Error ? cause : undefined));
    };
    socket.once(event, succeed);
    socket.once('error', fail);
    socket.once('close', fail);
    deadline.addEventListener('abort', fail, { once: true });
  });
}

/** @param cause  undefined when it was the limit in time */
function stepFailure(event: 'connect' | 'secureConnect', cause: NodeJS.ErrnoException | undefined): PotluckError {
  // RFC 7301 §3.2: it is reached, and does not speak this protocol now.
  if (cause?.code?.includes('NO_APPLICATION_PROTOCOL') === true) {
    return new PotluckError('NOT_ALLOWED', 'what answers there does not speak this protocol', { cause });
  }
  if (event === 'connect') {
    const isRefused = cause?.code === 'ECONNREFUSED';
    return isRefused
      ? new PotluckError('PEER_UNREACHABLE', 'no agent listens there', { cause })
      : new PotluckError('TIMEOUT', 'no PC answers there', { cause });
  }
  return new PotluckError('PEER_UNREACHABLE', 'what answers there is no coworker', { cause });
}

/** Who does not take this PC for a member hangs up without a word. */
function hungUp(thrown: unknown): never {
  const error = toPotluckError(thrown);
  if (error.code !== 'PEER_UNREACHABLE') throw error;
  throw new PotluckError('PEER_UNREACHABLE', 'the PC there hung up: it does not know this one as a coworker');
}
