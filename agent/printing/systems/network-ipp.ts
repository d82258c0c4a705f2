/**
 * A printer in the network that a person added by its address: IPP without a print system between.
 *
 * It cannot hold a job, so it may print while it receives; and it gives jobs identifiers of its own, so
 * the name of each job carries the beginning of our token, by which it is found again.
 */
import type { SystemJob } from '../../core/print-job.js';
import type { Clock } from '../../platform/clock.js';
import * as read from '../ipp/attributes.js';
import { IppClient } from '../ipp/client.js';
import type { CertificatePin } from '../ipp/connect.js';
import { parsePrinterAddress } from '../ipp/place.js';
import { OPERATION } from '../ipp/tables.js';
import { cut, factsOf } from './facts.js';
import { IppQueue } from './ipp-queue.js';
import type { PrinterFacts, PrintOrder, SystemPrinter } from './system.js';

export interface NetworkPrinterOptions {
  readonly uri: string;
  readonly user: string;
  readonly clock: Clock;
  readonly pin: CertificatePin;
}

/** Devices cut longer names, and the token stands at the end. */
const TITLE_MAX_BYTES = 80;
const TOKEN_CHARS = 8;

export class NetworkPrinter implements SystemPrinter {
  readonly uri: string;
  readonly suggestedName: string;
  readonly holds = false;
  readonly #queue: IppQueue;
  /** Whether it makes jobs apart from their documents; unknown until it was asked. */
  #createsJobs: boolean | null = null;

  /** @throws PotluckError USAGE: not the address of a printer */
  constructor({ uri, user, clock, pin }: NetworkPrinterOptions) {
    const address = parsePrinterAddress(uri);
    this.uri = address.uri;
    this.suggestedName = address.place.type === 'tcp' ? address.place.host : '';
    const client = new IppClient({ place: address.place, clock, pin });
    this.#queue = new IppQueue({ client, path: address.path, printerUri: address.uri, user });
  }

  async facts(signal: AbortSignal): Promise<PrinterFacts> {
    const attributes = await this.#queue.attributes(signal);
    this.#createsJobs = read.integersOf(attributes, 'operations-supported').includes(OPERATION.createJob);
    return factsOf(attributes);
  }

  async create(order: PrintOrder, signal: AbortSignal): Promise<string | null> {
    await this.#queue.validate(nameOf(order), order, signal);
    if (this.#createsJobs === null) await this.facts(signal);
    return this.#createsJobs === true ? this.#queue.create(nameOf(order), order, signal) : null;
  }

  async send(ref: string | null, order: PrintOrder, signal: AbortSignal): Promise<string> {
    if (ref === null) return this.#queue.print(nameOf(order), order, signal);
    await this.#queue.send(ref, order, signal);
    return ref;
  }

  /** It prints by itself. */
  release(ref: string, order: PrintOrder, signal: AbortSignal): Promise<SystemJob | null> {
    return this.find(ref, order, signal);
  }

  async find(ref: string | null, order: PrintOrder, signal: AbortSignal): Promise<SystemJob | null> {
    const found = ref === null ? null : await this.#queue.job(ref, signal);
    if (found !== null && isOurs(found.name, order)) return found.job;
    return this.#queue.search(({ name }) => isOurs(name, order), signal);
  }

  async cancel(ref: string, order: PrintOrder, signal: AbortSignal): Promise<void> {
    const found = await this.find(ref, order, signal);
    if (found !== null) await this.#queue.cancel(found.ref, signal);
  }
}

function nameOf({ ticket, token }: PrintOrder): string {
  return `${cut(ticket.title, TITLE_MAX_BYTES)} (${token.slice(0, TOKEN_CHARS)})`;
}

function isOurs(name: string, { token }: PrintOrder): boolean {
  return name.endsWith(`(${token.slice(0, TOKEN_CHARS)})`);
}
