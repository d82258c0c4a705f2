/**
 * The folders that this PC shares: which they are, and what is in them.
 *
 * Facts only. Who may see a share is decided in the doors; a share carries whom its owner lets in, and every
 * function here that reads takes the share that the door has allowed. The shares themselves are rows of the
 * agent's database, written before anything else happens, and rows of the board for this user's clients.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, opendirSync, realpathSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import type { Board } from '../platform/board.js';
import { type Clock, withDeadline } from '../platform/clock.js';
import type { Hasher } from '../platform/hasher.js';
import type { Closable } from '../platform/scope.js';
import { type EntryFacts, lookAtEntries, type OpenFile, openShareFile } from '../platform/share-files.js';
import { type Contents, stampText } from '../storage/contents.js';
import type { Database, Migrations } from '../storage/database.js';
import { PotluckError } from '../../protocol/errors.js';
import { type ContentId, type PeerId, PeerIdHex, peerIdText, type ShareId, ShareIdHex } from '../../protocol/ids.js';
import { NAME_MAX_BYTES, SHARES_MAX_COUNT } from '../../protocol/limits.js';
import type { ShareRow } from '../../protocol/local/model.js';
import type { Manifest } from '../../protocol/manifest.js';
import { collisionKey, nameOf, parentOf, type WirePath } from '../../protocol/path.js';
import type { OnProgress, PeerReply } from '../../protocol/peer/messages.js';
import { needsShortId } from '../../protocol/text.js';
import { ContentIds, type Described, wireTime } from './content-ids.js';
import { FolderPages } from './folder-pages.js';

/** A share as its owner set it up. */
export interface LocalShare {
  readonly id: ShareId;
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly writable: boolean;
  /** Only these members see it, when there are any. */
  readonly only: readonly PeerId[];
  /** These never do. */
  readonly except: readonly PeerId[];
}

/** What may be changed of a share. */
export interface ShareChange {
  readonly name?: string;
  readonly only?: readonly PeerId[];
  readonly except?: readonly PeerId[];
}

/** A file of a share that is open to be sent; whoever got it closes the descriptor. */
export interface ServedFile {
  readonly share: LocalShare;
  readonly path: WirePath;
  readonly file: OpenFile;
  readonly manifest: Manifest;
}

export interface LocalSharesOptions {
  readonly database: Database;
  readonly contents: Contents;
  readonly hasher: Hasher;
  readonly board: Board;
  readonly clock: Clock;
  /** The agent's own folder, which is never shared. */
  readonly home: string;
  /** Told after each change, so that coworkers can be told. */
  readonly onChanged: () => void;
}

/** The tables of the shares, for `openDatabase`. */
export const SHARE_TABLES: Migrations = {
  feature: 'shares',
  steps: [
    `CREATE TABLE share (
       id TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL,
       only_peers TEXT NOT NULL, except_peers TEXT NOT NULL
     ) STRICT`,
  ],
};

const LOOK_INTERVAL_MS = 30_000;
const LOOK_MAX_MS = 2000;

const peerList = v.pipe(
  v.string(),
  v.transform((text): unknown => JSON.parse(text)),
  v.array(PeerIdHex),
);
const StoredShare = v.object({
  id: ShareIdHex,
  name: v.string(),
  folder: v.string(),
  only_peers: peerList,
  except_peers: peerList,
});

export class LocalShares implements Closable {
  readonly #options: LocalSharesOptions;
  readonly #shares = new Map<ShareId, LocalShare>();
  readonly #pages: FolderPages;
  readonly #contentIds: ContentIds;
  /** Whose folder was not there at the last look. */
  readonly #missing = new Set<ShareId>();
  readonly #closing = new AbortController();
  readonly #looking: Promise<void>;

  constructor(options: LocalSharesOptions) {
    this.#options = options;
    this.#pages = new FolderPages(options.clock);
    this.#contentIds = new ContentIds(options);
    for (const row of options.database.sql.prepare('SELECT * FROM share ORDER BY rowid').all()) {
      const { id, name, folder, only_peers: only, except_peers: except } = v.parse(StoredShare, row);
      this.#shares.set(id, { id, name, folder, writable: false, only, except });
    }
    for (const share of this.list()) options.board.put('shares', share.id, this.rowOf(share));
    this.#looking = this.#keepLooking(this.#closing.signal);
  }

