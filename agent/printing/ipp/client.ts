/**
 * One IPP request over HTTP, and its answer (RFC 8010 §3.4).
 *
 * Printers fall silent, answer with web pages, hang up halfway and show certificates that they signed
 * themselves. Whatever they do, a request ends once, within limits of time and size, with a message or with
 * an `IppFailure`; and the failure says whether the printer may have acted on the request, because that
 * decides whether it may be made again. Each request has a connection of its own: a kept one that the
 * printer is just closing cannot be told from a lost answer.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { type ErrorCode, PotluckError } from '../../../protocol/errors.js';
import {
  IPP_ANSWER_MAX_BYTES,
  IPP_CONNECT_MAX_MS,
  IPP_FIRST_BYTE_MAX_MS,
  IPP_IDLE_MAX_MS,
} from '../../../protocol/limits.js';
import type { Clock } from '../../platform/clock.js';
import { groupOf, stringOf } from './attributes.js';
import { decode, encode, type Message } from './codec.js';
import { type CertificatePin, connect } from './connect.js';
import type { IppPlace } from './place.js';
import { GROUP, isSuccess, STATUS, statusName } from './tables.js';

const OLD_VERSION = 0x01_01;

/** Why a request failed. */
export class IppFailure extends PotluckError {
  /** What the printer answered; null when there was no answer. */
  readonly status: number | null;
  /** False when it is certain that the printer did nothing. */
  readonly mayHaveActed: boolean;

  constructor(code: ErrorCode, message: string, mayHaveActed: boolean, status: number | null = null, cause?: unknown) {
    super(code, message, cause === undefined ? {} : { cause });
    this.mayHaveActed = mayHaveActed;
    this.status = status;
  }
}

export interface IppDocument {
  readonly sizeBytes: number;
  /** A new stream of the bytes; called once. */
  open(): Readable;
  /**
   * Asked when the printer has taken no byte for the idle limit: true while it has a reason to stand still,
   * like an empty paper tray, for which it may stand as long as it takes.
   */
  mayStall?(): Promise<boolean>;
}

export interface IppClientOptions {
  readonly place: IppPlace;
  readonly clock: Clock;
  /** For a printer with TLS. */
  readonly pin?: CertificatePin;
}

export class IppClient {
  readonly #options: IppClientOptions;
  #version: number | null = null;

  constructor(options: IppClientOptions) {
    this.#options = options;
  }

  /**
   * @param path    of the HTTP request
   * @param signal  cuts the connection
   * @throws IppFailure, also for every status that is not a success; the signal's reason
   */
  async send(path: string, message: Message, signal: AbortSignal, document?: IppDocument): Promise<Message> {
    const answer = await this.#exchange(path, message, signal, document);
    if (answer.code === STATUS.versionUnsupported && this.#version === null && document === undefined) {
      this.#version = OLD_VERSION;
      return this.send(path, message, signal);
    }
    if (isSuccess(answer.code)) return answer;
    const said = stringOf(groupOf(answer, GROUP.operation), 'status-message');
    const why = `${statusName(answer.code)}${said === null || said === '' ? '' : ` (${oneLine(said)})`}`;
    throw new IppFailure('PRINTER_FAILED', `the printer refused: ${why}`, false, answer.code);
  }

  async #exchange(path: string, message: Message, signal: AbortSignal, document?: IppDocument): Promise<Message> {
    const { place, clock, pin } = this.#options;
    signal.throwIfAborted();
    const socket = await connect(place, IPP_CONNECT_MAX_MS, clock, signal, pin).catch((thrown: unknown) => {
      signal.throwIfAborted();
      if (!(thrown instanceof PotluckError)) throw thrown;
      throw new IppFailure(thrown.code, thrown.message, false, null, thrown);
    });
    try {
      const head = encode(this.#version === null ? message : { ...message, version: this.#version });
      return await new Exchange(socket, clock, signal).run(hostOf(place), path, head, document);
    } finally {
      socket.destroy();
    }
  }
}

/** One request on one socket. Everything that may end it goes through `#settle`, which works once. */
class Exchange {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #result = Promise.withResolvers<Message>();
  #isSettled = false;
  #cancelTimer: () => void = () => undefined;

  constructor(socket: Socket, clock: Clock, signal: AbortSignal) {
    this.#socket = socket;
    this.#clock = clock;
    this.#signal = signal;
  }

