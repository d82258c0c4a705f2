/**
 * The owner's side of a print: takes jobs and their documents from coworkers, keeps them, and hands them on.
 *
 * A document is ours from the moment `commit` answers: it is on the disk, whole and looked at, and the job
 * comes to its end whatever happens to this process. The requester's id of the job is its key: asked again,
 * the same state is answered, and nothing is printed twice. The document is kept until the job is over,
 * because a print system that confirmed a job may still lose it. SPEC.md, "Printing".
 */
import { addAbortSignal, type Duplex } from 'node:stream';
import { isAccepted, isFinal } from '../core/print-job.js';
import type { Closable } from '../platform/scope.js';
import { isDocumentFormat } from '../../protocol/document.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobId, PeerId, PrinterId } from '../../protocol/ids.js';
import { JOB_WAIT_MAX_MS, JOBS_OPEN_PER_PEER_MAX_COUNT, JOBS_PER_PEER_HOUR_MAX_COUNT } from '../../protocol/limits.js';
import type { JobRow } from '../../protocol/local/model.js';
import type { JobOffer, JobReport } from '../../protocol/peer/printing.js';
import type { LocalPrinters } from './local-printers.js';
import { PrintLines, type PrintLinesOptions } from './print-lines.js';
import type { ReceivedJob } from './print-store.js';
import { type JobEntry, ReceivedJobs, type ReceivedJobsOptions, reportOf } from './received-jobs.js';

export interface SpoolerOptions extends ReceivedJobsOptions, Omit<PrintLinesOptions, 'jobs'> {
  readonly printers: Pick<LocalPrinters, 'byId' | 'system' | 'facts' | 'attend'>;
}

/** What a job is, for the door. */
export interface JobFacts {
  readonly requester: PeerId;
  readonly printer: PrinterId;
}

const HOUR_MS = 3_600_000;
const SWEEP_INTERVAL_MS = 10 * 60_000;
const CANCEL_WAIT_MS = 3000;

export class Spooler implements Closable {
  readonly #options: SpoolerOptions;
  readonly #jobs: ReceivedJobs;
  readonly #lines: PrintLines;
  readonly #closing = new AbortController();
  #cancelSweep: () => void = () => undefined;

  private constructor(options: SpoolerOptions) {
    this.#options = options;
    this.#jobs = new ReceivedJobs(options);
    this.#lines = new PrintLines({ ...options, jobs: this.#jobs });
  }

  /** Takes up every job that was not over. */
  static async open(options: SpoolerOptions): Promise<Spooler> {
    const spooler = new Spooler(options);
    for (const entry of spooler.#jobs.all()) {
      const { id, state, document } = entry.job;
      entry.have = isAccepted(state) ? document.size : await options.files.have(id);
      spooler.#jobs.show(entry);
      if (!isFinal(state) && isAccepted(state)) spooler.#lines.enqueue(entry);
    }
    spooler.#sweep();
    return spooler;
  }

