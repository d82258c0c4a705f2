/**
 * The one interface to whatever prints: a queue of CUPS, a network printer, a tray.
 *
 * A job goes in by steps, so that the spooler can write each down before it is taken: `create` (nothing can
 * print yet), `send` the document, `release`. Every job carries a token of ours, by which `find` finds it
 * again after a crash, since a system may lose a job and give its number to another. What a printer says
 * about itself comes out rebuilt, never as it was (see facts.ts).
 */
import type { SystemJob } from '../../core/print-job.js';
import type { DocumentFormat } from '../../../protocol/document.js';
import type { JobId } from '../../../protocol/ids.js';
import { PotluckError } from '../../../protocol/errors.js';
import type { PeerPrinter, Ticket } from '../../../protocol/peer/printing.js';
import { IppFailure } from '../ipp/client.js';

/** A printer without the name and id that its owner gives it. */
export type PrinterFacts = Omit<PeerPrinter, 'id' | 'name' | 'formats'> & {
  readonly formats: readonly DocumentFormat[];
};

/** What shall be printed, with its document on this PC's disk. */
export interface PrintOrder {
  readonly token: JobId;
  readonly ticket: Ticket;
  readonly format: DocumentFormat;
  /** Absolute. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970: when it was asked for. */
  readonly askedMs: number;
}

/** One printer of this PC. Every call may throw a PotluckError; `mayHaveActed` tells what it means for the step. */
export interface SystemPrinter {
  /** `cups:NAME`, `ipp://…`, `ipps://…`, `tray:FOLDER`. */
  readonly uri: string;
  /** How it is called unless a person names it. */
  readonly suggestedName: string;
  /** Whether a job with its document waits for `release`. */
  readonly holds: boolean;

  facts(signal: AbortSignal): Promise<PrinterFacts>;
  /** Makes the job, without a document. @returns how the system calls it; null where it has no name before `send` */
  create(order: PrintOrder, signal: AbortSignal): Promise<string | null>;
  /** Gives it the whole document. @returns how the system calls it */
  send(ref: string | null, order: PrintOrder, signal: AbortSignal): Promise<string>;
  /** Lets it print. Again for a job that was released changes nothing. @returns what it is now */
  release(ref: string, order: PrintOrder, signal: AbortSignal): Promise<SystemJob | null>;
  /** The job with the order's token, wherever it is. @param ref  how the system called it, where that is known */
  find(ref: string | null, order: PrintOrder, signal: AbortSignal): Promise<SystemJob | null>;
  /** Ends it, unless it has ended. */
  cancel(ref: string, order: PrintOrder, signal: AbortSignal): Promise<void>;
}

/** Whether a step that failed may have been taken all the same. */
export function mayHaveActed(thrown: unknown): boolean {
  if (thrown instanceof IppFailure) return thrown.mayHaveActed;
  return !(thrown instanceof PotluckError);
}
