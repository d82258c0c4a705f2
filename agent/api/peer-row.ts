/** A coworker as this user's clients see it. */
import { peerIdText } from '../../protocol/ids.js';
import type { PeerRow } from '../../protocol/local/model.js';
import type { PeerState } from '../net/known-peer.js';

export function peerRow({ id, name, state, because, addresses, lastSeenMs, info }: PeerState): PeerRow {
  return {
    id: peerIdText(id),
    name,
    state,
    because,
    addresses: [...addresses],
    lastSeen: lastSeenMs === null ? null : new Date(lastSeenMs).toISOString(),
    version: info?.version ?? null,
    platform: info?.platform ?? null,
    disk: info?.disk ?? null,
    shares: info?.shares ?? 0,
    printers: info?.printers ?? 0,
    internet: info?.internet ?? false,
  };
}
