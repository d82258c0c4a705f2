/**
 * A printer that speaks IPP, inside the test: a server of CUPS with queues, or a device of its own. What comes
 * out of it is kept in memory, it suffers on demand, and it hangs up before or after it has acted.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as read from '../../agent/printing/ipp/attributes.js';
import { decodeHead, encode, type Message } from '../../agent/printing/ipp/codec.js';
import { GROUP, JOB_STATE, OPERATION, PRINTER_STATE, STATUS, TAG } from '../../agent/printing/ipp/tables.js';
import { MessageWriter } from '../../agent/printing/ipp/writer.js';
import type { Case } from '../support/spec.js';

export interface FakeOptions {
  /** `cups` holds jobs and keeps their uuid; `device` prints what it gets; `simple` takes only Print-Job. */
  readonly kind: 'cups' | 'device' | 'simple';
  readonly formats?: readonly string[];
}

interface FakeJob {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly ticket: read.Attributes;
  state: number;
  reasons: string[];
  documents: Buffer[];
}

export type Trouble = 'paper-out' | 'paused' | 'busy' | 'refusing';

const OK = 0;
const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(OPERATION).map(([name, code]) => [code, name]));

export class FakePrinter {
  /** Documents as they came out, with the name of their job. */
  readonly printed: { readonly name: string; readonly bytes: Buffer; readonly ticket: read.Attributes }[] = [];
  /** Operations in the order in which they came. */
  readonly asked: string[] = [];
  readonly #options: FakeOptions;
  readonly #jobs = new Map<number, FakeJob>();
  #nextId = 1;
  #trouble: Trouble | null = null;
  #port = 0;
  #changed = Promise.withResolvers<void>();
  /** Says when to hang up without an answer: before the request is acted on, after, or (null) not at all. */
  hangUp: (operation: string) => 'before' | 'after' | null = () => null;

  constructor(options: FakeOptions) {
    this.#options = options;
  }

