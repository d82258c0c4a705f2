/**
 * `POST /v1/<method>`: reads the body within its bounds, checks it with the method's schema, calls the
 * handler and writes its answer. A client that goes away aborts what it asked for.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { ERROR_CODES, PotluckError, toPotluckError, type WireError } from '../../protocol/errors.js';
import { parseBoundedJson } from '../../protocol/json.js';
import { CLOSE_MAX_MS, LOCAL_BODY_MAX_BYTES, LOCAL_REQUEST_MAX_MS } from '../../protocol/limits.js';
import { LOCAL_METHODS, type LocalAnswer, type LocalMethod, type LocalRequest } from '../../protocol/local/api.js';
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';

/** What each method does. `signal` aborts when the client goes away or the agent closes. */
export type LocalHandlers = {
  readonly [M in LocalMethod]: (input: LocalRequest<M>, signal: AbortSignal) => Promise<LocalAnswer<M>>;
};

const STATUS_OF_EXIT = { 1: 500, 2: 400, 3: 503, 4: 404, 5: 403, 6: 504, 7: 409, 8: 500, 9: 507 } as const;
/** What calls that were aborted get to come to their end, of the time an agent has to close. */
const SETTLE_MAX_MS = CLOSE_MAX_MS / 2;
/** Frames of a stack that go into the log; its first line is left out, because it holds the message. */
const LOGGED_FRAMES_COUNT = 6;

export class LocalCalls implements Closable {
  readonly #handlers: LocalHandlers;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #running = new Map<AbortController, Promise<void>>();

  constructor(handlers: LocalHandlers, clock: Clock, log: Log) {
    this.#handlers = handlers;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves when every call has ended, or when those that do not obey have had their time. */
  async close(): Promise<void> {
    for (const abort of this.#running.keys()) abort.abort(new PotluckError('CANCELLED', 'the agent stops'));
    const limit = new AbortController();
    const late = this.#clock.sleep(SETTLE_MAX_MS, limit.signal).catch(() => undefined);
    await Promise.race([Promise.all(this.#running.values()), late]);
    limit.abort();
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const abort = new AbortController();
    // A client that is killed resets; 'close' follows and is what counts.
    response.on('error', () => undefined);
    response.once('close', () => {
      if (!response.writableFinished) abort.abort(new PotluckError('CANCELLED', 'the client went away'));
    });
    const running = this.#answer(request, response, abort.signal).finally(() => this.#running.delete(abort));
    this.#running.set(abort, running);
  }

  /** Never rejects. */
  async #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    let method = '';
    try {
      method = methodOf(request);
      const body = await readBody(request, this.#clock);
      const output = await this.#call(method as LocalMethod, body, signal);
      reply(response, 200, { ok: output });
    } catch (thrown) {
      // Nobody is there to be told; what the handler threw is its answer to being aborted.
      if (response.socket?.destroyed !== false) return;
      const error = toPotluckError(thrown);
      if (error.code === 'INTERNAL') this.#report(method, thrown);
      const closing = !request.complete;
      reply(response, STATUS_OF_EXIT[ERROR_CODES[error.code].exit], { error: wire(error) }, closing);
    }
  }

  async #call<M extends LocalMethod>(method: M, body: unknown, signal: AbortSignal): Promise<LocalAnswer<M>> {
    const input = v.safeParse(LOCAL_METHODS[method].input, body);
    if (!input.success) throw new PotluckError('USAGE', `${method}: ${problemOf(input.issues)}`);
    const handler: LocalHandlers[M] = this.#handlers[method];
    return handler(input.output, signal);
  }

  /** A fault of ours: where it happened, and nothing of what its message may quote. */
  #report(method: string, thrown: unknown): void {
    const cause = thrown instanceof PotluckError ? thrown.cause : thrown;
    const error = cause instanceof Error ? cause : thrown instanceof Error ? thrown : new Error('not an Error');
    const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
    this.#log.error('local.failed', {
      method,
      error: error.name,
      system: (error as NodeJS.ErrnoException).code ?? null,
      at: frames.slice(0, LOGGED_FRAMES_COUNT).join(' ').replaceAll(/\s+/g, ' '),
    });
  }
}

/** @throws PotluckError UNSUPPORTED, BAD_MESSAGE */
function methodOf(request: IncomingMessage): LocalMethod {
  const name = /^\/v1\/([a-z.]{1,64})$/.exec(request.url ?? '')?.[1] ?? '';
  if (request.method !== 'POST' || !Object.hasOwn(LOCAL_METHODS, name)) {
    throw new PotluckError('UNSUPPORTED', 'this agent knows no such method', {
      hint: 'the agent that runs may be older than this program: start it again',
    });
  }
  if (!/^application\/json(;|$)/.test(request.headers['content-type'] ?? '')) {
    throw new PotluckError('BAD_MESSAGE', 'the body must be application/json');
  }
  return name as LocalMethod;
}

async function readBody(request: IncomingMessage, clock: Clock): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > LOCAL_BODY_MAX_BYTES) throw tooLarge();
  const parts: Buffer[] = [];
  let length = 0;
  const cancelDeadline = clock.after(LOCAL_REQUEST_MAX_MS, () => request.destroy());
  try {
    // Not destroyed when it is left early: what was wrong with it can still be answered.
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > LOCAL_BODY_MAX_BYTES) throw tooLarge();
      parts.push(part);
    }
  } finally {
    cancelDeadline();
  }
  return parseBoundedJson(Buffer.concat(parts).toString('utf8'));
}

function tooLarge(): PotluckError {
  return new PotluckError('TOO_LARGE', `a request may have ${LOCAL_BODY_MAX_BYTES} bytes`);
}

function problemOf(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues;
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

/** The fault itself stays in the log; the person is sent there. */
function wire(error: PotluckError): WireError {
  return error.code === 'INTERNAL' ? { ...error.toWire(), hint: error.hint ?? 'potluck log' } : error.toWire();
}

function reply(response: ServerResponse, status: number, body: object, closing = false): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    // The rest of a refused body is not read: the connection cannot be used again.
    ...(closing ? { connection: 'close' } : {}),
  });
  response.end(text);
}