  async close(): Promise<void> {
    this.#cancelSweep();
    this.#closing.abort();
    for (const { work } of this.#jobs.all()) work.abort();
    for (const { receiving, committing } of this.#jobs.open()) await Promise.allSettled([receiving, committing]);
    await this.#lines.close();
    await this.#jobs.settled();
  }

  /** Null when there is no such job. */
  jobFacts(id: JobId): JobFacts | null {
    return this.#jobs.kept(id);
  }

  /** Jobs of coworkers, the oldest first. */
  rows(): JobRow[] {
    const entries = this.#jobs.all().filter(({ job }) => job.requester !== this.#options.self);
    return entries.map((entry) => this.#jobs.rowOf(entry));
  }

  /**
   * Takes a job, or answers what became of it. The printer has to be one that the peer may use.
   * @returns `have`: bytes of the document that are here
   * @throws PotluckError PRINTER_UNKNOWN, FORMAT_UNSUPPORTED, TOO_LARGE, NO_SPACE, BUSY, NOT_ALLOWED, BAD_MESSAGE
   */
  async offer(peer: PeerId, offer: JobOffer, signal: AbortSignal): Promise<{ report: JobReport; have: number }> {
    const known = this.#jobs.kept(offer.job);
    if (known !== null) return this.#offerAgain(known, peer, offer);
    const { files, printers, self } = this.#options;
    const printer = printers.byId(offer.printer);
    if (printer === null) throw new PotluckError('PRINTER_UNKNOWN', 'there is no such printer');
    const format = this.#fit(offer, printer.uri);
    if (peer !== self) this.#refuseTooMany(peer);
    await files.needSpace(offer.document.size, this.#promised(), signal);
    // Of two offers of one job at the same time the second finds the first.
    const meanwhile = this.#jobs.kept(offer.job);
    if (meanwhile !== null) return this.#offerAgain(meanwhile, peer, offer);
    const entry = this.#jobs.add({
      id: offer.job,
      requester: peer,
      printer: printer.id,
      printerUri: printer.uri,
      printerName: printer.name,
      ticket: offer.ticket,
      document: { ...offer.document, format },
      state: 'sending',
      reasons: [],
      because: '',
      pages: null,
      seq: 0,
      phase: 'spooled',
      ref: null,
      cancelledBy: null,
      createdMs: this.#options.clock.wallMs(),
      finishedMs: null,
    });
    return { report: reportOf(entry.job), have: 0 };
  }

  /**
   * Receives the document from `offset` on, and ends its own half of the stream when the bytes are on the
   * disk. A newer stream for the same job ends an older one.
   * @throws PotluckError JOB_UNKNOWN, BAD_MESSAGE, TOO_LARGE, NO_SPACE; what the stream throws
   */
  async receive(id: JobId, offset: number, stream: Duplex): Promise<void> {
    const entry = this.#jobs.find(id);
    const isComplete = (): boolean => entry.job.state !== 'sending' || entry.committing !== null;
    while (entry.receiving !== null && !isComplete()) {
      entry.work.abort();
      await entry.receiving.catch(() => undefined);
    }
    if (isComplete()) throw new PotluckError('BAD_MESSAGE', 'the document of this job is complete');
    if (offset > entry.have) throw new PotluckError('BAD_MESSAGE', 'there would be a gap in the document');
    entry.work = new AbortController();
    entry.receiving = this.#receive(entry, offset, stream, AbortSignal.any([entry.work.signal, this.#closing.signal]));
    await entry.receiving;
  }

  /**
   * Answers when the whole document is here, is what it was said to be, and is safe.
   * @throws PotluckError JOB_UNKNOWN; PARTIAL: bytes are missing; INTEGRITY: they have to be sent again;
   *   FORMAT_UNSUPPORTED, DOCUMENT_DAMAGED: the job is over
   */
  async commit(id: JobId): Promise<JobReport> {
    const entry = this.#jobs.find(id);
    if (entry.job.state !== 'sending') return reportOf(entry.job);
    await entry.receiving?.catch(() => undefined);
    entry.committing ??= this.#commit(entry).finally(() => {
      entry.committing = null;
    });
    return entry.committing;
  }

