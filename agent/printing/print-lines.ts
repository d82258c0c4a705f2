/**
 * Jobs on their way: one line before each printer, and a look at every job that is in a print system until it
 * is over.
 *
 * A print system tells nothing by itself that every one of them would tell, so it is asked, once a second: an
 * answer takes a millisecond or two.
 */
import { isAccepted, isFinal, nextStep, uncertain } from '../core/print-job.js';
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import type { PeerId } from '../../protocol/ids.js';
import type { LocalPrinters } from './local-printers.js';
import type { JobEntry, ReceivedJobs } from './received-jobs.js';
import { finished, seenInSystem, submit, type SubmissionServices } from './submission.js';

export interface PrintLinesOptions {
  readonly jobs: ReceivedJobs;
  readonly printers: Pick<LocalPrinters, 'system' | 'attend'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly ownName: () => string;
  readonly nameOf: (peer: PeerId) => string;
}

const WATCH_INTERVAL_MS = 1000;
/** So much longer for each job that is watched. */
const WATCH_PER_JOB_MS = 50;
/** A job is called lost when it was not found so often in a row. */
const LOST_AFTER_COUNT = 3;

export class PrintLines implements Closable {
  readonly #options: PrintLinesOptions;
  readonly #lines = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  #watching: Promise<void> | null = null;

  constructor(options: PrintLinesOptions) {
    this.#options = options;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#lines.values(), this.#watching]);
  }

  /** The job is printed when those before it are in the print system, or watched on where it is in it already. */
  enqueue(entry: JobEntry): void {
    const { printerUri, phase, cancelledBy } = entry.job;
    if (phase === 'released' || cancelledBy !== null) return this.#watch();
    const before = this.#lines.get(printerUri) ?? Promise.resolve();
    const mine = before.then(() => this.#submit(entry)).catch((thrown: unknown) => this.#fault(thrown));
    this.#lines.set(printerUri, mine);
    void mine.finally(() => {
      if (this.#lines.get(printerUri) === mine) this.#lines.delete(printerUri);
      this.#watch();
    });
  }

  /** Ends a job that is accepted and wanted no more, now or as soon as the print system can be asked. */
  async cancel(entry: JobEntry): Promise<void> {
    entry.work.abort();
    await entry.submitting?.catch(() => undefined);
    await this.#cancel(entry, this.#closing.signal).catch((thrown: unknown) => {
      if (!this.#closing.signal.aborted) this.#options.log.info('print.cancel-later', { error: nameOfError(thrown) });
    });
    this.#watch();
  }

  async #submit(entry: JobEntry): Promise<void> {
    const { state, cancelledBy } = entry.job;
    if (isFinal(state) || cancelledBy !== null || this.#closing.signal.aborted) return;
    entry.work = new AbortController();
    const signal = AbortSignal.any([entry.work.signal, this.#closing.signal]);
    const release = this.#options.printers.attend();
    entry.submitting = submit(this.#servicesOf(entry), signal).finally(() => {
      entry.submitting = null;
      release();
    });
    await entry.submitting.catch((thrown: unknown) => {
      if (!signal.aborted) throw thrown;
    });
  }

  async #cancel(entry: JobEntry, signal: AbortSignal): Promise<void> {
    const { jobs, printers, clock, ownName } = this.#options;
    if (isFinal(entry.job.state)) return;
    const { phase, ref, printerUri } = entry.job;
    const system = printers.system(printerUri);
    if (phase === 'spooled' || system === null) return jobs.end(entry, 'canceled', this.#cancelledBy(entry));
    const order = jobs.orderOf(entry.job);
    const found = await system.find(ref, order, signal);
    if (found === null) {
      if (nextStep(phase, null, system.holds) === 'create')
        return jobs.end(entry, 'canceled', this.#cancelledBy(entry));
      return jobs.change(entry, finished({ clock }, uncertain(ownName())));
    }
    await system.cancel(found.ref, order, signal);
    const now = (await system.find(found.ref, order, signal)) ?? { ...found, state: 'canceled' as const };
    if (now.state === 'canceled' || (!isOver(now.state) && !system.holds && now.documents === 0)) {
      return jobs.end(entry, 'canceled', this.#cancelledBy(entry));
    }
    if (isOver(now.state)) jobs.change(entry, seenInSystem(now, { clock, ownName }));
    else jobs.change(entry, { phase: 'released', ref: now.ref });
  }

  #cancelledBy(entry: JobEntry): string {
    const { requester, cancelledBy } = entry.job;
    return `cancelled by ${cancelledBy === 'requester' ? this.#options.nameOf(requester) : this.#options.ownName()}`;
  }

  #watch(): void {
    if (this.#watching !== null || this.#closing.signal.aborted || this.#watched().length === 0) return;
    this.#watching = this.#keepWatching(this.#closing.signal)
      .catch((thrown: unknown) => this.#fault(thrown))
      .finally(() => {
        this.#watching = null;
      });
  }

  /** Accepted, not over, and nothing else is done for them. */
  #watched(): JobEntry[] {
    return this.#options.jobs
      .open()
      .filter(({ job, submitting }) => isAccepted(job.state) && submitting === null)
      .filter(({ job }) => job.phase === 'released' || job.cancelledBy !== null);
  }

  async #keepWatching(signal: AbortSignal): Promise<void> {
    const release = this.#options.printers.attend();
    try {
      for (let watched = this.#watched(); watched.length > 0; watched = this.#watched()) {
        await Promise.all(watched.map((entry) => this.#look(entry, signal)));
        await this.#options.clock.sleep(Math.max(WATCH_INTERVAL_MS, watched.length * WATCH_PER_JOB_MS), signal);
      }
    } finally {
      release();
    }
  }

  async #look(entry: JobEntry, signal: AbortSignal): Promise<void> {
    const { jobs, printers, clock, ownName } = this.#options;
    try {
      if (entry.job.cancelledBy !== null) await this.#cancel(entry, signal);
      if (isFinal(entry.job.state)) return;
      const system = printers.system(entry.job.printerUri);
      const found = (await system?.find(entry.job.ref, jobs.orderOf(entry.job), signal)) ?? null;
      entry.missedCount = found === null ? entry.missedCount + 1 : 0;
      if (found !== null) jobs.change(entry, seenInSystem(found, { clock, ownName }));
      else if (entry.missedCount >= LOST_AFTER_COUNT) jobs.change(entry, finished({ clock }, uncertain(ownName())));
    } catch (thrown) {
      if (signal.aborted) return;
      // The print system is away for a moment, or for long: the job is in it, and nothing else is known.
      this.#options.log.debug('print.look', { error: nameOfError(thrown) });
      jobs.change(entry, { state: 'blocked', reasons: [], because: `${ownName()} cannot reach the printer` });
    }
  }

  #servicesOf(entry: JobEntry): SubmissionServices {
    const { jobs, printers, clock, ownName } = this.#options;
    return {
      clock,
      ownName,
      system: (uri) => printers.system(uri),
      orderOf: (job) => jobs.orderOf(job),
      get: () => entry.job,
      change: (part) => jobs.change(entry, part),
    };
  }

  #fault(thrown: unknown): void {
    if (!this.#closing.signal.aborted) this.#options.log.error('print.fault', { error: nameOfError(thrown) });
  }
}

function isOver(state: string): boolean {
  return state === 'canceled' || state === 'aborted' || state === 'completed';
}

function nameOfError(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : 'unknown';
}
