/**
 * The downloads of this PC: remembered, queued, run a few at a time, and taken up again after whatever
 * stopped them.
 *
 * Each is a row of the database before anything is fetched. What a coworker or the disk can mend by
 * themselves (somebody is offline, the disk is full) makes a download wait and go on by itself; what only a
 * person can mend ends it. After a restart everything that was not paused or over is queued again.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Board } from '../platform/board.js';
import type { Events } from '../platform/events.js';
import type { Closable } from '../platform/scope.js';
import { type OnConflict, removeEmptyFolders, removeParts } from '../storage/placing.js';
import type { StoredTransfer } from '../storage/transfers.js';
import { type ErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdText, type TransferId } from '../../protocol/ids.js';
import { TRANSFERS_ACTIVE_MAX_COUNT, TRANSFERS_MAX_COUNT } from '../../protocol/limits.js';
import type { TransferRow } from '../../protocol/local/model.js';
import { safeName } from '../../protocol/path.js';
import { safe } from '../../protocol/text.js';
import { Download, type DownloadServices } from './download.js';

export interface DownloadsOptions extends DownloadServices {
  readonly board: Board;
  readonly events: Events;
  /** What a peer is called. */
  readonly nameOf: (peer: PeerId) => string;
  /** Where downloads go unless told, absolute. */
  readonly defaultTarget: () => string;
}

export interface DownloadRequest {
  readonly peer: PeerId;
  /** As typed, or as the coworker tells it. */
  readonly share: string;
  readonly path: string;
  /** Absolute. */
  readonly target?: string | undefined;
  readonly onConflict: OnConflict;
}

interface Entry {
  stored: StoredTransfer;
  /** Has it run before, here or before a restart? */
  isAgain: boolean;
  run: { readonly download: Download; readonly abort: AbortController; readonly ended: Promise<void> } | null;
  /** Ends the wait before the next try. */
  cancelRetry: () => void;
  /** Tries in a row that came to nothing. */
  tries: number;
}

const LOOK_INTERVAL_MS = 250;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 60_000;
const SPACE_RETRY_MS = 10_000;
/** What a coworker's return mends. */
const OF_THE_PEER: ReadonlySet<ErrorCode> = new Set(['PEER_OFFLINE', 'PEER_UNREACHABLE', 'TIMEOUT', 'BUSY']);
const OVER: ReadonlySet<StoredTransfer['state']> = new Set(['done', 'failed', 'cancelled']);

export class Downloads implements Closable {
  readonly #options: DownloadsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #stopListening: () => void;
  #cancelLook: (() => void) | null = null;
  #isClosing = false;

  /** Takes up what was not over. */
  constructor(options: DownloadsOptions) {
    this.#options = options;
    for (const stored of options.store.list()) {
      const isOpen = !OVER.has(stored.state) && stored.state !== 'paused';
      const entry = makeEntry(isOpen ? { ...stored, state: 'queued', because: '' } : stored, true);
      this.#entries.set(stored.id, entry);
      this.#publish(entry);
    }
    this.#stopListening = options.events.on('peer.online', ({ peer }) => this.#peerIsBack(peer));
    this.#startNext();
  }

