/** Methods of the local API about shares, browsing and transfers. */
import type { PeerId } from '../../protocol/ids.js';
import type { EntryRow, LocalMethod } from '../../protocol/local/api.js';
import type { ShareEntry } from '../../protocol/peer/shares.js';
import type { LocalShares, ShareChange } from '../shares/local-shares.js';
import type { RemoteShares } from '../shares/remote-shares.js';
import type { Downloads } from '../transfer/downloads.js';
import type { Board } from '../platform/board.js';
import type { LocalHandlers } from './local-calls.js';

export interface FilesApiOptions {
  readonly board: Board;
  readonly shares: LocalShares;
  readonly remote: RemoteShares;
  readonly downloads: Downloads;
  /** A coworker, or this PC itself. */
  readonly peerNamed: (typed: string) => PeerId;
}

type FilesMethod = Extract<LocalMethod, `share.${string}` | `browse.${string}` | `transfer.${string}`>;

export function filesHandlers(options: FilesApiOptions): Pick<LocalHandlers, FilesMethod> {
  const { board, shares, remote, downloads, peerNamed } = options;
  const audience = (only?: readonly string[], except?: readonly string[]): ShareChange => ({
    ...(only === undefined ? {} : { only: only.map((typed) => peerNamed(typed)) }),
    ...(except === undefined ? {} : { except: except.map((typed) => peerNamed(typed)) }),
  });
  return {
    'share.add': async ({ folder, name, only, except }) =>
      shares.rowOf(shares.add(folder, { ...(name === undefined ? {} : { name }), ...audience(only, except) })),
    'share.set': async ({ name, rename, only, except }) =>
      shares.rowOf(shares.set(name, { ...(rename === undefined ? {} : { name: rename }), ...audience(only, except) })),
    'share.list': async () => ({ shares: shares.list().map((share) => shares.rowOf(share)) }),
    'share.remove': async ({ name }) => {
      const row = shares.rowOf(shares.byName(name));
      shares.remove(name);
      return row;
    },

    'browse.shares': async ({ peer }, signal) => {
      const found = await remote.list(peerNamed(peer), signal);
      return { shares: found.map(({ name, writable }) => ({ name, writable })) };
    },
    'browse.list': async ({ peer, share, path, cursor, limit }, signal) => {
      const id = peerNamed(peer);
      const place = await remote.resolve(id, share, path, signal);
      if (place.entry?.type === 'file') return { entry: entryRow(place.entry), entries: [], next: null, total: 0 };
      const page = await remote.browse(id, place.share.id, place.path, cursor, limit, signal);
      return { entry: null, entries: page.entries.map(entryRow), next: page.next, total: page.total };
    },

    'transfer.get': async ({ peer, share, path, to, onConflict }, signal) => {
      const id = peerNamed(peer);
      // A wrong name is told at once; a coworker who is away is waited for.
      await remote.resolve(id, share, path, signal).catch(unlessAway);
      return downloads.start({ peer: id, share, path, target: to, onConflict });
    },
    'transfer.list': async () => ({ transfers: board.rows('transfers') }),
    'transfer.pause': ({ id }) => downloads.pause(id),
    'transfer.resume': ({ id }) => downloads.resume(id),
    'transfer.cancel': ({ id }) => downloads.cancel(id),
  };
}

const AWAY = new Set(['PEER_OFFLINE', 'PEER_UNREACHABLE', 'TIMEOUT']);

function unlessAway(thrown: unknown): void {
  if (!AWAY.has((thrown as { code?: string }).code ?? '')) throw thrown;
}

function entryRow({ name, type, size, modified, content }: ShareEntry): EntryRow {
  return { name, type, size, modified: new Date(modified).toISOString(), content };
}
