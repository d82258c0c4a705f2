/**
 * One print queue that speaks IPP: the operations of a job, RFC 8011 §4, in the words of systems/system.ts.
 *
 * How CUPS and a printer of its own differ (holding, tokens) is left to those who use this.
 */
import { createReadStream } from 'node:fs';
import type { SystemJob } from '../../core/print-job.js';
import { blockingReason } from '../../core/print-reasons.js';
import * as read from '../ipp/attributes.js';
import { type IppClient, type IppDocument, IppFailure } from '../ipp/client.js';
import type { Message } from '../ipp/codec.js';
import { GROUP, JOB_STATE, OPERATION, PRINTER_STATE, STATUS, TAG } from '../ipp/tables.js';
import { MessageWriter } from '../ipp/writer.js';
import { FACT_ATTRIBUTES, plainText, reasonsOf } from './facts.js';
import type { PrintOrder } from './system.js';

const JOB_ATTRIBUTES = [
  'job-id',
  'job-uuid',
  'job-name',
  'job-state',
  'job-state-reasons',
  'job-state-message',
  'job-printer-state-message',
  'job-printer-state-reasons',
  'number-of-documents',
  'job-media-sheets-completed',
  'job-impressions-completed',
] as const;
const STATE_ATTRIBUTES = ['printer-state', 'printer-state-reasons', 'printer-state-message'] as const;
/** Jobs that a search looks at; a printer of one's own keeps fewer. */
const SEARCH_MAX_COUNT = 500;
const READ_BYTES = 256 * 1024;

const STATES: ReadonlyMap<number, SystemJob['state']> = new Map([
  [JOB_STATE.pending, 'pending'],
  [JOB_STATE.held, 'held'],
  [JOB_STATE.processing, 'processing'],
  [JOB_STATE.stopped, 'stopped'],
  [JOB_STATE.canceled, 'canceled'],
  [JOB_STATE.aborted, 'aborted'],
  [JOB_STATE.completed, 'completed'],
]);

export interface IppQueueOptions {
  readonly client: IppClient;
  /** Of the HTTP request. */
  readonly path: string;
  /** How the queue calls itself. */
  readonly printerUri: string;
  /** Whose the jobs are in the print system: the user of this PC, who may cancel them with its own tools. */
  readonly user: string;
}

export interface FoundJob {
  readonly job: SystemJob;
  /** `urn:uuid:…`, or empty. */
  readonly uuid: string;
  readonly name: string;
}

export class IppQueue {
  readonly #options: IppQueueOptions;
  #requestId = 0;

  constructor(options: IppQueueOptions) {
    this.#options = options;
  }

  async attributes(signal: AbortSignal): Promise<read.Attributes> {
    return this.#printer(FACT_ATTRIBUTES, signal);
  }

  /** @throws IppFailure when the queue would refuse the job */
  async validate(name: string, order: PrintOrder, signal: AbortSignal): Promise<void> {
    const request = this.#request(OPERATION.validateJob).string(TAG.name, 'job-name', name);
    await this.#send(writeTicket(request.string(TAG.mimeType, 'document-format', order.format), order), signal);
  }

