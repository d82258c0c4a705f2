/**
 * The addresses of this PC, and which remote addresses are near enough to talk to.
 *
 * Potluck serves one office's network: whoever is neither private, nor link-local, nor on the same link is
 * refused before a byte is read, so a PC with a public address is closed to the world. No system tells every
 * program when an address comes or goes, so the list is read again every two seconds. SPEC.md, "Connections".
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import type { Clock } from './clock.js';
import type { Closable } from './scope.js';

const POLL_INTERVAL_MS = 2000;
/** A wider mask is no link but a mistake or a tunnel; it would make the whole internet near. */
const LINK_PREFIX_MIN_BITS = { ipv4: 8, ipv6: 48 } as const;

/** One address of this PC. */
export interface OwnAddress {
  readonly interface: string;
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Length of the network part, in bits. */
  readonly prefix: number;
  /** Of the interface; two of the same address at different times are told apart by it. */
  readonly mac: string;
}

export interface Interfaces extends Closable {
  /** Those that other PCs may reach: all but loopback, or only the one that was asked for. */
  addresses(): readonly OwnAddress[];
  /** Is the address in the network of one of these interfaces? */
  isOnLink(address: string): boolean;
  /**
   * May this agent talk with that address at all?
   * @param address        may carry a zone, or be an IPv4 address mapped into IPv6
   * @param allowLoopback  also with this PC itself: for a demonstration and for tests
   */
  isAcceptableRemote(address: string, allowLoopback: boolean): boolean;
  /** @returns the function that unsubscribes */
  onChange(listener: () => void): () => void;
}

export interface InterfacesOptions {
  readonly clock: Clock;
  /** Use this address of this PC and no other; null for all but loopback. */
  readonly only: string | null;
  /** What the system says; replaced in tests. */
  readonly read?: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
}

const NEAR = blockList([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 10],
]);
const LOOPBACK = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
]);
/** No single PC has one of these, whatever a mask says. */
const NOBODY = blockList([
  ['0.0.0.0', 8],
  ['224.0.0.0', 3],
  ['::', 128],
  ['ff00::', 8],
]);

export function openInterfaces(options: InterfacesOptions): Interfaces {
  const { clock, only, read = networkInterfaces } = options;
  const listeners = new Set<() => void>();
  let addresses = list(read, only) ?? [];
  let links = linksOf(addresses);
  let isClosed = false;

  const poll = (): void => {
    if (isClosed) return;
    // A system that cannot say keeps its last answer.
    const now = list(read, only) ?? addresses;
    if (JSON.stringify(now) !== JSON.stringify(addresses)) {
      addresses = now;
      links = linksOf(now);
      for (const listener of listeners) listener();
    }
    cancel = clock.after(POLL_INTERVAL_MS, poll);
  };
  let cancel = clock.after(POLL_INTERVAL_MS, poll);

  const isOnLink = (address: string): boolean => isIn(links, plainAddress(address));
  return {
    addresses: () => addresses,
    isOnLink,
    isAcceptableRemote(address, allowLoopback) {
      const plain = plainAddress(address);
      if (isIn(LOOPBACK, plain)) return allowLoopback;
      return !isIn(NOBODY, plain) && (isIn(NEAR, plain) || isIn(links, plain));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      isClosed = true;
      cancel();
      listeners.clear();
    },
  };
}

/** An address without its zone, and an IPv4 address out of its IPv6 form; what is no address becomes ''. */
export function plainAddress(address: string): string {
  const zone = address.indexOf('%');
  const text = zone < 0 ? address : address.slice(0, zone);
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(text)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return isIP(text) === 0 ? '' : text;
}

/** @returns null when the system does not say */
function list(read: () => NodeJS.Dict<NetworkInterfaceInfo[]>, only: string | null): OwnAddress[] | null {
  let all: NodeJS.Dict<NetworkInterfaceInfo[]>;
  try {
    all = read();
  } catch {
    return null;
  }
  const found: OwnAddress[] = [];
  for (const [name, infos] of Object.entries(all)) {
    for (const info of infos ?? []) {
      if (only === null ? info.internal : info.address !== only) continue;
      const prefix = Number(info.cidr?.split('/')[1] ?? Number.NaN);
      found.push({
        interface: name,
        address: info.address,
        family: info.family === 'IPv4' ? 'ipv4' : 'ipv6',
        prefix: Number.isInteger(prefix) ? prefix : info.family === 'IPv4' ? 32 : 128,
        mac: info.mac,
      });
    }
  }
  return found;
}

function linksOf(addresses: readonly OwnAddress[]): BlockList {
  return blockList(
    addresses
      .filter(({ family, prefix }) => prefix >= LINK_PREFIX_MIN_BITS[family])
      .map(({ address, prefix }) => [address, prefix]),
  );
}

function blockList(networks: readonly (readonly [string, number])[]): BlockList {
  const made = new BlockList();
  for (const [address, prefix] of networks) made.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
  return made;
}

function isIn(networks: BlockList, plain: string): boolean {
  return plain !== '' && networks.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}
