/**
 * What the agent remembers of downloads, so that they go on after it was killed.
 *
 * A transfer is one row, written before anything is fetched and at each change of its state. Of a folder, the
 * files that are in place are remembered too, in lots: one row a file, each synced by itself, would take
 * longer than fetching it. The few that were placed after the last lot are recognised by their bytes. A file
 * counts as safe when the disk was synced after it was placed; others are looked at again after a restart.
 */
import * as v from 'valibot';
import { type ErrorCode, isErrorCode, type WireError } from '../../protocol/errors.js';
import { PeerIdHex, ShareIdHex, TransferIdText } from '../../protocol/ids.js';
import { TRANSFER_STATES } from '../../protocol/local/model.js';
import { WirePath } from '../../protocol/path.js';
import type { Database, Migrations } from './database.js';

/** The tables of transfers, for `openDatabase`. */
export const TRANSFER_TABLES: Migrations = {
  feature: 'transfers',
  steps: [
    `CREATE TABLE transfer (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
     CREATE TABLE transfer_file (
       transfer TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, safe INTEGER NOT NULL,
       PRIMARY KEY (transfer, path)
     ) STRICT, WITHOUT ROWID;`,
  ],
};

const count = v.pipe(v.number(), v.minValue(0));
const code = v.pipe(
  v.string(),
  v.check(isErrorCode, 'not an error code'),
  v.transform((text) => text as ErrorCode),
);
const failure = v.pipe(
  v.object({ code, message: v.string(), hint: v.optional(v.string()) }),
  v.transform((error) => error as WireError),
);

/** A download as it is kept. `share` and `path` are as they were typed until they have been looked up. */
const StoredTransfer = v.object({
  id: TransferIdText,
  peer: PeerIdHex,
  /** What the peer was called when the download began. */
  peerName: v.string(),
  share: v.string(),
  path: v.string(),
  /** Set when share and path were found at the peer. */
  found: v.nullable(
    v.object({ share: ShareIdHex, path: WirePath, type: v.picklist(['file', 'folder']), name: v.string() }),
  ),
  /** The folder on this disk, absolute. */
  target: v.string(),
  onConflict: v.picklist(['rename', 'skip', 'replace']),
  /** The name that the file or the folder got in `target`. */
  placedName: v.nullable(v.string()),
  state: v.picklist(TRANSFER_STATES),
  because: v.string(),
  error: v.nullable(failure),
  bytes: count,
  size: count,
  files: count,
  filesDone: count,
  wrong: count,
  failed: v.array(v.object({ path: v.string(), code })),
  failedCount: count,
  /** Milliseconds since 1970. */
  startedMs: count,
  finishedMs: v.nullable(count),
});
export type StoredTransfer = v.InferOutput<typeof StoredTransfer>;

export interface PlacedFile {
  readonly path: WirePath;
  readonly bytes: number;
}

export class TransferStore {
  readonly #database: Database;
  readonly #put;
  readonly #placed;
  readonly #putFile;

  constructor(database: Database) {
    const { sql } = database;
    this.#database = database;
    this.#put = sql.prepare('INSERT OR REPLACE INTO transfer (id, body) VALUES (?, ?)');
    this.#placed = sql.prepare('SELECT 1 FROM transfer_file WHERE transfer = ? AND path = ? AND safe = 1');
    this.#putFile = sql.prepare(
      'INSERT OR REPLACE INTO transfer_file (transfer, path, bytes, safe) VALUES (?, ?, ?, 0)',
    );
  }

  /** Every transfer, the oldest first. */
  list(): StoredTransfer[] {
    const transfers = this.#database.sql
      .prepare('SELECT body FROM transfer')
      .all()
      .map((row) => v.parse(StoredTransfer, JSON.parse(String(row['body']))));
    return transfers.toSorted((a, b) => a.startedMs - b.startedMs || (a.id < b.id ? -1 : 1));
  }

  put(transfer: StoredTransfer): void {
    this.#put.run(transfer.id, JSON.stringify(transfer));
  }

  remove(id: string): void {
    this.#database.transaction(() => {
      this.#database.sql.prepare('DELETE FROM transfer WHERE id = ?').run(id);
      this.forgetFiles(id);
    });
  }

  /** Was this file placed, and is it certain to be on the disk still? */
  isSafe(id: string, path: WirePath): boolean {
    return this.#placed.get(id, path) !== undefined;
  }

  /** Remembers files that were placed since the last lot. */
  recordPlaced(id: string, files: readonly PlacedFile[]): void {
    if (files.length === 0) return;
    this.#database.transaction(() => {
      for (const { path, bytes } of files) this.#putFile.run(id, path, bytes);
    });
  }

  /** The disk was synced: what was recorded before is there for good. */
  makeSafe(id: string): void {
    this.#database.sql.prepare('UPDATE transfer_file SET safe = 1 WHERE transfer = ? AND safe = 0').run(id);
  }

  forgetFiles(id: string): void {
    this.#database.sql.prepare('DELETE FROM transfer_file WHERE transfer = ?').run(id);
  }
}
