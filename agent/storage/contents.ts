/**
 * What is known of the bytes of shared files: path and state of a file → content id, content id → files and
 * layer. Only a cache: what is lost is hashed again.
 *
 * An entry counts as long as size, time and inode of the file are those that were hashed. A file that was
 * written within two seconds of being hashed may change once more without its time changing (FAT counts in
 * steps of two seconds, others in milliseconds), so such an entry is not believed when somebody asks anew.
 *
 * When the disk is full the agent must still be able to share what is on it: then the entries are kept in
 * memory until the agent ends.
 */
import * as v from 'valibot';
import { type ContentId, ContentIdHex } from '../../protocol/ids.js';
import { CONTENTS_IN_MEMORY_COUNT, CONTENTS_KEPT_COUNT, FILES_PER_CONTENT_MAX_COUNT } from '../../protocol/limits.js';
import { type Manifest, pieceCount, singlePieceManifest, verifyLayer } from '../../protocol/manifest.js';
import { WirePath } from '../../protocol/path.js';
import type { Hashed } from '../platform/hasher.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import type { FileStamp } from '../platform/share-files.js';
import { type Database, IN_MEMORY, type Migrations, openDatabase } from './database.js';

/** A file of a share: the shared folder and the path in it. */
export interface FilePlace {
  readonly root: string;
  readonly path: WirePath;
}

export interface KnownFile extends FilePlace {
  /** As `stampText` tells it. */
  readonly stamp: string;
}

export interface HashedFile extends FilePlace {
  readonly hashed: Hashed;
  /** Milliseconds since 1970, as the file system and this PC's clock tell them. */
  readonly modifiedMs: number;
  readonly hashedMs: number;
}

/** Coarsest step of the times of a file system. */
const TIME_STEP_MS = 2000;

const CONTENTS: Migrations = {
  feature: 'contents',
  steps: [
    `CREATE TABLE file (
       id INTEGER PRIMARY KEY,
       root TEXT NOT NULL, path TEXT NOT NULL,
       stamp TEXT NOT NULL, settled INTEGER NOT NULL, size INTEGER NOT NULL,
       content TEXT,
       UNIQUE (root, path)
     ) STRICT;
     CREATE INDEX file_content ON file (content) WHERE content IS NOT NULL;
     CREATE TABLE layer (content TEXT PRIMARY KEY, size INTEGER NOT NULL, hashes BLOB NOT NULL) STRICT;`,
  ],
};

const FileRow = v.object({ root: v.string(), path: WirePath, stamp: v.string() });
const LayerRow = v.object({ size: v.number(), hashes: v.instance(Uint8Array) });
const SizeRow = v.object({ size: v.number() });
const ContentRow = v.object({ content: v.nullable(ContentIdHex) });

export class Contents implements Closable {
  #store: Store;
  /**
   * What was found last, by place and by content: a file is listed, described and served shortly one after the
   * other, and looking into the database takes longer than reading a small file.
   */
  readonly #byPlace = new Map<string, { readonly stamp: string; readonly content: ContentId }>();
  readonly #byContent = new Map<ContentId, KnownFile & { readonly size: number }>();
  readonly #log: Log;

  /** @param file  of the database; absolute, its folder exists */
  constructor(file: string, log: Log) {
    this.#log = log;
    this.#store = new Store(openDatabase(file, [CONTENTS], log, 'cache'));
    this.#change((store) => store.trim());
  }

