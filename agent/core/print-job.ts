/**
 * What becomes of a print job: its states, the moves between them, what a print system's words mean, and
 * what to do after a restart. Pure.
 *
 * One rule stands above the others: a job is never printed a second time by itself. Where it cannot be
 * known whether it was printed, it becomes `uncertain` and a person decides. SPEC.md, "Printing".
 */
import type { JobState } from '../../protocol/peer/printing.js';
import { blockingReason, plainReasons, reasonSentence } from './print-reasons.js';

const BEFORE: ReadonlySet<JobState> = new Set(['waiting', 'sending']);
const FINAL: ReadonlySet<JobState> = new Set(['completed', 'canceled', 'aborted', 'uncertain']);

/** Nothing moves a job out of a final state. */
export function isFinal(state: JobState): boolean {
  return FINAL.has(state);
}

/** Whether the printer's PC has answered for the document: then the requester never sends it again. */
export function isAccepted(state: JobState): boolean {
  return !BEFORE.has(state);
}

/** A job goes from waiting and sending to accepted to final, never back; between two of one kind it may move. */
export function mayMove(from: JobState, to: JobState): boolean {
  if (from === to || isFinal(from)) return false;
  return !(isAccepted(from) && BEFORE.has(to));
}

/**
 * How far a job got in the print system of the printer's PC. Each is written down before the step that it
 * names is taken, so that after a crash the step may have happened, but none behind it.
 */
export const PHASES = ['spooled', 'creating', 'created', 'sending', 'releasing', 'released'] as const;
export type Phase = (typeof PHASES)[number];

/** A job as the print system shows it. */
export interface SystemJob {
  /** How the system calls it. */
  readonly ref: string;
  readonly state: 'pending' | 'held' | 'processing' | 'stopped' | 'canceled' | 'aborted' | 'completed';
  /** Whole documents that it has; null where the system does not say. */
  readonly documents: number | null;
  /** IPP reasons of the job. */
  readonly reasons: readonly string[];
  /** IPP reasons of its printer, with the suffix that tells how grave they are. */
  readonly printerReasons: readonly string[];
  readonly isPrinterStopped: boolean;
  /** The device's own words, or empty. */
  readonly message: string;
  readonly pages: number | null;
}

export type Step =
  /** Make the job in the system: it is certain that none of it was printed. */
  | 'create'
  /** Give it the document. */
  | 'send'
  | 'release'
  /** It is on its way. */
  | 'watch'
  /** It has the document twice: throw it away and make it anew. */
  | 'replace'
  | 'uncertain';

/**
 * What to do with a job that was at `phase` when something broke off.
 * @param found  what the system has under the job's token; null when it knows no such job (any more)
 * @param holds  whether the system keeps a job until it is released. Without that it may print while it receives
 */
export function nextStep(phase: Phase, found: SystemJob | null, holds: boolean): Step {
  if (phase === 'spooled') return 'create';
  const isBeforePrinting = phase === 'creating' || phase === 'created' || (phase === 'sending' && holds);
  if (found === null) return isBeforePrinting ? 'create' : 'uncertain';
  if (phase === 'released' || isSystemFinal(found.state)) return 'watch';
  if (phase === 'releasing') return holds && found.state === 'held' ? 'release' : 'watch';
  if (holds) {
    if (found.documents === 0) return 'send';
    if ((found.documents ?? 1) > 1) return 'replace';
    return found.state === 'held' ? 'release' : 'watch';
  }
  const isIdle = found.state === 'pending' || found.state === 'held';
  // Where documents are not counted, it has none unless one may have been sent.
  const isEmpty = found.documents === 0 || (found.documents === null && isBeforePrinting);
  return isEmpty && isIdle ? 'send' : 'watch';
}

function isSystemFinal(state: SystemJob['state']): boolean {
  return state === 'canceled' || state === 'aborted' || state === 'completed';
}

/** What people see of a job: both PCs show the same. */
export interface Seen {
  readonly state: JobState;
  /** IPP reasons without suffixes. */
  readonly reasons: readonly string[];
  /** A sentence, or empty when the state says it all. */
  readonly because: string;
}

/**
 * What a released job's state in the print system means.
 * @param owner  name of the printer's PC
 */
export function seenAs(job: SystemJob, owner: string): Seen {
  const reasons = plainReasons([...job.reasons, ...job.printerReasons]);
  switch (job.state) {
    case 'completed': {
      const hasErrors = job.reasons.some((reason) => reason === 'job-completed-with-errors');
      return { state: 'completed', reasons, because: hasErrors ? 'the printer reports errors on some pages' : '' };
    }
    case 'canceled':
      return { state: 'canceled', reasons, because: `cancelled ${canceledWhere(job.reasons, owner)}` };
    case 'aborted':
      return { state: 'aborted', reasons, because: withMessage(`${owner} could not print it`, job.message) };
    case 'held':
      if (job.reasons.includes('resources-are-not-ready')) {
        const fault = withMessage(`the printer at ${owner} has a fault`, job.message);
        return { state: 'blocked', reasons, because: `${fault}; it is tried again` };
      }
      return { state: 'held', reasons, because: `held at ${owner} until somebody releases it there` };
    case 'stopped':
    case 'processing':
    case 'pending':
      return moving(job, reasons, owner);
    default:
      return job.state satisfies never;
  }
}

function moving(job: SystemJob, reasons: readonly string[], owner: string): Seen {
  const blocking = blockingReason(job.printerReasons);
  if (blocking !== null) return { state: 'blocked', reasons, because: reasonSentence(blocking, owner) };
  if (job.isPrinterStopped) return { state: 'blocked', reasons, because: reasonSentence('paused', owner) };
  if (job.state === 'stopped') {
    return { state: 'blocked', reasons, because: withMessage(`the printer at ${owner} stands still`, job.message) };
  }
  return { state: job.state === 'pending' ? 'queued' : 'printing', reasons, because: '' };
}

/** The job may have been printed and cannot be found. */
export function uncertain(owner: string): Seen {
  const because = `${owner} cannot tell whether it was printed: look at the printer before you print it again`;
  return { state: 'uncertain', reasons: [], because };
}

function canceledWhere(reasons: readonly string[], owner: string): string {
  return reasons.includes('job-canceled-at-device') ? 'at the printer' : `at ${owner}`;
}

function withMessage(sentence: string, message: string): string {
  return message === '' ? sentence : `${sentence}: ${message}`;
}
