/**
 * The jobs for this PC's printers as one table: every change goes to the disk first, then to the requester and
 * to the screen.
 */
import { isDeepStrictEqual } from 'node:util';
import { isAccepted, isFinal, mayMove } from '../core/print-job.js';
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobId, PeerId } from '../../protocol/ids.js';
import { JOBS_KEPT_COUNT } from '../../protocol/limits.js';
import type { JobRow } from '../../protocol/local/model.js';
import type { JobReport } from '../../protocol/peer/printing.js';
import type { PrintStore, ReceivedJob } from './print-store.js';
import type { SpoolFiles } from './spool-files.js';
import { cut } from './systems/facts.js';
import type { PrintOrder } from './systems/system.js';

export interface ReceivedJobsOptions {
  readonly store: PrintStore;
  readonly files: SpoolFiles;
  readonly board: Board;
  readonly clock: Clock;
  /** This PC, whose own jobs are shown by the requesting side. */
  readonly self: PeerId;
  readonly ownName: () => string;
  readonly nameOf: (peer: PeerId) => string;
  /** Tells the requester of a job what became of it. */
  readonly report: (peer: PeerId, report: JobReport) => void;
}

/** A job and what this process does for it. */
export interface JobEntry {
  job: ReceivedJob;
  /** Stops what is being done for the job. */
  work: AbortController;
  /** Bytes of the document that are here. */
  have: number;
  receiving: Promise<void> | null;
  committing: Promise<JobReport> | null;
  /** The walk into the print system. */
  submitting: Promise<void> | null;
  /** How often in a row the print system did not know it. */
  missedCount: number;
  shownMs: number;
}

const ROW_INTERVAL_MS = 250;
const BECAUSE_MAX_BYTES = 255;

export class ReceivedJobs {
  readonly #options: ReceivedJobsOptions;
  readonly #entries = new Map<JobId, JobEntry>();
  readonly #removing = new Set<Promise<void>>();

  constructor(options: ReceivedJobsOptions) {
    this.#options = options;
    for (const job of options.store.received(JOBS_KEPT_COUNT)) this.#put(job);
  }

  /** Resolves when no document is being removed any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#removing);
  }

  all(): JobEntry[] {
    return [...this.#entries.values()];
  }

  /** Those that are not over. */
  open(): JobEntry[] {
    return this.all().filter(({ job }) => !isFinal(job.state));
  }

  get(id: JobId): JobEntry | null {
    return this.#entries.get(id) ?? null;
  }

  /** @throws PotluckError JOB_UNKNOWN */
  find(id: JobId): JobEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new PotluckError('JOB_UNKNOWN', 'there is no such job');
    return entry;
  }

  /** A job as it was kept, also one that has been over for long. */
  kept(id: JobId): ReceivedJob | null {
    return this.#entries.get(id)?.job ?? this.#options.store.receivedJob(id);
  }

  add(job: ReceivedJob): JobEntry {
    this.#options.store.putReceived(job);
    const entry = this.#put(job);
    this.show(entry);
    return entry;
  }

  /** What the job is not allowed to become is left out. */
  change(entry: JobEntry, part: Partial<ReceivedJob>): void {
    const { job } = entry;
    const isMove = part.state === undefined || part.state === job.state || mayMove(job.state, part.state);
    const { state, reasons, because, finishedMs, ...rest } = part;
    const seen = isMove ? { state, reasons, because, finishedMs } : {};
    const next: ReceivedJob = { ...job, ...rest, ...defined(seen) };
    const isTold = !isDeepStrictEqual(told(job), told(next));
    if (!isTold && isDeepStrictEqual(job, next)) return;
    const changed = isTold ? { ...next, seq: job.seq + 1 } : next;
    this.#options.store.putReceived(changed);
    entry.job = changed;
    if (!isTold) return;
    this.#options.report(changed.requester, reportOf(changed));
    this.show(entry);
    if (isFinal(changed.state)) this.#ended(entry);
  }

  end(entry: JobEntry, state: 'canceled' | 'aborted', because: string): void {
    this.change(entry, { state, reasons: [], because, finishedMs: this.#options.clock.wallMs() });
  }

  orderOf({ id, ticket, document, createdMs }: ReceivedJob): PrintOrder {
    const file = this.#options.files.fileOf(id);
    return { token: id, ticket, format: document.format, file, sizeBytes: document.size, askedMs: createdMs };
  }

  /** @param often  true for the count of bytes, which is shown a few times a second only */
  show(entry: JobEntry, often = false): void {
    const { board, clock, self } = this.#options;
    if (entry.job.requester === self || (often && clock.nowMs() - entry.shownMs < ROW_INTERVAL_MS)) return;
    entry.shownMs = clock.nowMs();
    board.put('jobs', entry.job.id, this.rowOf(entry));
  }

  rowOf({ job, have }: JobEntry): JobRow {
    const { ownName, nameOf } = this.#options;
    return {
      id: job.id,
      printer: `${ownName()}/${job.printerName}`,
      title: job.ticket.title,
      owner: nameOf(job.requester),
      mine: false,
      state: job.state,
      because: job.because,
      pages: job.pages,
      copies: job.ticket.copies,
      format: job.document.format,
      size: job.document.size,
      sent: isAccepted(job.state) ? job.document.size : have,
      createdAt: new Date(job.createdMs).toISOString(),
      finishedAt: job.finishedMs === null ? null : new Date(job.finishedMs).toISOString(),
    };
  }

  #put(job: ReceivedJob): JobEntry {
    const entry: JobEntry = {
      job,
      work: new AbortController(),
      have: 0,
      receiving: null,
      committing: null,
      submitting: null,
      missedCount: 0,
      shownMs: Number.NEGATIVE_INFINITY,
    };
    this.#entries.set(job.id, entry);
    return entry;
  }

  /** Its document is needed no more, and the oldest job of many is shown no more; its id is kept. */
  #ended(entry: JobEntry): void {
    const removing = this.#options.files.remove(entry.job.id).catch(() => undefined);
    this.#removing.add(removing);
    void removing.finally(() => this.#removing.delete(removing));
    const over = this.all().filter(({ job }) => isFinal(job.state));
    for (const { job } of over.slice(0, Math.max(0, over.length - JOBS_KEPT_COUNT))) {
      this.#entries.delete(job.id);
      if (job.requester !== this.#options.self) this.#options.board.delete('jobs', job.id);
    }
  }
}

/** What the requester is told. */
export function reportOf({ id, seq, state, reasons, because, pages }: ReceivedJob): JobReport {
  const sentence = cut(because, BECAUSE_MAX_BYTES) as JobReport['because'];
  return { job: id, seq, state, reasons: [...reasons], because: sentence, pages };
}

/** What a report carries. */
function told(job: ReceivedJob): unknown[] {
  return [job.state, job.reasons, job.because, job.pages];
}

function defined<T extends object>(from: T): Partial<T> {
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined)) as Partial<T>;
}
