/**
 * The jobs of this PC's user as one table: every change goes to the disk first, then to the screen.
 */
import { isDeepStrictEqual } from 'node:util';
import { isAccepted, isFinal, mayMove } from '../core/print-job.js';
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobId, PeerId } from '../../protocol/ids.js';
import { JOBS_KEPT_COUNT, JOBS_WAITING_MAX_COUNT } from '../../protocol/limits.js';
import type { JobRow } from '../../protocol/local/model.js';
import type { JobReport } from '../../protocol/peer/printing.js';
import type { PrintStore, SentJob } from './print-store.js';
import type { SpoolFiles } from './spool-files.js';

export interface SentJobsOptions {
  readonly store: PrintStore;
  readonly files: SpoolFiles;
  readonly board: Board;
  readonly clock: Clock;
  readonly ownName: () => string;
}

const ROW_INTERVAL_MS = 250;
/** Enough of an id to name a job. */
const TYPED_MIN_CHARS = 4;

export interface SentEntry {
  job: SentJob;
  /** Bytes of the document that the owner has. */
  sent: number;
  shownMs: number;
  /** Stops the transfer of the document. */
  transfer: { readonly abort: AbortController; readonly ended: Promise<void> } | null;
}

export class SentJobs {
  readonly #options: SentJobsOptions;
  readonly #entries = new Map<JobId, SentEntry>();
  readonly #removing = new Set<Promise<void>>();

  constructor(options: SentJobsOptions) {
    this.#options = options;
    for (const job of options.store.sent(JOBS_KEPT_COUNT)) this.show(this.#put(job));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#removing);
  }

  all(): SentEntry[] {
    return [...this.#entries.values()];
  }

  /** Those of one owner that are not over, the oldest first. */
  openOf(owner: PeerId): SentEntry[] {
    return this.all().filter(({ job }) => job.owner === owner && !isFinal(job.state));
  }

  get(id: JobId): SentEntry | null {
    return this.#entries.get(id) ?? null;
  }

  /** By the whole id or its beginning. @returns null when there is none @throws PotluckError USAGE: several begin so */
  typed(typed: string): SentEntry | null {
    const wanted = typed.trim().toLowerCase();
    const exact = this.#entries.get(wanted as JobId);
    if (exact !== undefined || wanted.length < TYPED_MIN_CHARS) return exact ?? null;
    const found = this.all().filter(({ job }) => job.id.startsWith(wanted));
    if (found.length > 1) throw new PotluckError('USAGE', `${wanted}: several jobs begin with this id`);
    return found[0] ?? null;
  }

  /** @throws PotluckError QUOTA: too many are not over */
  refuseTooMany(): void {
    const open = this.all().filter(({ job }) => !isFinal(job.state)).length;
    if (open >= JOBS_WAITING_MAX_COUNT) {
      throw new PotluckError('QUOTA', `${open} jobs wait to be printed, which is the most`, { hint: 'potluck jobs' });
    }
  }

  add(job: SentJob): SentEntry {
    this.#options.store.putSent(job);
    const entry = this.#put(job);
    this.show(entry);
    return entry;
  }

  /** A move that is not legal changes nothing. */
  change(entry: SentEntry, part: Partial<SentJob>): void {
    const { state } = entry.job;
    if (part.state !== undefined && part.state !== state && !mayMove(state, part.state)) return;
    const next: SentJob = { ...entry.job, ...part };
    if (isDeepStrictEqual(next, entry.job)) return;
    const isEnd = isFinal(next.state) && !isFinal(entry.job.state);
    const job = isEnd ? { ...next, finishedMs: this.#options.clock.wallMs() } : next;
    this.#options.store.putSent(job);
    entry.job = job;
    this.show(entry);
    if (isAccepted(job.state)) this.#removeDocument(job.id);
    if (isEnd) this.#forgetOldest();
  }

  /** What the owner says; what is older than what is known changes nothing. */
  apply(entry: SentEntry, report: JobReport): void {
    const { job } = entry;
    const { seq, state, reasons, because, pages } = report;
    if (seq <= job.seq || isFinal(job.state)) return;
    this.change(entry, { seq, state, reasons: [...reasons], because, pages });
  }

  /** @param often  true for the count of bytes, which is shown a few times a second only */
  show(entry: SentEntry, often = false): void {
    const { board, clock } = this.#options;
    if (often && clock.nowMs() - entry.shownMs < ROW_INTERVAL_MS) return;
    entry.shownMs = clock.nowMs();
    board.put('jobs', entry.job.id, this.rowOf(entry));
  }

  rowOf({ job, sent }: SentEntry): JobRow {
    return {
      id: job.id,
      printer: `${job.ownerName}/${job.printerName}`,
      title: job.ticket.title,
      owner: this.#options.ownName(),
      mine: true,
      state: job.state,
      because: job.because,
      pages: job.pages,
      copies: job.ticket.copies,
      format: job.document.format,
      size: job.document.size,
      sent: isAccepted(job.state) ? job.document.size : sent,
      createdAt: new Date(job.createdMs).toISOString(),
      finishedAt: job.finishedMs === null ? null : new Date(job.finishedMs).toISOString(),
    };
  }

  #put(job: SentJob): SentEntry {
    const entry: SentEntry = { job, sent: 0, shownMs: Number.NEGATIVE_INFINITY, transfer: null };
    this.#entries.set(job.id, entry);
    return entry;
  }

  /** The owner has it, or nobody needs it. */
  #removeDocument(id: JobId): void {
    const removing = this.#options.files.remove(id).catch(() => undefined);
    this.#removing.add(removing);
    void removing.finally(() => this.#removing.delete(removing));
  }

  #forgetOldest(): void {
    const over = this.all().filter(({ job }) => isFinal(job.state));
    for (const { job } of over.slice(0, Math.max(0, over.length - JOBS_KEPT_COUNT))) {
      this.#entries.delete(job.id);
      this.#options.board.delete('jobs', job.id);
    }
  }
}
