/**
 * Hands one job to the print system, step by step, each step written down before it is taken.
 *
 * It can be stopped and begun again at any place, by a crash as well: then the job is looked for under its
 * token, and core/print-job says what is left to do. Failures that pass are waited out, for as long as it
 * takes; what the printer refuses ends the job.
 */
import { nextStep, type Phase, type Seen, seenAs, type Step, type SystemJob, uncertain } from '../core/print-job.js';
import type { Clock } from '../platform/clock.js';
import { toPotluckError } from '../../protocol/errors.js';
import { IppFailure } from './ipp/client.js';
import { STATUS } from './ipp/tables.js';
import type { ReceivedJob } from './print-store.js';
import { mayHaveActed, type PrintOrder, type SystemPrinter } from './systems/system.js';

export interface SubmissionServices {
  readonly clock: Clock;
  readonly ownName: () => string;
  /** Null when the printer was removed. */
  readonly system: (uri: string) => SystemPrinter | null;
  readonly orderOf: (job: ReceivedJob) => PrintOrder;
  /** The job as it is now. */
  readonly get: () => ReceivedJob;
  /** Writes the change to the disk, then tells everybody. */
  readonly change: (part: Partial<ReceivedJob>) => void;
}

const RETRY_MIN_MS = 2000;
const RETRY_MAX_MS = 30_000;
/** What has not been taken when a step failed for certain. */
const BEFORE: Partial<Record<Phase, Phase>> = { creating: 'spooled', sending: 'created' };

/**
 * Resolves when the job is on its way in the print system, or over.
 * @param signal  stops at the next step and rejects; the job can be taken up again
 */
export async function submit(services: SubmissionServices, signal: AbortSignal): Promise<void> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    const system = services.system(services.get().printerUri);
    if (system === null) return over(services, 'aborted', `the printer was removed at ${services.ownName()}`);
    try {
      return await advance(services, system, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const before = BEFORE[services.get().phase];
      if (before !== undefined && !mayHaveActed(thrown)) services.change({ phase: before });
      const failure = judge(thrown, services.get().phase, services.ownName());
      if (failure.state === 'aborted') {
        await discard(services, system, signal);
        return over(services, 'aborted', failure.because);
      }
      services.change({ state: failure.state, because: failure.because });
    }
    await services.clock.sleep(Math.min(RETRY_MIN_MS * 2 ** Math.min(tries, 10), RETRY_MAX_MS), signal);
  }
}

async function advance(services: SubmissionServices, system: SystemPrinter, signal: AbortSignal): Promise<void> {
  const { get, change } = services;
  const order = services.orderOf(get());
  const { phase, ref } = get();
  const found = phase === 'spooled' ? null : await system.find(ref, order, signal);
  let step: Step = nextStep(phase, found, system.holds);
  if (found !== null && found.ref !== ref) change({ ref: found.ref });
  for (;;) {
    signal.throwIfAborted();
    switch (step) {
      case 'replace':
        if (found !== null) await system.cancel(found.ref, order, signal);
        change({ phase: 'spooled', ref: null });
        step = 'create';
        break;
      case 'create': {
        change({ phase: 'creating', ref: null });
        change({ phase: 'created', ref: await system.create(order, signal) });
        step = 'send';
        break;
      }
      case 'send': {
        change({ phase: 'sending' });
        const sent = await system.send(get().ref, order, signal);
        change(system.holds ? { phase: 'releasing', ref: sent } : { phase: 'released', ref: sent });
        step = system.holds ? 'release' : 'watch';
        break;
      }
      case 'release': {
        change({ phase: 'releasing' });
        const released = await system.release(get().ref ?? '', order, signal);
        return change({ phase: 'released', ...(released === null ? {} : seenInSystem(released, services)) });
      }
      case 'watch':
        return change({ phase: 'released', ...(found === null ? {} : seenInSystem(found, services)) });
      case 'uncertain':
        return change(finished(services, uncertain(services.ownName())));
      default:
        step satisfies never;
    }
  }
}

/** What a job of the print system means for ours. */
export function seenInSystem(
  job: SystemJob,
  { clock, ownName }: Pick<SubmissionServices, 'clock' | 'ownName'>,
): Partial<ReceivedJob> {
  const seen = seenAs(job, ownName());
  return { ...finished({ clock }, seen), ref: job.ref, ...(job.pages === null ? {} : { pages: job.pages }) };
}

/** The change to a state, with the time when it is a final one. */
export function finished({ clock }: Pick<SubmissionServices, 'clock'>, seen: Seen): Partial<ReceivedJob> {
  const isOver = ['completed', 'canceled', 'aborted', 'uncertain'].includes(seen.state);
  return { ...seen, reasons: [...seen.reasons], ...(isOver ? { finishedMs: clock.wallMs() } : {}) };
}

function over(services: SubmissionServices, state: 'aborted', because: string): void {
  services.change(finished(services, { state, reasons: [], because }));
}

/** A job that was made and is not wanted by the printer must not stay in it. */
async function discard(services: SubmissionServices, system: SystemPrinter, signal: AbortSignal): Promise<void> {
  const { ref } = services.get();
  if (ref === null) return;
  await system.cancel(ref, services.orderOf(services.get()), signal).catch(() => undefined);
}

/** What a failed step means: it is waited for, or it is over. */
function judge(
  thrown: unknown,
  phase: Phase,
  owner: string,
): { state: 'queued' | 'blocked' | 'aborted'; because: string } {
  const { message, code } = toPotluckError(thrown);
  if (!(thrown instanceof IppFailure) || thrown.status === null) {
    const isRefused = code === 'USAGE' || code === 'FORMAT_UNSUPPORTED';
    return { state: isRefused ? 'aborted' : 'blocked', because: `${owner}: ${message}` };
  }
  switch (thrown.status) {
    case STATUS.busy:
      return { state: 'queued', because: `the printer at ${owner} is busy with another job` };
    case STATUS.notAccepting:
      return { state: 'blocked', because: `the printer at ${owner} takes no jobs now` };
    case STATUS.notFound:
      // Of the job it means that the system lost it, which the next look finds out.
      return phase === 'spooled' || phase === 'creating'
        ? { state: 'aborted', because: `the printer is no longer there at ${owner}` }
        : { state: 'queued', because: '' };
    case STATUS.formatUnsupported:
      return { state: 'aborted', because: `the printer at ${owner} does not take this type of document` };
    case STATUS.formatError:
      return { state: 'aborted', because: `the printer at ${owner} cannot read the document` };
    default: {
      const mayPass = thrown.status >= 0x0500 && thrown.status !== STATUS.operationUnsupported;
      return { state: mayPass ? 'blocked' : 'aborted', because: `${owner}: ${message}` };
    }
  }
}