  /** Every share, in the order in which they were added. */
  list(): LocalShare[] {
    return [...this.#shares.values()];
  }

  get(id: ShareId): LocalShare | null {
    return this.#shares.get(id) ?? null;
  }

  /** @throws PotluckError SHARE_UNKNOWN */
  byName(name: string): LocalShare {
    const key = collisionKey(name.trim());
    const found = this.list().find((share) => collisionKey(share.name) === key);
    if (found === undefined) {
      throw new PotluckError('SHARE_UNKNOWN', `${name}: nothing is shared under this name`, {
        hint: 'potluck share list',
      });
    }
    return found;
  }

  /**
   * Shares a folder; the name is the folder's own unless told.
   * @param folder  absolute
   * @throws PotluckError PATH_UNKNOWN, UNREADABLE, NOT_ALLOWED, NAME_INVALID, ALREADY_EXISTS, QUOTA
   */
  add(folder: string, change: ShareChange): LocalShare {
    const place = path.resolve(folder);
    this.#checkFolder(place);
    if (this.#shares.size >= SHARES_MAX_COUNT) {
      throw new PotluckError('QUOTA', `${SHARES_MAX_COUNT} folders are shared, which is the most`);
    }
    const share: LocalShare = {
      id: randomBytes(16).toString('hex') as ShareId,
      name: this.#checkName(change.name ?? path.basename(place), null),
      folder: place,
      writable: false,
      only: unique(change.only ?? []),
      except: unique(change.except ?? []),
    };
    this.#put(share);
    return share;
  }

  /** @throws PotluckError SHARE_UNKNOWN, NAME_INVALID, ALREADY_EXISTS */
  set(name: string, change: ShareChange): LocalShare {
    const old = this.byName(name);
    const share: LocalShare = {
      ...old,
      name: change.name === undefined ? old.name : this.#checkName(change.name, old),
      only: unique(change.only ?? old.only),
      except: unique(change.except ?? old.except),
    };
    this.#put(share);
    return share;
  }

  /** The folder and its files stay as they are. @throws PotluckError SHARE_UNKNOWN */
  remove(name: string): LocalShare {
    const share = this.byName(name);
    this.#options.database.sql.prepare('DELETE FROM share WHERE id = ?').run(share.id);
    this.#shares.delete(share.id);
    if (!this.list().some((other) => other.folder === share.folder)) this.#options.contents.forgetRoot(share.folder);
    this.#options.board.delete('shares', share.id);
    this.#options.onChanged();
    return share;
  }

  /** The row of a share as this user's clients see it. */
  rowOf(share: LocalShare): ShareRow {
    return {
      id: share.id,
      name: share.name,
      folder: share.folder,
      writable: share.writable,
      only: share.only.map(peerIdText),
      except: share.except.map(peerIdText),
      state: this.#missing.has(share.id) ? 'missing' : 'ok',
    };
  }

  /**
   * One page of a folder, folders first.
   * @throws PotluckError PATH_UNKNOWN, UNREADABLE, TOO_LARGE, GONE
   */
  browse(
    share: LocalShare,
    folder: WirePath,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ): Promise<PeerReply<'shares.browse'>> {
    const shape = (entry: EntryFacts): WireEntry => this.#wireEntry(share, folder, entry);
    return this.#pages.page(share.folder, folder, cursor, limit, shape, signal);
  }

  /** @throws PotluckError PATH_UNKNOWN: no such entry, or the share itself; UNREADABLE */
  stat(share: LocalShare, entry: WirePath): PeerReply<'shares.stat'> {
    const parent = parentOf(entry);
    const [facts] = entry === '' ? [] : lookAtEntries(share.folder, parent, [nameOf(entry)]);
    if (facts === undefined) throw new PotluckError('PATH_UNKNOWN', 'no such file or folder in the share');
    return { entry: this.#wireEntry(share, parent, facts) };
  }

  /** The content ids of files, in order; what is not known is hashed. One that fails does not disturb the others. */
  async describe(
    share: LocalShare,
    paths: readonly WirePath[],
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<{ items: Described[] }> {
    return { items: await this.#contentIds.describe(share.folder, paths, onProgress, signal) };
  }

  /**
   * Opens a file that has this content, in one of the shares that the caller allows.
   * @returns null when there is none
   * @throws PotluckError GONE: there was one, and it has changed
   */
  openContent(content: ContentId, isAllowed: (share: LocalShare) => boolean): ServedFile | null {
    let hasChanged = false;
    for (const known of this.#options.contents.filesOf(content)) {
      const share = this.list().find((each) => each.folder === known.root && isAllowed(each));
      if (share === undefined) continue;
      const file = this.#openIfSame(known.root, known.path, known.stamp);
      const manifest = file === null ? null : this.#options.contents.manifestOf(content);
      if (file !== null && manifest !== null) return { share, path: known.path, file, manifest };
      hasChanged = true;
      if (file !== null) closeSync(file.fd);
      this.#options.contents.forget(known, content);
    }
    if (hasChanged) throw new PotluckError('GONE', 'the file has changed');
    return null;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
  }

  #openIfSame(root: string, file: WirePath, stamp: string): OpenFile | null {
    let open: OpenFile;
    try {
      open = openShareFile(root, file);
    } catch {
      // Whatever the reason: this file cannot give the bytes.
      return null;
    }
    if (stampText(open.stamp) === stamp) return open;
    closeSync(open.fd);
    return null;
  }

  #wireEntry(share: LocalShare, folder: WirePath, { name, type, stamp, modifiedMs }: EntryFacts): WireEntry {
    const modified = wireTime(modifiedMs);
    if (type === 'folder') return { name, type, size: 0, modified, content: null };
    const place = { root: share.folder, path: (folder === '' ? name : `${folder}/${name}`) as WirePath };
    return { name, type, size: stamp.size, modified, content: this.#options.contents.find(place, stamp) ?? null };
  }

  #put(share: LocalShare): void {
    this.#options.database.sql
      .prepare(
        `INSERT INTO share (id, name, folder, only_peers, except_peers) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, only_peers = excluded.only_peers,
           except_peers = excluded.except_peers`,
      )
      .run(share.id, share.name, share.folder, JSON.stringify(share.only), JSON.stringify(share.except));
    this.#shares.set(share.id, share);
    this.#options.board.put('shares', share.id, this.rowOf(share));
    this.#options.onChanged();
  }

  /** Folders come and go with their disks: the rows say so before somebody asks in vain. */
  async #keepLooking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const share of this.list()) await this.#look(share, signal);
      await this.#options.clock.sleep(LOOK_INTERVAL_MS, signal).catch(() => undefined);
    }
  }