  /** Ends a job, unless it is over. Where the print system takes its time, its end is told later. */
  async cancel(id: JobId, by: 'requester' | 'owner', signal: AbortSignal): Promise<JobReport> {
    const kept = this.#jobs.kept(id);
    if (kept !== null && isFinal(kept.state)) return reportOf(kept);
    const entry = this.#jobs.find(id);
    if (entry.job.cancelledBy === null) this.#jobs.change(entry, { cancelledBy: by });
    entry.work.abort();
    await Promise.allSettled([entry.receiving, entry.committing]);
    const isOver = new AbortController();
    const enough = AbortSignal.any([signal, this.#closing.signal, isOver.signal]);
    const cancelling = this.#lines.cancel(entry);
    await Promise.race([cancelling, this.#options.clock.sleep(CANCEL_WAIT_MS, enough)]).finally(() => isOver.abort());
    return reportOf(entry.job);
  }

  /** A coworker's job, cancelled by the user of this PC. @throws PotluckError JOB_UNKNOWN */
  async cancelAsOwner(id: JobId, signal: AbortSignal): Promise<JobRow> {
    await this.cancel(id, 'owner', signal);
    return this.#jobs.rowOf(this.#jobs.find(id));
  }

  /** What became of these jobs of the peer; those that are not its own are left out. */
  states(peer: PeerId, ids: readonly JobId[]): JobReport[] {
    const jobs = ids.map((id) => this.#jobs.kept(id)).filter((job) => job !== null);
    return jobs.filter(({ requester }) => requester === peer).map(reportOf);
  }

  /**
   * Printers or members changed: what may not be printed any more ends, unless it has begun to go into the
   * print system.
   * @param mayPrint  whether the peer may print on this printer now
   */
  accessChanged(mayPrint: (peer: PeerId, printer: PrinterId) => boolean): void {
    for (const entry of this.#jobs.open()) {
      const { requester, printer, phase } = entry.job;
      if (requester === this.#options.self || phase !== 'spooled' || mayPrint(requester, printer)) continue;
      entry.work.abort();
      this.#jobs.end(entry, 'aborted', `the printer is no longer shared by ${this.#options.ownName()}`);
    }
  }

  #offerAgain(known: ReceivedJob, peer: PeerId, { document }: JobOffer): { report: JobReport; have: number } {
    if (known.requester !== peer) throw new PotluckError('NOT_ALLOWED', 'this id belongs to another job');
    if (known.document.sha256 !== document.sha256 || known.document.size !== document.size) {
      throw new PotluckError('BAD_MESSAGE', 'this id belongs to a job with another document');
    }
    return { report: reportOf(known), have: this.#jobs.get(known.id)?.have ?? document.size };
  }

  /** The type of the document, when the printer takes it. */
  #fit({ document, ticket }: JobOffer, uri: string): ReceivedJob['document']['format'] {
    const facts = this.#options.printers.facts(uri);
    const { format } = document;
    if (!isDocumentFormat(format) || (facts !== null && !facts.formats.includes(format))) {
      throw new PotluckError('FORMAT_UNSUPPORTED', 'the printer does not take this type of document');
    }
    if (facts !== null && ticket.copies > facts.copiesMax) {
      throw new PotluckError('TOO_LARGE', `the printer makes at most ${facts.copiesMax} copies`);
    }
    return format;
  }

  #refuseTooMany(peer: PeerId): void {
    const { store, clock, ownName } = this.#options;
    const open = this.#jobs.open().filter(({ job }) => job.requester === peer).length;
    const lately = store.countReceivedSince(peer, clock.wallMs() - HOUR_MS);
    if (open < JOBS_OPEN_PER_PEER_MAX_COUNT && lately < JOBS_PER_PEER_HOUR_MAX_COUNT) return;
    throw new PotluckError('BUSY', `${ownName()} takes no more jobs of this PC for now`);
  }

  /** Bytes of documents that are still to come. */
  #promised(): number {
    const coming = this.#jobs.open().filter(({ job }) => job.state === 'sending');
    return coming.reduce((sum, { job, have }) => sum + job.document.size - have, 0);
  }

  async #receive(entry: JobEntry, offset: number, stream: Duplex, signal: AbortSignal): Promise<void> {
    const { files } = this.#options;
    const { id, document } = entry.job;
    entry.have = offset;
    try {
      addAbortSignal(signal, stream);
      // The other half answers that the bytes are on the disk, so reading to the end must not end it.
      const source = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
      await files.write(id, source, offset, document.size, signal, (bytes) => {
        entry.have += bytes.length;
        this.#jobs.show(entry, true);
      });
      stream.end();
    } finally {
      entry.have = await files.have(id);
      entry.receiving = null;
      this.#jobs.show(entry);
    }
  }

  async #commit(entry: JobEntry): Promise<JobReport> {
    const { files } = this.#options;
    const { id, document, ticket } = entry.job;
    entry.have = await files.have(id);
    if (entry.have !== document.size) throw new PotluckError('PARTIAL', 'bytes of the document are missing');
    try {
      const found = await files.examine(id, ticket.title || 'the document', this.#closing.signal);
      if (found.sha256 !== document.sha256) {
        await files.remove(id);
        entry.have = 0;
        throw new PotluckError('INTEGRITY', 'the document arrived with other bytes than it was sent with');
      }
      if (found.format !== document.format) {
        throw new PotluckError('FORMAT_UNSUPPORTED', 'the document is of another type than it was said to be');
      }
    } catch (thrown) {
      const isFinalFault = thrown instanceof PotluckError && thrown.code !== 'INTEGRITY';
      if (isFinalFault) this.#jobs.end(entry, 'aborted', thrown.message);
      throw thrown;
    }
    if (entry.job.cancelledBy === null) {
      this.#jobs.change(entry, { state: 'queued' });
      this.#lines.enqueue(entry);
    }
    return reportOf(entry.job);
  }

  #sweep(): void {
    const { clock, store, log } = this.#options;
    try {
      this.#endStale(clock.wallMs());
      store.prune(clock.wallMs());
    } catch (thrown) {
      // The disk may be full: nothing is lost by looking again later.
      log.error('print.fault', { error: thrown instanceof Error ? thrown.name : 'unknown' });
    }
    this.#cancelSweep = clock.after(SWEEP_INTERVAL_MS, () => this.#sweep());
  }

  /** Documents whose rest never came. */
  #endStale(nowMs: number): void {
    for (const entry of this.#jobs.open()) {
      const isStale = !isAccepted(entry.job.state) && entry.receiving === null;
      if (isStale && nowMs - entry.job.createdMs > JOB_WAIT_MAX_MS) {
        this.#jobs.end(entry, 'aborted', 'its document never came');
      }
    }
  }
}
