/**
 * The requester's side of a print: jobs of this PC's user, given to the PC of whatever printer was chosen.
 *
 * A document is in our spool before the user is answered, and stays there until the printer's PC has said that
 * it is safe on its disk. Until then everything may be repeated: the id of the job keeps it one job. From then
 * on nothing is sent again, whatever happens; what became of it is only asked. SPEC.md, "Printing".
 */
import { createReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import { finished as streamEnds, pipeline } from 'node:stream/promises';
import { isAccepted, isFinal, uncertain } from '../core/print-job.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import { type ErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { JobId, PeerId } from '../../protocol/ids.js';
import { JOB_WAIT_MAX_MS } from '../../protocol/limits.js';
import type { JobRow } from '../../protocol/local/model.js';
import type { PeerCall } from '../../protocol/peer/messages.js';
import type { JobReport } from '../../protocol/peer/printing.js';
import type { StreamOpen } from '../../protocol/peer/stream-open.js';
import { offlineWords } from './peer-printers.js';
import type { SentJob } from './print-store.js';
import { type SentEntry, SentJobs, type SentJobsOptions } from './sent-jobs.js';

export interface RemotePrintingOptions extends SentJobsOptions {
  readonly log: Log;
  readonly call: PeerCall;
  readonly openStream: (peer: PeerId, open: StreamOpen, signal: AbortSignal) => Promise<Duplex>;
  /** This PC counts as online. */
  readonly isOnline: (peer: PeerId) => boolean;
  readonly nameOf: (peer: PeerId) => string;
  /** Milliseconds since 1970; null when it was never seen. */
  readonly lastSeen: (peer: PeerId) => number | null;
}

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 60_000;
const SWEEP_INTERVAL_MS = 60_000;
const CANCEL_WAIT_MS = 3000;
const STATES_MAX_COUNT = 256;
const READ_BYTES = 256 * 1024;
/** The printer's PC will not take this job, now or later. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'PRINTER_UNKNOWN',
  'NOT_ALLOWED',
  'NOT_A_MEMBER',
  'FORMAT_UNSUPPORTED',
  'DOCUMENT_DAMAGED',
  'TOO_LARGE',
  'NO_SPACE',
  'QUOTA',
  'UNSUPPORTED',
  'BAD_MESSAGE',
]);

interface Pump {
  running: Promise<void> | null;
  isWanted: boolean;
  tries: number;
  cancelRetry: () => void;
}

export class RemotePrinting implements Closable {
  readonly #options: RemotePrintingOptions;
  readonly #jobs: SentJobs;
  readonly #pumps = new Map<PeerId, Pump>();
  readonly #closing = new AbortController();
  #cancelSweep: () => void = () => undefined;

  /** Takes up every job that was not over. */
  constructor(options: RemotePrintingOptions) {
    this.#options = options;
    this.#jobs = new SentJobs(options);
    this.#sweep();
    for (const owner of this.#owners()) void this.#pump(owner);
  }

  async close(): Promise<void> {
    this.#cancelSweep();
    this.#closing.abort();
    for (const { cancelRetry } of this.#pumps.values()) cancelRetry();
    await Promise.allSettled([...this.#pumps.values()].map(({ running }) => running ?? Promise.resolve()));
    await this.#jobs.settled();
  }

  /** The jobs of this PC's user, the oldest first. */
  rows(): JobRow[] {
    return this.#jobs.all().map((entry) => this.#jobs.rowOf(entry));
  }

  /** @throws PotluckError QUOTA */
  refuseTooMany(): void {
    this.#jobs.refuseTooMany();
  }

  /** A job whose document is in the spool. */
  start(job: Pick<SentJob, 'id' | 'owner' | 'printer' | 'printerName' | 'ticket' | 'document'>): JobRow {
    const entry = this.#jobs.add({
      ...job,
      ownerName: this.#options.nameOf(job.owner),
      state: 'waiting',
      reasons: [],
      because: '',
      pages: null,
      seq: -1,
      committing: false,
      cancelWanted: false,
      createdMs: this.#options.clock.wallMs(),
      finishedMs: null,
    });
    void this.#pump(job.owner);
    return this.#jobs.rowOf(entry);
  }

  /**
   * Ends a job, unless it is over. Where its printer's PC cannot be reached, it is told when it is back.
   * @returns null when this user has no such job
   */
  async cancel(typed: string, signal: AbortSignal): Promise<JobRow | null> {
    const entry = this.#jobs.typed(typed);
    if (entry === null) return null;
    if (isFinal(entry.job.state)) return this.#jobs.rowOf(entry);
    this.#jobs.change(entry, { cancelWanted: true });
    entry.transfer?.abort.abort();
    await entry.transfer?.ended;
    // Without a commit the owner never prints it, whatever it has of it.
    if (!entry.job.committing && !isAccepted(entry.job.state)) this.#cancelled(entry);
    const told = this.#pump(entry.job.owner);
    const isOver = new AbortController();
    const enough = AbortSignal.any([signal, this.#closing.signal, isOver.signal]);
    await Promise.race([told, this.#options.clock.sleep(CANCEL_WAIT_MS, enough)]).finally(() => isOver.abort());
    return this.#jobs.rowOf(entry);
  }

  /** What the owner of a printer tells of a job. Of somebody else's job nothing is believed. */
  onReport(peer: PeerId, report: JobReport): void {
    const entry = this.#jobs.get(report.job);
    if (entry !== null && entry.job.owner === peer && isAccepted(report.state)) this.#jobs.apply(entry, report);
  }

  /** The peer came: what waits for it goes on. */
  peerOnline(peer: PeerId): void {
    const pump = this.#pumps.get(peer);
    if (pump !== undefined) pump.tries = 0;
    if (this.#jobs.openOf(peer).length > 0) void this.#pump(peer);
  }

  peerOffline(peer: PeerId): void {
    for (const entry of this.#jobs.openOf(peer)) {
      if (entry.job.state === 'waiting') this.#waitFor(entry);
    }
  }

  /** It is no member any more: nothing more is given to it or heard of it. */
  peerRemoved(peer: PeerId): void {
    for (const entry of this.#jobs.openOf(peer)) {
      entry.transfer?.abort.abort();
      const name = this.#options.nameOf(peer);
      if (isAccepted(entry.job.state) || entry.job.committing) this.#jobs.change(entry, plain(uncertain(name)));
      else this.#jobs.change(entry, { state: 'aborted', because: `${name} is no longer in the workgroup` });
    }
  }

  #owners(): Set<PeerId> {
    return new Set(
      this.#jobs
        .all()
        .filter(({ job }) => !isFinal(job.state))
        .map(({ job }) => job.owner),
    );
  }

  /** One run at a time for each peer; asked for during a run, another follows. @returns its end */
  #pump(peer: PeerId): Promise<void> {
    const pump = this.#pumps.get(peer) ?? { running: null, isWanted: false, tries: 0, cancelRetry: () => undefined };
    this.#pumps.set(peer, pump);
    pump.cancelRetry();
    pump.isWanted = true;
    pump.running ??= this.#runPump(peer, pump).finally(() => {
      pump.running = null;
      if (pump.isWanted && !this.#closing.signal.aborted) void this.#pump(peer);
    });
    return pump.running;
  }

  /** Never rejects. */
  async #runPump(peer: PeerId, pump: Pump): Promise<void> {
    while (pump.isWanted && !this.#closing.signal.aborted) {
      pump.isWanted = false;
      try {
        await this.#work(peer);
        pump.tries = 0;
      } catch (thrown) {
        if (this.#closing.signal.aborted) return;
        this.#tryLater(peer, pump);
        this.#showWhy(peer, thrown);
      }
    }
  }

  /** Everything that can be done at this peer now. */
  async #work(peer: PeerId): Promise<void> {
    if (!this.#options.isOnline(peer)) throw new PotluckError('PEER_OFFLINE', 'the coworker is offline');
    await this.#tellCancelled(peer);
    await this.#askStates(peer);
    for (const entry of this.#jobs.openOf(peer)) {
      if (isAccepted(entry.job.state) || entry.job.cancelWanted) continue;
      await this.#give(entry);
    }
  }

  /** What cannot be done now is tried again, and at once when a peer that was offline comes. */
  #tryLater(peer: PeerId, pump: Pump): void {
    const waitMs = Math.min(RETRY_MIN_MS * 2 ** Math.min(pump.tries, 10), RETRY_MAX_MS);
    pump.tries += 1;
    pump.cancelRetry = this.#options.clock.after(waitMs, () => void this.#pump(peer));
  }

  #showWhy(peer: PeerId, thrown: unknown): void {
    const { code, message } = toPotluckError(thrown);
    const isAway = code === 'PEER_OFFLINE' || !this.#options.isOnline(peer);
    if (code === 'INTERNAL') this.#fault(thrown);
    try {
      for (const entry of this.#jobs.openOf(peer)) {
        if (isAccepted(entry.job.state)) continue;
        if (isAway) this.#waitFor(entry);
        else this.#jobs.change(entry, { state: 'waiting', because: message });
      }
    } catch (cannotWrite) {
      this.#fault(cannotWrite);
    }
  }

  #waitFor(entry: SentEntry): void {
    const { nameOf, lastSeen } = this.#options;
    const { owner, cancelWanted } = entry.job;
    const words = offlineWords(nameOf(owner), lastSeen(owner));
    this.#jobs.change(entry, {
      state: 'waiting',
      because: cancelWanted ? `it is cancelled when ${nameOf(owner)} is back: ${words}` : `waiting: ${words}`,
    });
  }

  /** Hands one job over: offer, bytes, commit. Returns when the owner has it or it is over. */
  async #give(entry: SentEntry): Promise<void> {
    const abort = new AbortController();
    const giving = this.#handOver(entry, AbortSignal.any([abort.signal, this.#closing.signal]));
    const ended = giving.catch(() => undefined);
    entry.transfer = { abort, ended };
    try {
      await giving;
    } catch (thrown) {
      const { code, message } = toPotluckError(thrown);
      if (abort.signal.aborted) return;
      if (!REFUSALS.has(code)) throw thrown;
      this.#jobs.change(entry, { state: 'aborted', because: `${this.#options.nameOf(entry.job.owner)}: ${message}` });
    } finally {
      entry.transfer = null;
    }
  }

  async #handOver(entry: SentEntry, signal: AbortSignal): Promise<void> {
    const { call } = this.#options;
    const { id: job, owner, printer, ticket, document } = entry.job;
    const { report, have } = await call(owner, 'job.offer', { job, printer, ticket, document }, signal);
    this.#jobs.apply(entry, report);
    if (isAccepted(entry.job.state)) return;
    this.#jobs.change(entry, { state: 'sending', because: '' });
    entry.sent = have;
    if (have < document.size) await this.#sendBytes(entry, have, signal);
    signal.throwIfAborted();
    this.#jobs.change(entry, { committing: true });
    // Not withdrawn when the job is cancelled meanwhile: its answer decides what the job is.
    const committed = await call(owner, 'job.commit', { job }, this.#closing.signal);
    this.#jobs.apply(entry, committed.report);
    if (!isAccepted(entry.job.state)) throw new PotluckError('BUSY', `${this.#options.nameOf(owner)} ends the job`);
  }

  async #sendBytes(entry: SentEntry, offset: number, signal: AbortSignal): Promise<void> {
    const { files, openStream } = this.#options;
    const { id: job, owner } = entry.job;
    const stream = await openStream(owner, { kind: 'print.document', job, offset }, signal);
    try {
      const source = createReadStream(files.fileOf(job), { start: offset, highWaterMark: READ_BYTES });
      source.on('data', (bytes) => {
        entry.sent += bytes.length;
        this.#jobs.show(entry, true);
      });
      // The owner ends its half when the bytes are on its disk.
      stream.resume();
      await Promise.all([pipeline(source, stream, { signal }), streamEnds(stream, { writable: false, signal })]);
    } finally {
      stream.destroy();
    }
  }

  /** What became of the jobs that the peer has. One that it does not know any more may have been printed. */
  async #askStates(peer: PeerId): Promise<void> {
    const entries = this.#jobs.openOf(peer).filter(({ job }) => isAccepted(job.state));
    for (let at = 0; at < entries.length; at += STATES_MAX_COUNT) {
      const asked = entries.slice(at, at + STATES_MAX_COUNT);
      const jobs = asked.map(({ job }) => job.id);
      const { reports } = await this.#options.call(peer, 'job.states', { jobs }, this.#closing.signal);
      const told = new Map<JobId, JobReport>(reports.map((report) => [report.job, report]));
      for (const entry of asked) {
        const report = told.get(entry.job.id);
        if (report !== undefined) this.#jobs.apply(entry, report);
        else this.#jobs.change(entry, plain(uncertain(this.#options.nameOf(peer))));
      }
    }
  }

  async #tellCancelled(peer: PeerId): Promise<void> {
    for (const entry of this.#jobs.all()) {
      const { job } = entry;
      if (job.owner !== peer || !job.cancelWanted) continue;
      // Over for us, but the owner may still hold a part of the document.
      const isOver = isFinal(job.state);
      try {
        if (!isOver) {
          const { report } = await this.#options.call(peer, 'job.cancel', { job: job.id }, this.#closing.signal);
          this.#jobs.apply(entry, report);
        } else if (entry.sent > 0) {
          entry.sent = 0;
          await this.#options.call(peer, 'job.cancel', { job: job.id }, this.#closing.signal);
        }
      } catch (thrown) {
        if (toPotluckError(thrown).code !== 'JOB_UNKNOWN') throw thrown;
        if (!isOver) this.#cancelled(entry);
      }
    }
  }

  #cancelled(entry: SentEntry): void {
    this.#jobs.change(entry, { state: 'canceled', because: `cancelled by ${this.#options.ownName()}` });
  }

  #sweep(): void {
    try {
      this.#endStale();
      this.#options.store.prune(this.#options.clock.wallMs());
    } catch (thrown) {
      // The disk may be full: nothing is lost by looking again later.
      this.#fault(thrown);
    }
    this.#cancelSweep = this.#options.clock.after(SWEEP_INTERVAL_MS, () => this.#sweep());
  }

  /** A job waits for its printer's PC for a day, and then it says so: paper that comes next week helps nobody. */
  #endStale(): void {
    const { clock, nameOf } = this.#options;
    for (const entry of this.#jobs.all()) {
      const { job } = entry;
      const isWaiting = !isAccepted(job.state) && !job.committing && entry.transfer === null;
      if (!isWaiting || clock.wallMs() - job.createdMs < JOB_WAIT_MAX_MS) continue;
      this.#jobs.change(entry, { state: 'aborted', because: `${nameOf(job.owner)} could not be reached for a day` });
    }
  }

  #fault(thrown: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#options.log.error('print.fault', { error: thrown instanceof Error ? thrown.name : 'unknown' });
  }
}

function plain({ state, reasons, because }: ReturnType<typeof uncertain>): Partial<SentJob> {
  return { state, reasons: [...reasons], because };
}