  /** The content id of a file in this state (null: it is empty), or undefined when it has to be hashed. */
  find(place: FilePlace, stamp: FileStamp): ContentId | null | undefined {
    if (stamp.size === 0) return null;
    const key = keyOf(place);
    const text = stampText(stamp);
    const found = this.#byPlace.get(key);
    if (found?.stamp === text) return found.content;
    const row = this.#store.find.get(place.root, place.path, text);
    const content = row === undefined ? undefined : v.parse(ContentRow, row).content;
    if (content !== undefined && content !== null) {
      keep(this.#byPlace, key, { stamp: text, content });
      keep(this.#byContent, content, { root: place.root, path: place.path, stamp: text, size: stamp.size });
    }
    return content;
  }

  /** Keeps what was hashed; empty files need no keeping. */
  remember(files: readonly HashedFile[]): void {
    this.#change((store) => store.remember(files));
    for (const { root, path, hashed } of files) {
      const { content, stamp } = hashed;
      if (content !== null) keep(this.#byContent, content, { root, path, stamp: stampText(stamp), size: stamp.size });
    }
  }

  /** Files that had this content when they were hashed, the most promising first. */
  *filesOf(content: ContentId): Generator<KnownFile> {
    const found = this.#byContent.get(content);
    if (found !== undefined) yield found;
    for (const known of this.#storedFilesOf(content)) {
      if (known.path !== found?.path || known.root !== found.root) yield known;
    }
  }

  #storedFilesOf(content: ContentId): KnownFile[] {
    return this.#store.files.all(content).map((row) => v.parse(FileRow, row));
  }

  /** What it takes to check the pieces of a content; null when it is not known here. */
  manifestOf(content: ContentId): Manifest | null {
    const found = this.#byContent.get(content);
    const row = found ?? this.#store.size.get(content);
    if (row === undefined) return null;
    const { size } = v.parse(SizeRow, row);
    if (pieceCount(size) === 1) return singlePieceManifest(content, size);
    const layer = this.#store.layer.get(content);
    // Damage on this disk would make every answer wrong: it is noticed here and hashed again.
    return layer === undefined ? null : verifyLayer(content, size, v.parse(LayerRow, layer).hashes);
  }

  /** This file is gone, or has other bytes than this content now. */
  forget(place: FilePlace, content: ContentId): void {
    this.#byPlace.delete(keyOf(place));
    const found = this.#byContent.get(content);
    if (found?.path === place.path && found.root === place.root) this.#byContent.delete(content);
    this.#change((store) => store.forget.run(place.root, place.path));
  }

  /** Everything below a folder that is no longer shared. */
  forgetRoot(root: string): void {
    this.#byPlace.clear();
    this.#byContent.clear();
    this.#change((store) => store.forgetRoot.run(root));
  }

  close(): Promise<void> {
    return this.#store.database.close();
  }

  /** A change that cannot be written is made in memory, with all that follow. */
  #change(work: (store: Store) => void): void {
    try {
      work(this.#store);
    } catch (thrown) {
      this.#log.warn('contents.in-memory', { code: errorCode(thrown) });
      void this.#store.database.close();
      this.#store = new Store(openDatabase(IN_MEMORY, [CONTENTS], this.#log, 'cache'));
      work(this.#store);
    }
  }
}

/** One text for a state of a file; equal only for equal states. */
export function stampText({ size, mtimeNs, ino }: FileStamp): string {
  return `${size} ${mtimeNs} ${ino}`;
}

function keyOf({ root, path }: FilePlace): string {
  return `${root}\0${path}`;
}

/** Keeps an entry as the newest one of a bounded number. */
function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= CONTENTS_IN_MEMORY_COUNT) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

/** The statements on one database. */
class Store {
  readonly database: Database;
  readonly find;
  readonly files;
  readonly size;
  readonly layer;
  readonly forget;
  readonly forgetRoot;
  readonly #putFile;
  readonly #putLayer;

  constructor(database: Database) {
    const { sql } = database;
    this.database = database;
    this.find = sql.prepare('SELECT content FROM file WHERE root = ? AND path = ? AND stamp = ? AND settled = 1');
    this.files = sql.prepare(
      `SELECT root, path, stamp FROM file WHERE content = ? ORDER BY id DESC LIMIT ${FILES_PER_CONTENT_MAX_COUNT}`,
    );
    this.size = sql.prepare('SELECT size FROM file WHERE content = ? LIMIT 1');
    this.layer = sql.prepare('SELECT size, hashes FROM layer WHERE content = ?');
    this.forget = sql.prepare('DELETE FROM file WHERE root = ? AND path = ?');
    this.forgetRoot = sql.prepare('DELETE FROM file WHERE root = ?');
    this.#putFile = sql.prepare(
      'INSERT OR REPLACE INTO file (root, path, stamp, settled, size, content) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#putLayer = sql.prepare('INSERT OR REPLACE INTO layer (content, size, hashes) VALUES (?, ?, ?)');
  }

  remember(files: readonly HashedFile[]): void {
    this.database.transaction(() => {
      for (const { root, path, hashed, modifiedMs, hashedMs } of files) {
        const { stamp, content, layer } = hashed;
        if (content === null) continue;
        const isSettled = Math.abs(hashedMs - modifiedMs) > TIME_STEP_MS;
        this.#putFile.run(root, path, stampText(stamp), isSettled ? 1 : 0, stamp.size, content);
        if (pieceCount(stamp.size) > 1) this.#putLayer.run(content, stamp.size, layer);
      }
    });
  }

  /** Bounds what has gathered; an entry that is written again is a new one. */
  trim(): void {
    this.database.sql.exec(
      `DELETE FROM file WHERE id <= (SELECT max(id) FROM file) - ${CONTENTS_KEPT_COUNT};
       DELETE FROM layer WHERE NOT EXISTS (SELECT 1 FROM file WHERE file.content = layer.content);`,
    );
  }
}

function errorCode(thrown: unknown): string {
  return thrown instanceof Error && 'errcode' in thrown ? `SQLITE ${String(thrown.errcode)}` : 'unknown';
}
