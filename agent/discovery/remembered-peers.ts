/**
 * Where members were reached last, kept over a restart, so that an office whose network carries no multicast, or a PC
 * whose discovery is off, finds its coworkers again.
 *
 * Only a memory of hints: a damaged file is an empty memory.
 */
import path from 'node:path';
import * as v from 'valibot';
import { toPotluckError } from '../../protocol/errors.js';
import { PeerIdHex } from '../../protocol/ids.js';
import { ADDRESSES_PER_PEER_MAX_COUNT, NAME_MAX_BYTES, REMEMBERED_PEERS_MAX_COUNT } from '../../protocol/limits.js';
import { Address } from '../../protocol/peer/info.js';
import type { Clock } from '../platform/clock.js';
import { readPrivateFile, writePrivateFile } from '../platform/files.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';

/** Addresses change in bursts when a network does; one write is enough for all of them. */
const WRITE_DELAY_MS = 2000;
const FILE_MAX_BYTES = 512 * 1024;

const RememberedPeer = v.strictObject({
  id: PeerIdHex,
  name: v.pipe(v.string(), v.maxBytes(NAME_MAX_BYTES)),
  /** The best first. */
  addresses: v.pipe(v.array(Address), v.maxLength(ADDRESSES_PER_PEER_MAX_COUNT)),
  /** ms since 1970, as this PC believes. */
  lastSeenMs: v.nullable(v.number()),
});
export type RememberedPeer = v.InferOutput<typeof RememberedPeer>;

const Stored = v.strictObject({
  v: v.literal(1),
  peers: v.pipe(v.array(RememberedPeer), v.maxLength(REMEMBERED_PEERS_MAX_COUNT)),
});

export interface RememberedPeers extends Closable {
  /** What was remembered last. */
  all(): readonly RememberedPeer[];
  /** Remembers these and nobody else; written within two seconds, and when it closes. */
  remember(peers: readonly RememberedPeer[]): void;
}

/** @param folder  private, see platform/paths */
export async function openRememberedPeers(options: {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<RememberedPeers> {
  const { clock, log } = options;
  const file = path.join(options.folder, 'peers.json');
  let peers = await read(file, log);
  let written = JSON.stringify(peers);
  let cancel: (() => void) | null = null;
  let writing: Promise<void> = Promise.resolve();

  const write = (): void => {
    cancel?.();
    cancel = null;
    const text = JSON.stringify(peers);
    if (text === written) return;
    written = text;
    const saved = writePrivateFile(file, `${JSON.stringify({ v: 1, peers }, null, 1)}\n`).catch((thrown: unknown) => {
      written = '';
      log.warn('peers.unsaved', { error: toPotluckError(thrown).code });
    });
    writing = Promise.all([writing, saved]).then(() => undefined);
  };
  return {
    all: () => peers,
    remember(list) {
      peers = list.slice(0, REMEMBERED_PEERS_MAX_COUNT).map((peer) => ({
        ...peer,
        addresses: peer.addresses.slice(0, ADDRESSES_PER_PEER_MAX_COUNT),
      }));
      cancel ??= clock.after(WRITE_DELAY_MS, write);
    },
    async close() {
      write();
      await writing;
    },
  };
}

async function read(file: string, log: Log): Promise<readonly RememberedPeer[]> {
  try {
    const content = await readPrivateFile(file, FILE_MAX_BYTES);
    return content === null ? [] : v.parse(Stored, JSON.parse(content.toString())).peers;
  } catch (thrown) {
    log.warn('peers.unreadable', { error: toPotluckError(thrown).code });
    return [];
  }
}
