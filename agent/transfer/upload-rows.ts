/**
 * What this user sees of uploads: one row for each coworker and share that bytes go to.
 *
 * A coworker asks for pieces and never says what it is about to fetch, so a row tells what was asked for so
 * far. It is done when nothing was asked for during a few seconds, goes on when something is asked for again,
 * and disappears after a while.
 */
import { randomBytes } from 'node:crypto';
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import type { Closable } from '../platform/scope.js';
import { type ContentId, type PeerId, peerIdText } from '../../protocol/ids.js';
import { UPLOAD_ROWS_MAX_COUNT, UPLOAD_SHOWN_MS } from '../../protocol/limits.js';
import type { TransferRow } from '../../protocol/local/model.js';
import type { Manifest } from '../../protocol/manifest.js';

/** What bytes were sent of. */
export interface SentFile {
  readonly manifest: Manifest;
  /** What a person knows it by: the name of the file, and of the share it is in. */
  readonly name: string;
  readonly shareName: string;
}

interface Upload {
  readonly id: string;
  readonly peer: PeerId;
  readonly startedMs: number;
  name: string;
  bytes: number;
  size: number;
  files: number;
  filesDone: number;
  rate: number;
  /** Bytes since the last look. */
  recent: number;
  /** Monotonic. */
  lastMs: number;
  finishedMs: number | null;
  /** Bytes sent of the files that are under way, the newest last. */
  readonly underWay: Map<ContentId, number>;
}

const LOOK_INTERVAL_MS = 500;
const IDLE_MS = 5000;
const UNDER_WAY_MAX_COUNT = 64;
/** Part of the newest rate in the one that is shown. */
const NEWEST = 0.3;

export interface UploadRowsOptions {
  readonly board: Board;
  readonly clock: Clock;
  /** What a peer is called. */
  readonly nameOf: (peer: PeerId) => string;
}

export class UploadRows implements Closable {
  readonly #options: UploadRowsOptions;
  readonly #uploads = new Map<string, Upload>();
  #cancelLook: (() => void) | null = null;

  constructor(options: UploadRowsOptions) {
    this.#options = options;
  }

  /** Bytes a second, of all uploads. */
  get rate(): number {
    let rate = 0;
    for (const upload of this.#uploads.values()) rate += upload.rate;
    return rate;
  }

  sent(peer: PeerId, source: SentFile, bytes: number): void {
    const key = `${peer} ${source.shareName}`;
    const upload = this.#uploads.get(key) ?? this.#begin(key, peer, source);
    const { content, size } = source.manifest;
    const before = upload.underWay.get(content);
    if (before === undefined) {
      upload.files += 1;
      upload.size += size;
      upload.name = upload.files === 1 ? source.name : source.shareName;
      if (upload.underWay.size === UNDER_WAY_MAX_COUNT) {
        upload.underWay.delete([...upload.underWay.keys()][0] ?? content);
      }
    }
    const now = (before ?? 0) + bytes;
    upload.underWay.set(content, now);
    if ((before ?? 0) < size && now >= size) upload.filesDone += 1;
    upload.bytes += bytes;
    upload.recent += bytes;
    upload.lastMs = this.#options.clock.nowMs();
    upload.finishedMs = null;
    this.#cancelLook ??= this.#options.clock.after(LOOK_INTERVAL_MS, () => this.#look());
  }

  async close(): Promise<void> {
    this.#cancelLook?.();
    this.#cancelLook = null;
  }

  #begin(key: string, peer: PeerId, source: SentFile): Upload {
    if (this.#uploads.size >= UPLOAD_ROWS_MAX_COUNT) this.#drop([...this.#uploads.keys()][0] ?? '');
    const upload: Upload = {
      id: `t${Number.parseInt(randomBytes(5).toString('hex'), 16).toString(36).padStart(8, '0')}`,
      peer,
      startedMs: this.#options.clock.wallMs(),
      name: source.name,
      bytes: 0,
      size: 0,
      files: 0,
      filesDone: 0,
      rate: 0,
      recent: 0,
      lastMs: 0,
      finishedMs: null,
      underWay: new Map(),
    };
    this.#uploads.set(key, upload);
    return upload;
  }

  #drop(key: string): void {
    const upload = this.#uploads.get(key);
    if (upload !== undefined) this.#options.board.delete('transfers', upload.id);
    this.#uploads.delete(key);
  }

  #look(): void {
    const { board, clock } = this.#options;
    for (const [key, upload] of this.#uploads) {
      const idleMs = clock.nowMs() - upload.lastMs;
      upload.rate = (1 - NEWEST) * upload.rate + (NEWEST * upload.recent * 1000) / LOOK_INTERVAL_MS;
      upload.recent = 0;
      if (idleMs > IDLE_MS) {
        upload.rate = 0;
        upload.finishedMs ??= clock.wallMs();
      }
      if (idleMs > UPLOAD_SHOWN_MS) this.#drop(key);
      else board.put('transfers', upload.id, this.#rowOf(upload));
    }
    this.#cancelLook = this.#uploads.size === 0 ? null : clock.after(LOOK_INTERVAL_MS, () => this.#look());
  }

  #rowOf(upload: Upload): TransferRow {
    const bytes = Math.min(upload.bytes, upload.size);
    const rate = Math.round(upload.rate);
    const isOver = upload.finishedMs !== null;
    return {
      id: upload.id,
      direction: 'up',
      name: upload.name,
      state: isOver ? 'done' : 'active',
      bytes,
      size: upload.size,
      files: upload.files,
      filesDone: Math.min(upload.files, upload.filesDone),
      rate,
      left: rate > 0 ? Math.ceil((upload.size - bytes) / rate) : null,
      sources: [{ peer: peerIdText(upload.peer), name: this.#options.nameOf(upload.peer), bytes }],
      because: '',
      to: '',
      wrong: 0,
      error: null,
      failed: [],
      failedCount: 0,
      startedAt: new Date(upload.startedMs).toISOString(),
      finishedAt: upload.finishedMs === null ? null : new Date(upload.finishedMs).toISOString(),
    };
  }
}