  /** Bytes a second, of all downloads. */
  get rate(): number {
    let rate = 0;
    for (const { run } of this.#entries.values()) rate += run?.download.progress.rate ?? 0;
    return Math.round(rate);
  }

  list(): TransferRow[] {
    return [...this.#entries.values()].map((entry) => this.#rowOf(entry));
  }

  /** @throws PotluckError USAGE: the folder is not absolute; QUOTA: too many downloads are not over */
  start(request: DownloadRequest): TransferRow {
    const target = request.target ?? this.#options.defaultTarget();
    if (!path.isAbsolute(target)) throw new PotluckError('USAGE', `${target}: not an absolute path`);
    this.#makeRoom();
    const stored: StoredTransfer = {
      id: `t${Number.parseInt(randomBytes(5).toString('hex'), 16).toString(36).padStart(8, '0')}` as TransferId,
      peer: request.peer,
      peerName: this.#options.nameOf(request.peer),
      share: request.share,
      path: request.path,
      found: null,
      target: path.resolve(target),
      onConflict: request.onConflict,
      placedName: null,
      state: 'queued',
      because: '',
      error: null,
      bytes: 0,
      size: 0,
      files: 0,
      filesDone: 0,
      wrong: 0,
      failed: [],
      failedCount: 0,
      startedMs: this.#options.clock.wallMs(),
      finishedMs: null,
    };
    const entry = makeEntry(stored, false);
    this.#change(entry, {});
    this.#entries.set(stored.id, entry);
    this.#startNext();
    return this.#rowOf(entry);
  }

  /** Stops it and keeps what is here. @throws PotluckError TRANSFER_UNKNOWN, FAILED: it is over */
  async pause(id: string): Promise<TransferRow> {
    const entry = this.#find(id);
    this.#refuseIfOver(entry);
    this.#change(entry, { state: 'paused', because: '' });
    await this.#stop(entry);
    this.#startNext();
    return this.#rowOf(entry);
  }

  /** Also begins a failed one again. @throws PotluckError TRANSFER_UNKNOWN, FAILED: it is done or cancelled */
  async resume(id: string): Promise<TransferRow> {
    const entry = this.#find(id);
    // Paused a moment ago, it may still be stopping.
    if (entry.stored.state === 'paused') await entry.run?.ended;
    const { state } = entry.stored;
    if (state !== 'failed') this.#refuseIfOver(entry);
    if (entry.run === null && state !== 'queued') {
      entry.cancelRetry();
      entry.tries = 0;
      this.#change(entry, { state: 'queued', because: '', error: null, finishedMs: null });
      this.#startNext();
    }
    return this.#rowOf(entry);
  }

  /** Stops it and removes what is not complete. @throws PotluckError TRANSFER_UNKNOWN, FAILED: it is done */
  async cancel(id: string): Promise<TransferRow> {
    const entry = this.#find(id);
    if (entry.stored.state === 'done') this.#refuseIfOver(entry);
    this.#change(entry, { state: 'cancelled', because: '', finishedMs: this.#options.clock.wallMs() });
    await this.#stop(entry);
    this.#forgetParts(entry);
    const { found, placedName, target, filesDone } = entry.stored;
    // Of a folder of which nothing came, not even its folders stay.
    if (found?.type === 'folder' && placedName !== null && filesDone === 0) {
      removeEmptyFolders(path.join(target, placedName));
    }
    this.#startNext();
    return this.#rowOf(entry);
  }

  /** Stops all of them; they go on with the next start of the agent. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stopListening();
    this.#cancelLook?.();
    await Promise.all([...this.#entries.values()].map((entry) => this.#stop(entry)));
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new PotluckError('TRANSFER_UNKNOWN', `${safe(id)}: there is no such download`);
    return entry;
  }

  #refuseIfOver({ stored }: Entry): void {
    if (OVER.has(stored.state)) throw new PotluckError('FAILED', `${stored.id} is ${stored.state} already`);
  }

  /** Forgets the oldest that are over when there are too many. @throws PotluckError QUOTA */
  #makeRoom(): void {
    for (const [id, { stored }] of this.#entries) {
      if (this.#entries.size < TRANSFERS_MAX_COUNT) return;
      if (!OVER.has(stored.state)) continue;
      this.#entries.delete(id);
      this.#options.store.remove(id);
      this.#options.board.delete('transfers', id);
    }
    if (this.#entries.size >= TRANSFERS_MAX_COUNT) {
      throw new PotluckError('QUOTA', `${TRANSFERS_MAX_COUNT} downloads are not over yet, which is the most`);
    }
  }

  #startNext(): void {
    if (this.#isClosing) return;
    let active = 0;
    for (const { run } of this.#entries.values()) if (run !== null) active += 1;
    for (const entry of this.#entries.values()) {
      if (active >= TRANSFERS_ACTIVE_MAX_COUNT) break;
      if (entry.stored.state !== 'queued' || entry.run !== null) continue;
      this.#start(entry);
      active += 1;
    }
    if (active > 0) this.#cancelLook ??= this.#options.clock.after(LOOK_INTERVAL_MS, () => this.#look());
  }

  #start(entry: Entry): void {
    const abort = new AbortController();
    const download = new Download(entry.stored, entry.isAgain, this.#options, {
      onFound: (found) => this.#change(entry, { found }),
      onNamed: (placedName) => this.#change(entry, { placedName }),
      isOver: (id) => OVER.has(this.#entries.get(id)?.stored.state ?? 'active'),
    });
    entry.isAgain = true;
    this.#change(entry, { state: 'active', because: '', peerName: this.#options.nameOf(entry.stored.peer) });
    const ended = download.run(abort.signal).then(
      () => this.#ended(entry, download, null),
      (thrown: unknown) => this.#ended(entry, download, toPotluckError(thrown)),
    );
    entry.run = { download, abort, ended };
  }

  /** A run is over: because all is here, or because of `error`, or because it was stopped. */
  #ended(entry: Entry, download: Download, error: PotluckError | null): void {
    entry.run = null;
    const { failed, failedCount } = download.progress;
    const counted = { ...download.progress.counts(error === null), failed, failedCount };
    const wasStopped = this.#isClosing || entry.stored.state === 'paused' || entry.stored.state === 'cancelled';
    if (wasStopped) this.#change(entry, counted);
    else if (error === null) this.#finish(entry, counted);
    else if (OF_THE_PEER.has(error.code)) this.#waitForPeer(entry, counted, download.progress.fetched > 0, error);
    else if (error.code === 'NO_SPACE') {
      // Told as an error as well: who follows it on a command line should not wait for somebody to tidy up.
      this.#waitFor(entry, { ...counted, error: error.toWire() }, error.message, SPACE_RETRY_MS);
    } else this.#fail(entry, counted, error);
    this.#startNext();
  }

  #finish(entry: Entry, counted: Partial<StoredTransfer>): void {
    const [failed] = counted.failed ?? [];
    if (entry.stored.found?.type === 'file' && failed !== undefined) {
      this.#fail(
        entry,
        counted,
        new PotluckError(failed.code, `${this.#nameOf(entry)}: ${WHY[failed.code] ?? 'it failed'}`),
      );
      return;
    }
    this.#change(entry, { ...counted, state: 'done', because: '', finishedMs: this.#options.clock.wallMs() });
    this.#options.store.forgetFiles(entry.stored.id);
  }

  #fail(entry: Entry, counted: Partial<StoredTransfer>, error: PotluckError): void {
    const finishedMs = this.#options.clock.wallMs();
    this.#change(entry, { ...counted, state: 'failed', because: '', error: error.toWire(), finishedMs });
    this.#forgetParts(entry);
  }

  #waitForPeer(entry: Entry, counted: Partial<StoredTransfer>, didFetch: boolean, error: PotluckError): void {
    entry.tries = didFetch ? 0 : entry.tries + 1;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(entry.tries, 10));
    const name = this.#options.nameOf(entry.stored.peer);
    const isAway = error.code === 'PEER_OFFLINE' || error.code === 'PEER_UNREACHABLE';
    this.#waitFor(entry, counted, isAway ? `${name} is offline` : `${name} does not answer`, waitMs);
  }

  #waitFor(entry: Entry, counted: Partial<StoredTransfer>, because: string, waitMs: number): void {
    this.#change(entry, { ...counted, state: 'waiting', because });
    entry.cancelRetry = this.#options.clock.after(waitMs, () => this.#retry(entry));
  }

  #peerIsBack(peer: PeerId): void {
    for (const entry of this.#entries.values()) {
      if (entry.stored.peer === peer) this.#retry(entry);
    }
  }

  #retry(entry: Entry): void {
    if (entry.stored.state !== 'waiting') return;
    entry.cancelRetry();
    this.#change(entry, { state: 'queued', because: '', error: null });
    this.#startNext();
  }

  async #stop(entry: Entry): Promise<void> {
    entry.cancelRetry();
    const { run } = entry;
    run?.abort.abort(new PotluckError('CANCELLED', 'cancelled'));
    await run?.ended;
  }

  #forgetParts({ stored }: Entry): void {
    removeParts(stored.target, stored.id);
    this.#options.store.forgetFiles(stored.id);
  }

  #change(entry: Entry, change: Partial<StoredTransfer>): void {
    entry.stored = { ...entry.stored, ...change };
    this.#options.store.put(entry.stored);
    this.#publish(entry);
  }

  #look(): void {
    this.#cancelLook = null;
    let active = 0;
    for (const entry of this.#entries.values()) {
      if (entry.run === null) continue;
      active += 1;
      entry.run.download.look(LOOK_INTERVAL_MS);
      this.#publish(entry);
    }
    if (active > 0) this.#cancelLook = this.#options.clock.after(LOOK_INTERVAL_MS, () => this.#look());
  }

  #publish(entry: Entry): void {
    this.#options.board.put('transfers', entry.stored.id, this.#rowOf(entry));
  }

  #nameOf({ stored }: Entry): string {
    return stored.found?.name ?? stored.path.split('/').findLast((part) => part !== '') ?? stored.share;
  }

  #rowOf(entry: Entry): TransferRow {
    const { stored, run } = entry;
    const progress = run?.download.progress;
    const { bytes, size, files, filesDone, wrong } = progress?.counts(false) ?? stored;
    const rate = Math.round(progress?.rate ?? 0);
    const hashing = stored.state === 'active' ? (run?.download.hashing ?? null) : null;
    const name = this.#nameOf(entry);
    return {
      id: stored.id,
      direction: 'down',
      name,
      state: hashing === null ? stored.state : 'hashing',
      bytes,
      size,
      files,
      filesDone,
      rate,
      left: rate > 0 ? Math.ceil((size - bytes) / rate) : null,
      sources: [{ peer: peerIdText(stored.peer), name: stored.peerName, bytes }],
      because: hashing ?? stored.because,
      to: path.join(stored.target, stored.placedName ?? safeName(name)),
      wrong,
      error: stored.error,
      failed: [...(progress?.failed ?? stored.failed)],
      failedCount: progress?.failedCount ?? stored.failedCount,
      startedAt: new Date(stored.startedMs).toISOString(),
      finishedAt: stored.finishedMs === null ? null : new Date(stored.finishedMs).toISOString(),
    };
  }
}

/** Why a single file could not be had, for the end of a line. */
const WHY: Readonly<Partial<Record<ErrorCode, string>>> = {
  GONE: 'it changes faster than it can be fetched',
  INTEGRITY: 'the coworker sent other bytes than it promised',
  PATH_UNKNOWN: 'it is not there any more',
  TOO_LARGE: 'it is larger than can be fetched',
  UNREADABLE: 'it cannot be read on the computer that shares it',
};

function makeEntry(stored: StoredTransfer, isAgain: boolean): Entry {
  return { stored, isAgain, run: null, cancelRetry: () => undefined, tries: 0 };
}