  async #look(share: LocalShare, signal: AbortSignal): Promise<void> {
    const isThere = await withDeadline(LOOK_MAX_MS, signal, () => stat(share.folder)).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (signal.aborted) return;
    if (isThere) this.#missing.delete(share.id);
    else this.#missing.add(share.id);
    const current = this.get(share.id);
    if (current === null) this.#missing.delete(share.id);
    else this.#options.board.put('shares', share.id, this.rowOf(current));
  }

  #checkFolder(folder: string): void {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new PotluckError('PATH_UNKNOWN', `${folder} is not there or is no folder`);
    }
    let real: string;
    try {
      opendirSync(folder).closeSync();
      real = realpathSync.native(folder);
    } catch (thrown) {
      throw new PotluckError('UNREADABLE', `${folder} cannot be read`, { cause: thrown });
    }
    const home = realpathSync.native(this.#options.home);
    if (isWithin(home, real) || isWithin(real, home)) {
      throw new PotluckError(
        'NOT_ALLOWED',
        `${folder} cannot be shared: it has to do with the agent's own folder ${home}`,
      );
    }
  }

  #checkName(typed: string, own: LocalShare | null): string {
    const name = typed.trim().normalize('NFC');
    const isBad = name === '' || name === '.' || name === '..' || name.includes('/') || needsShortId(name);
    if (isBad || Buffer.byteLength(name) > NAME_MAX_BYTES) {
      throw new PotluckError(
        'NAME_INVALID',
        `a share needs a name of at most ${NAME_MAX_BYTES} bytes without / in it`,
        {
          hint: 'potluck share add FOLDER --name NAME',
        },
      );
    }
    const key = collisionKey(name);
    if (this.list().some((share) => share.id !== own?.id && collisionKey(share.name) === key)) {
      throw new PotluckError('ALREADY_EXISTS', `${name}: a folder is shared under this name already`, {
        hint: 'potluck share add FOLDER --name NAME',
      });
    }
    return name;
  }
}

type WireEntry = PeerReply<'shares.browse'>['entries'][number];

function unique(peers: readonly PeerId[]): PeerId[] {
  return [...new Set(peers)];
}

function isWithin(folder: string, inner: string): boolean {
  const relative = path.relative(folder, inner);
  return relative === '' || (relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative));
}