  /** @param more  writes further attributes of the job */
  async create(
    name: string,
    order: PrintOrder,
    signal: AbortSignal,
    more: (job: MessageWriter) => void = () => undefined,
  ): Promise<string> {
    const request = writeTicket(this.#request(OPERATION.createJob).string(TAG.name, 'job-name', name), order);
    more(request);
    return refOf(await this.#send(request, signal));
  }

  /** @throws IppFailure; a printer that stands still for a reason is waited for */
  async send(ref: string, order: PrintOrder, signal: AbortSignal): Promise<void> {
    const request = this.#request(OPERATION.sendDocument, ref)
      .string(TAG.mimeType, 'document-format', order.format)
      .boolean('last-document', true);
    await this.#send(request, signal, this.#document(order, signal));
  }

  /** Job and document in one request, for printers that know no other way. */
  async print(name: string, order: PrintOrder, signal: AbortSignal): Promise<string> {
    const request = this.#request(OPERATION.printJob)
      .string(TAG.name, 'job-name', name)
      .string(TAG.mimeType, 'document-format', order.format);
    return refOf(await this.#send(writeTicket(request, order), signal, this.#document(order, signal)));
  }

  /** Of a job that is held no longer nothing changes. */
  async release(ref: string, signal: AbortSignal): Promise<void> {
    await this.#send(this.#request(OPERATION.releaseJob, ref), signal).catch(ignore(STATUS.notPossible));
  }

  /** Of a job that is over, or not known, nothing changes. */
  async cancel(ref: string, signal: AbortSignal): Promise<void> {
    const gone = ignore(STATUS.notPossible, STATUS.notFound, STATUS.gone);
    await this.#send(this.#request(OPERATION.cancelJob, ref), signal).catch(gone);
  }

  /** @returns null when there is no such job */
  async job(ref: string, signal: AbortSignal): Promise<FoundJob | null> {
    const request = this.#request(OPERATION.getJobAttributes, ref);
    request.string(TAG.keyword, 'requested-attributes', ...JOB_ATTRIBUTES);
    const answer = await this.#send(request, signal).catch(ignore(STATUS.notFound, STATUS.gone));
    if (answer === undefined) return null;
    const found = foundJob(read.groupOf(answer, GROUP.job));
    return found === null ? null : { ...found, job: await this.#withPrinter(found.job, signal) };
  }

  /** The first job that fits, among those that are not over, then among those that are. */
  async search(fits: (found: FoundJob) => boolean, signal: AbortSignal): Promise<SystemJob | null> {
    for (const which of ['not-completed', 'completed']) {
      const request = this.#request(OPERATION.getJobs)
        .integer('limit', SEARCH_MAX_COUNT)
        .string(TAG.keyword, 'which-jobs', which)
        .boolean('my-jobs', false)
        .string(TAG.keyword, 'requested-attributes', ...JOB_ATTRIBUTES);
      const groups = read.groupsOf(await this.#send(request, signal)).filter((group) => group.tag === GROUP.job);
      const found = groups.map((group) => foundJob(group.attributes)).find((job) => job !== null && fits(job));
      if (found) return found.job;
    }
    return null;
  }

  /** A job that moves is told with the state of its printer, where the job itself does not tell it. */
  async #withPrinter(job: SystemJob, signal: AbortSignal): Promise<SystemJob> {
    const isOver = job.state === 'completed' || job.state === 'canceled' || job.state === 'aborted';
    if (isOver || job.printerReasons.length > 0) return job;
    const printer = await this.#printer(STATE_ATTRIBUTES, signal);
    return {
      ...job,
      printerReasons: reasonsOf(printer, 'printer-state-reasons'),
      isPrinterStopped: read.integerOf(printer, 'printer-state') === PRINTER_STATE.stopped,
      message: job.message || plainText(read.stringOf(printer, 'printer-state-message') ?? ''),
    };
  }

  async #printer(names: readonly string[], signal: AbortSignal): Promise<read.Attributes> {
    const request = this.#request(OPERATION.getPrinterAttributes);
    request.string(TAG.keyword, 'requested-attributes', ...names);
    return read.groupOf(await this.#send(request, signal), GROUP.printer);
  }

  #document(order: PrintOrder, signal: AbortSignal): IppDocument {
    return {
      sizeBytes: order.sizeBytes,
      open: () => createReadStream(order.file, { highWaterMark: READ_BYTES }),
      mayStall: async () => {
        const printer = await this.#printer(STATE_ATTRIBUTES, signal);
        const isStopped = read.integerOf(printer, 'printer-state') === PRINTER_STATE.stopped;
        return isStopped || blockingReason(reasonsOf(printer, 'printer-state-reasons')) !== null;
      },
    };
  }

  #request(operation: number, ref?: string): MessageWriter {
    const { printerUri, user } = this.#options;
    this.#requestId = (this.#requestId % 0x7fff_ffff) + 1;
    const request = new MessageWriter(operation, this.#requestId).string(TAG.uri, 'printer-uri', printerUri);
    if (ref !== undefined) request.integer('job-id', Number(ref));
    return request.string(TAG.name, 'requesting-user-name', user);
  }

  #send(request: MessageWriter, signal: AbortSignal, document?: IppDocument): Promise<Message> {
    return this.#options.client.send(this.#options.path, request.done(), signal, document);
  }
}

/** How it shall be printed: attributes of the job, PWG 5100.3 and RFC 8011 §5.2. */
function writeTicket(request: MessageWriter, { ticket }: PrintOrder): MessageWriter {
  request.group(GROUP.job).integer('copies', ticket.copies);
  if (ticket.pages !== undefined) request.range('page-ranges', ...ticket.pages);
  if (ticket.sides !== undefined) request.string(TAG.keyword, 'sides', ticket.sides);
  if (ticket.color !== undefined) request.string(TAG.keyword, 'print-color-mode', ticket.color);
  if (ticket.media !== undefined) request.string(TAG.keyword, 'media', ticket.media);
  return request;
}

function refOf(answer: Message): string {
  const id = read.integerOf(read.groupOf(answer, GROUP.job), 'job-id');
  if (id !== null && id > 0) return String(id);
  throw new IppFailure('PRINTER_FAILED', 'the printer took the job and did not say its number', true);
}

function foundJob(from: read.Attributes): FoundJob | null {
  const id = read.integerOf(from, 'job-id');
  const state = STATES.get(read.integerOf(from, 'job-state') ?? 0);
  if (id === null || state === undefined) return null;
  const reasons = reasonsOf(from, 'job-state-reasons');
  const message = read.stringOf(from, 'job-printer-state-message') || read.stringOf(from, 'job-state-message') || '';
  const pages = [read.integerOf(from, 'job-impressions-completed'), read.integerOf(from, 'job-media-sheets-completed')];
  return {
    uuid: read.stringOf(from, 'job-uuid') ?? '',
    name: read.stringOf(from, 'job-name') ?? '',
    job: {
      ref: String(id),
      state,
      documents: read.integerOf(from, 'number-of-documents'),
      reasons,
      printerReasons: reasonsOf(from, 'job-printer-state-reasons'),
      isPrinterStopped: reasons.includes('printer-stopped'),
      message: plainText(message),
      // A device that does not count says 0.
      pages: pages.find((count) => count !== null && count > 0) ?? null,
    },
  };
}

/** For what is as good as done. */
function ignore(...statuses: readonly number[]): (thrown: unknown) => undefined {
  return (thrown) => {
    if (thrown instanceof IppFailure && thrown.status !== null && statuses.includes(thrown.status)) return undefined;
    throw thrown;
  };
}
