/**
 * The print system of this PC where it is CUPS: its queues, through its own server.
 *
 * CUPS forgets a job that it has just confirmed when it is killed within half a minute, and gives the
 * number to the next one. So each job carries our token as its `job-uuid`, is made held, and is released
 * only when its document is in; a number whose job has another uuid is not ours.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { SystemJob } from '../../core/print-job.js';
import type { Clock } from '../../platform/clock.js';
import { PRINTERS_MAX_COUNT } from '../../../protocol/limits.js';
import * as read from '../ipp/attributes.js';
import { IppClient } from '../ipp/client.js';
import { CUPS_SOCKETS, cupsPlace } from '../ipp/place.js';
import { GROUP, OPERATION, TAG } from '../ipp/tables.js';
import { MessageWriter } from '../ipp/writer.js';
import { factsOf } from './facts.js';
import { IppQueue } from './ipp-queue.js';
import type { PrinterFacts, PrintOrder, SystemPrinter } from './system.js';

export interface CupsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's own folder, for its client.conf. */
  readonly userHome: string;
  /** Whose the jobs are. */
  readonly user: string;
  readonly clock: Clock;
}

const SYSTEM_CONF = '/etc/cups/client.conf';

export class Cups {
  readonly #options: CupsOptions;

  constructor(options: CupsOptions) {
    this.#options = options;
  }

  /** Its queues and classes, by name. @throws IppFailure where no CUPS answers */
  async printers(signal: AbortSignal): Promise<CupsPrinter[]> {
    const request = new MessageWriter(OPERATION.cupsGetPrinters, 1)
      .integer('limit', PRINTERS_MAX_COUNT)
      .string(TAG.keyword, 'requested-attributes', 'printer-name');
    const answer = await this.#client().send('/', request.done(), signal);
    return read
      .groupsOf(answer)
      .filter((group) => group.tag === GROUP.printer)
      .map((group) => read.stringOf(group.attributes, 'printer-name') ?? '')
      .filter(isQueueName)
      .map((name) => this.printer(name));
  }

  printer(name: string): CupsPrinter {
    const client = this.#client();
    const where = `/printers/${encodeURIComponent(name)}`;
    const printerUri = `ipp://localhost${where}`;
    return new CupsPrinter(name, new IppQueue({ client, path: where, printerUri, user: this.#options.user }));
  }

  /** Looked up each time: a server that is started later is found. */
  #client(): IppClient {
    const { env, userHome, clock } = this.#options;
    const confs = [SYSTEM_CONF, path.join(userHome, '.cups', 'client.conf')];
    const clientConfs = confs.map(readIfThere).filter((text) => text !== null);
    const place = cupsPlace({ env, clientConfs, sockets: CUPS_SOCKETS.filter((socket) => existsSync(socket)) });
    return new IppClient({ place, clock });
  }
}

/** What CUPS itself takes as the name of a queue. */
export function isQueueName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= 127 && !/[\p{Cc}\s/#?"'\\]/u.test(name);
}

class CupsPrinter implements SystemPrinter {
  readonly uri: string;
  readonly suggestedName: string;
  readonly holds = true;
  readonly #queue: IppQueue;

  constructor(name: string, queue: IppQueue) {
    this.uri = `cups:${name}`;
    this.suggestedName = name;
    this.#queue = queue;
  }

  async facts(signal: AbortSignal): Promise<PrinterFacts> {
    return factsOf(await this.#queue.attributes(signal));
  }

  create(order: PrintOrder, signal: AbortSignal): Promise<string> {
    return this.#queue.create(order.ticket.title, order, signal, (job) => {
      job.string(TAG.keyword, 'job-hold-until', 'indefinite').string(TAG.uri, 'job-uuid', uuidOf(order));
    });
  }

  async send(ref: string | null, order: PrintOrder, signal: AbortSignal): Promise<string> {
    const made = ref ?? (await this.create(order, signal));
    await this.#queue.send(made, order, signal);
    return made;
  }

  async release(ref: string, order: PrintOrder, signal: AbortSignal): Promise<SystemJob | null> {
    await this.#queue.release(ref, signal);
    return this.find(ref, order, signal);
  }

  /** By its number where that is still its own, else among all jobs of the queue. */
  async find(ref: string | null, order: PrintOrder, signal: AbortSignal): Promise<SystemJob | null> {
    const found = ref === null ? null : await this.#queue.job(ref, signal);
    if (found?.uuid === uuidOf(order)) return found.job;
    return this.#queue.search((job) => job.uuid === uuidOf(order), signal);
  }

  async cancel(ref: string, order: PrintOrder, signal: AbortSignal): Promise<void> {
    const found = await this.find(ref, order, signal);
    if (found !== null) await this.#queue.cancel(found.ref, signal);
  }
}

function uuidOf(order: PrintOrder): string {
  return `urn:uuid:${order.token}`;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Most PCs have none.
    return null;
  }
}