  static async open(t: Case, options: FakeOptions): Promise<FakePrinter> {
    const printer = new FakePrinter(options);
    const server = createServer((request, response) => void printer.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    printer.#port = (server.address() as AddressInfo).port;
    t.defer(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return printer;
  }

  /** For CUPS_SERVER. */
  get server(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get uri(): string {
    return `ipp://127.0.0.1:${this.#port}/ipp/print`;
  }

  /** A trouble that stays until it is taken away with null. */
  suffer(trouble: Trouble | null): void {
    this.#trouble = trouble;
    for (const job of this.#jobs.values()) this.#print(job);
  }

  /** Jobs and their numbers are lost, as by a scheduler that is killed before it wrote them down. */
  forget(): void {
    this.#jobs.clear();
    this.#nextId = 1;
  }

  /** Somebody cancels everything that is not over, at the device. */
  cancelAll(): void {
    for (const job of this.#jobs.values())
      if (!isOver(job)) this.#end(job, JOB_STATE.canceled, 'job-canceled-at-device');
  }

  get openJobs(): number {
    return [...this.#jobs.values()].filter((job) => !isOver(job)).length;
  }

  /** Resolves when so many documents have come out. */
  async out(count: number): Promise<void> {
    while (this.printed.length < count) await this.#changed.promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      // Torn in the middle: a document that is not whole is no document.
      return;
    }
    const body = Buffer.concat(parts);
    const decoded = decodeHead(body);
    if (decoded === null) return void response.writeHead(400).end();
    const operation = NAMES.get(decoded.message.code) ?? '';
    this.asked.push(operation);
    const end = this.hangUp(operation);
    if (end === 'before') return void request.socket.destroy();
    const answer = this.#answer(decoded.message, body.subarray(decoded.end));
    if (end === 'after') return void request.socket.destroy();
    response.writeHead(200, { 'content-type': 'application/ipp' }).end(encode(answer));
  }

  #answer(message: Message, document: Buffer): Message {
    const from = read.groupOf(message, GROUP.operation);
    const job = this.#jobs.get(read.integerOf(from, 'job-id') ?? 0);
    const { kind } = this.#options;
    const reply = (status: number): MessageWriter => new MessageWriter(status, message.id);
    switch (message.code) {
      case OPERATION.cupsGetPrinters:
        return kind === 'cups' ? this.#printer(reply(OK)).done() : reply(STATUS.operationUnsupported).done();
      case OPERATION.getPrinterAttributes:
        return this.#printer(reply(OK)).done();
      case OPERATION.validateJob:
        return reply(this.#refusal(from)).done();
      case OPERATION.createJob:
      case OPERATION.printJob: {
        if (message.code === OPERATION.createJob && kind === 'simple') return reply(STATUS.operationUnsupported).done();
        const refusal = this.#refusal(from);
        if (refusal !== OK) return reply(refusal).done();
        const made = this.#make(from, read.groupOf(message, GROUP.job));
        if (message.code === OPERATION.printJob) this.#take(made, document);
        return describe(reply(OK), made).done();
      }
      case OPERATION.sendDocument: {
        if (job === undefined) return reply(STATUS.notFound).done();
        if (this.#trouble === 'busy') return reply(STATUS.busy).done();
        this.#take(job, document);
        return describe(reply(OK), job).done();
      }
      case OPERATION.releaseJob:
        if (job === undefined) return reply(STATUS.notFound).done();
        if (job.state !== JOB_STATE.held) return reply(STATUS.notPossible).done();
        job.state = JOB_STATE.pending;
        this.#print(job);
        return reply(OK).done();
      case OPERATION.cancelJob:
        if (job === undefined) return reply(STATUS.notFound).done();
        if (isOver(job)) return reply(STATUS.notPossible).done();
        this.#end(job, JOB_STATE.canceled, 'job-canceled-by-user');
        return reply(OK).done();
      case OPERATION.getJobAttributes:
        return job === undefined ? reply(STATUS.notFound).done() : describe(reply(OK), job).done();
      case OPERATION.getJobs: {
        const wantsOver = read.stringOf(from, 'which-jobs') === 'completed';
        const answer = reply(OK);
        for (const one of this.#jobs.values()) if (isOver(one) === wantsOver) describe(answer, one);
        return answer.done();
      }
      default:
        return reply(STATUS.operationUnsupported).done();
    }
  }

  #refusal(from: read.Attributes): number {
    if (this.#trouble === 'busy') return STATUS.busy;
    if (this.#trouble === 'refusing') return STATUS.notAccepting;
    const format = read.stringOf(from, 'document-format');
    return format === null || this.#formats().includes(format) ? OK : STATUS.formatUnsupported;
  }

  #formats(): readonly string[] {
    return this.#options.formats ?? ['application/pdf', 'image/jpeg', 'image/png', 'text/plain'];
  }

  #make(from: read.Attributes, ticket: read.Attributes): FakeJob {
    const isCups = this.#options.kind === 'cups';
    const isHeld = isCups && read.stringOf(ticket, 'job-hold-until') === 'indefinite';
    const uuid = (isCups ? read.stringOf(ticket, 'job-uuid') : null) ?? `urn:uuid:${randomUUID()}`;
    const job: FakeJob = {
      id: this.#nextId++,
      uuid,
      name: read.stringOf(from, 'job-name') ?? '',
      ticket,
      state: isHeld ? JOB_STATE.held : JOB_STATE.pending,
      reasons: [isHeld ? 'job-hold-until-specified' : 'job-incoming'],
      documents: [],
    };
    this.#jobs.set(job.id, job);
    return job;
  }

  #take(job: FakeJob, document: Buffer): void {
    job.documents.push(document);
    this.#print(job);
  }

  #print(job: FakeJob): void {
    if (isOver(job) || job.state === JOB_STATE.held || job.documents.length === 0) return;
    if (this.#trouble === 'paused') {
      job.state = JOB_STATE.pending;
      job.reasons = ['printer-stopped'];
      return;
    }
    job.state = JOB_STATE.processing;
    job.reasons = ['job-printing'];
    if (this.#trouble === 'paper-out') return;
    for (const bytes of job.documents) this.printed.push({ name: job.name, bytes, ticket: job.ticket });
    this.#end(job, JOB_STATE.completed, 'job-completed-successfully');
  }

  #end(job: FakeJob, state: number, reason: string): void {
    job.state = state;
    job.reasons = [reason];
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #printer(answer: MessageWriter): MessageWriter {
    const isOut = this.#trouble === 'paper-out';
    const state =
      this.#trouble === 'paused' ? PRINTER_STATE.stopped : isOut ? PRINTER_STATE.processing : PRINTER_STATE.idle;
    const operations = [OPERATION.printJob, ...(this.#options.kind === 'simple' ? [] : [OPERATION.createJob])];
    return answer
      .group(GROUP.printer)
      .string(TAG.name, 'printer-name', 'fake')
      .string(TAG.text, 'printer-info', 'A "printer"\n*Evil: "x"')
      .string(TAG.text, 'printer-location', '2nd floor')
      .enum('printer-state', state)
      .string(TAG.keyword, 'printer-state-reasons', isOut ? 'media-empty-error' : 'none')
      .boolean('printer-is-accepting-jobs', this.#trouble !== 'refusing')
      .integer('queued-job-count', this.openJobs)
      .string(TAG.mimeType, 'document-format-supported', ...this.#formats(), 'application/octet-stream')
      .boolean('color-supported', true)
      .string(TAG.keyword, 'sides-supported', 'one-sided', 'two-sided-long-edge')
      .range('copies-supported', [1, 50])
      .string(TAG.keyword, 'media-supported', 'iso_a4_210x297mm', 'na_letter_8.5x11in', 'bad media"')
      .string(TAG.keyword, 'media-default', 'iso_a4_210x297mm')
      .enum('operations-supported', ...operations);
  }
}

function isOver(job: FakeJob): boolean {
  return job.state >= JOB_STATE.canceled;
}

function describe(answer: MessageWriter, job: FakeJob): MessageWriter {
  return answer
    .group(GROUP.job)
    .integer('job-id', job.id)
    .string(TAG.uri, 'job-uuid', job.uuid)
    .string(TAG.name, 'job-name', job.name)
    .enum('job-state', job.state)
    .string(TAG.keyword, 'job-state-reasons', ...job.reasons)
    .integer('number-of-documents', job.documents.length);
}