  async run(host: string, path: string, head: Buffer, document: IppDocument | undefined): Promise<Message> {
    const stop = (): void => this.#settle(() => this.#result.reject(this.#signal.reason));
    this.#signal.addEventListener('abort', stop, { once: true });
    const size = head.length + (document?.sizeBytes ?? 0);
    const request = httpRequest({
      method: 'POST',
      path,
      createConnection: () => this.#socket,
      headers: { host, 'content-type': 'application/ipp', 'content-length': size, accept: 'application/ipp' },
    });
    request.on('error', (thrown) => this.#fail('PRINTER_FAILED', `the printer hung up: ${codeOf(thrown)}`));
    request.on('response', (response) => this.#read(response));
    const stream = document?.open();
    try {
      this.#write(request, head, stream, document);
      return await this.#result.promise;
    } finally {
      this.#signal.removeEventListener('abort', stop);
      stream?.destroy();
      request.destroy();
    }
  }

  #write(request: ClientRequest, head: Buffer, stream: Readable | undefined, document: IppDocument | undefined): void {
    // A printer answers a document when it has swallowed all of it, and everything else at once.
    const answerMs = document === undefined ? IPP_FIRST_BYTE_MAX_MS : IPP_IDLE_MAX_MS;
    request.on('finish', () => this.#within(answerMs, 'the printer does not answer', document));
    this.#within(IPP_IDLE_MAX_MS, 'the printer takes no bytes', document);
    if (stream === undefined) {
      request.end(head);
      return;
    }
    request.write(head);
    stream.on('data', () => this.#within(IPP_IDLE_MAX_MS, 'the printer takes no bytes', document));
    pipeline(stream, request, (thrown) => {
      // The printer may answer, and hang up, before it has taken everything: then the answer counts.
      if (thrown) this.#fail('PRINTER_FAILED', `the document could not be sent: ${codeOf(thrown)}`);
    });
  }

  #read(response: IncomingMessage): void {
    const refusal = refusalOf(response);
    if (refusal !== null) {
      response.resume();
      const status = response.statusCode ?? 0;
      // With 4xx the server refused before anything was done.
      this.#fail('PRINTER_FAILED', refusal, status < 400 || status >= 500);
      return;
    }
    const parts: Buffer[] = [];
    let size = 0;
    this.#within(IPP_IDLE_MAX_MS, 'the printer stopped in its answer');
    response.on('data', (part: Buffer) => {
      size += part.length;
      if (size > IPP_ANSWER_MAX_BYTES) return this.#fail('PRINTER_FAILED', 'the answer of the printer is too large');
      parts.push(part);
      this.#within(IPP_IDLE_MAX_MS, 'the printer stopped in its answer');
    });
    response.on('error', (thrown) => this.#fail('PRINTER_FAILED', `the answer was cut: ${codeOf(thrown)}`));
    response.on('close', () => {
      if (!response.complete) this.#fail('PRINTER_FAILED', 'the answer was cut');
    });
    response.on('end', () => {
      if (!response.complete) return;
      try {
        const message = decode(Buffer.concat(parts));
        this.#settle(() => this.#result.resolve(message));
      } catch (thrown) {
        this.#fail('PRINTER_FAILED', `the answer is not understood: ${(thrown as Error).message}`);
      }
    });
  }

  /** From now on the exchange fails when nothing happens for so long. */
  #within(ms: number, why: string, document?: IppDocument): void {
    this.#cancelTimer();
    if (this.#isSettled) return;
    this.#cancelTimer = this.#clock.after(ms, () => void this.#late(ms, why, document));
  }

  async #late(ms: number, why: string, document: IppDocument | undefined): Promise<void> {
    const mayStall = (await document?.mayStall?.().catch(() => false)) ?? false;
    if (mayStall) this.#within(ms, why, document);
    else this.#fail('TIMEOUT', why);
  }

  #fail(code: ErrorCode, why: string, mayHaveActed = true): void {
    this.#settle(() => this.#result.reject(new IppFailure(code, why, mayHaveActed)));
  }

  #settle(end: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#cancelTimer();
    end();
  }
}

/** Why an HTTP answer carries no IPP, or null when it does. */
function refusalOf(response: IncomingMessage): string | null {
  switch (response.statusCode ?? 0) {
    case 200:
      break;
    case 401:
    case 403:
      return 'the printer asks for a password, which cannot be given here';
    case 404:
      return 'there is no printer at this address';
    case 426:
      return 'the printer wants an encrypted connection: its address begins with ipps://';
    default:
      return `the printer answered with HTTP status ${response.statusCode}`;
  }
  const type = response.headers['content-type'] ?? '';
  return /^application\/ipp\s*(;|$)/i.test(type)
    ? null
    : 'this is no printer: it answered with something else than IPP';
}

function hostOf(place: IppPlace): string {
  if (place.type === 'socket') return 'localhost';
  return `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'connection lost';
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 200);
}
