/** What is known of one member: for the screen, and for reaching it again. */
import { isIPv6 } from 'node:net';
import type { RememberedPeer } from '../discovery/remembered-peers.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Address, PeerInfo } from '../../protocol/peer/info.js';
import type { LinkEnd } from './link.js';
import type { Session } from './session.js';

/** Another member as it is shown. */
export interface PeerState {
  readonly id: PeerId;
  /** Chosen by the peer: raw, at most 64 bytes. */
  readonly name: string;
  readonly state: 'online' | 'connecting' | 'offline' | 'blocked';
  /** Why it is not online, as far as is known; empty when it is. */
  readonly because: string;
  /** `HOST:PORT`, the one in use or the best one first. */
  readonly addresses: readonly string[];
  /** Milliseconds since 1970 as this PC believes: when it came online, or was last online; null for never. */
  readonly lastSeenMs: number | null;
  readonly info: PeerInfo | null;
}

export interface KnownPeer {
  readonly id: PeerId;
  name: string;
  info: PeerInfo | null;
  lastSeenMs: number | null;
  because: string;
  session: Session | null;
  /** When the session began, monotonic. */
  onlineAtMs: number;
  /** Sessions in a row that were over at once. */
  shortSessions: number;
  /** The notes that it was sent last, so that unchanged ones are not sent again. */
  toldInfo: string;
  toldAddresses: string;
  /** What was announced last. */
  shown: PeerState | null;
}

export function newKnownPeer(id: PeerId, name: string, remembered: RememberedPeer | undefined): KnownPeer {
  return {
    id,
    name: remembered?.name ?? name,
    info: null,
    lastSeenMs: remembered?.lastSeenMs ?? null,
    because: 'not seen yet',
    session: null,
    onlineAtMs: 0,
    shortSessions: 0,
    toldInfo: '',
    toldAddresses: '',
    shown: null,
  };
}

/** Why a session ended, for a person. */
export const ENDED: Readonly<Record<LinkEnd, string>> = {
  goodbye: 'its agent was stopped',
  duplicate: 'the connection was exchanged',
  'not-a-member': 'it refuses this PC',
  flood: 'more messages than a coworker may send',
  'bad-message': 'the two agents do not understand each other',
  silence: 'it does not answer any more',
  slow: 'it does not take what it asked for',
  lost: 'the connection broke',
};

/** Where a linked peer can be dialled: the address of the link, and the port it listens at, once that is known. */
export function reachedAt(peer: KnownPeer): Address | null {
  const link = peer.session?.link;
  if (link === undefined) return null;
  if (link.port !== null) return { host: link.host, port: link.port };
  const told = peer.info?.addresses ?? [];
  const port = (told.find((address) => address.host === link.host) ?? told[0])?.port;
  return port === undefined ? null : { host: link.host, port };
}

export function addressText({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
