/**
 * What CLI and terminal UI know of the agent: methods to call and one stream of what changes.
 *
 * HTTP comes from `process.getBuiltinModule`: importing node:http as a module also loads what only web
 * clients need, and a CLI verb would start a third later. SPEC.md, "Local API".
 */
import type { Agent, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { isErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import {
  LOCAL_ANSWER_MAX_BYTES,
  LOCAL_CALL_MAX_MS,
  LOCAL_CONNECTIONS_MAX_COUNT,
  LOCAL_REQUEST_MAX_MS,
  WATCH_SILENCE_MAX_MS,
} from '../../protocol/limits.js';
import {
  LOCAL_METHODS,
  type LocalAnswer,
  type LocalInput,
  type LocalMethod,
  LocalReply,
} from '../../protocol/local/api.js';
import { readWatchEvent, type WatchEvent } from '../../protocol/local/events.js';
import type { LocalPaths } from '../../protocol/local/paths.js';
import { connectAgent, noAgent } from './connect.js';

export interface AgentClient {
  /**
   * Asks the agent. Aborting withdraws the question: the agent stops working on it.
   * @throws PotluckError the agent's own error; NO_AGENT, NOT_ALLOWED, TIMEOUT when it cannot be asked; the signal's reason
   */
  call<M extends LocalMethod>(method: M, input: LocalInput<M>, signal: AbortSignal): Promise<LocalAnswer<M>>;
  /**
   * Every table once, then each change, in order; with `after` only what came after that number where the
   * agent still has it. Ends only by an error or by the consumer.
   * @throws PotluckError NO_AGENT when the agent is gone or silent; the signal's reason
   */
  watch(after: number | null, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** Ends the connections that are kept for the next call. */
  close(): void;
}

/** Half of what the agent takes, so that one client cannot shut the others out. */
const CONNECTIONS_MAX_COUNT = LOCAL_CONNECTIONS_MAX_COUNT / 4;
/** Shorter than the agent's own patience, so that a call never meets a connection that is being closed. */
const IDLE_MAX_MS = 30_000;

/** Connects at the first call, not before. */
export function openAgentClient(paths: LocalPaths): AgentClient {
  const connections = openConnections(paths);
  return {
    call: (method, input, signal) => call(connections, method, input, signal),
    watch: (after, signal) => watch(connections, after, signal),
    close: () => connections.destroy(),
  };
}

type Connected = (thrown: Error | null, socket?: Duplex) => void;

/** Node's pool of kept connections, each proved before HTTP is spoken on it. */
function openConnections(paths: LocalPaths): Agent {
  const { Agent: Pool } = process.getBuiltinModule('node:http');
  const pool = new Pool({ keepAlive: true, maxSockets: CONNECTIONS_MAX_COUNT, timeout: IDLE_MAX_MS });
  pool.createConnection = (_options, callback): undefined => {
    void connectFor(paths, callback as unknown as Connected);
  };
  return pool;
}

async function connectFor(paths: LocalPaths, connected: Connected): Promise<void> {
  let socket: Duplex;
  try {
    socket = await connectAgent(paths, AbortSignal.timeout(LOCAL_REQUEST_MAX_MS));
  } catch (thrown) {
    connected(toPotluckError(thrown));
    return;
  }
  connected(null, socket);
}

async function call<M extends LocalMethod>(
  connections: Agent,
  method: M,
  input: LocalInput<M>,
  signal: AbortSignal,
): Promise<LocalAnswer<M>> {
  const limit = new AbortController();
  const late = (): void => limit.abort(new PotluckError('TIMEOUT', `${method}: the agent does not answer`));
  const timer = setTimeout(late, LOCAL_CALL_MAX_MS);
  const reply = v.safeParse(
    LocalReply,
    await ask(connections, method, input, AbortSignal.any([signal, limit.signal])).finally(() => clearTimeout(timer)),
  );
  if (!reply.success) throw otherVersion(method);
  if ('error' in reply.output) {
    const { code, message, hint } = reply.output.error;
    throw new PotluckError(isErrorCode(code) ? code : 'FAILED', message, hint === undefined ? {} : { hint });
  }
  const answer = v.safeParse(LOCAL_METHODS[method].output, reply.output.ok);
  if (!answer.success) throw otherVersion(method);
  return answer.output;
}

async function ask(connections: Agent, method: string, input: unknown, signal: AbortSignal): Promise<unknown> {
  const body = JSON.stringify(input);
  const response = await send(connections, { method: 'POST', path: `/v1/${method}`, body }, signal);
  return readJson(response, signal);
}

async function* watch(connections: Agent, after: number | null, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const path = after === null ? '/v1/watch' : `/v1/watch?after=${after}`;
  const silence = new AbortController();
  const both = AbortSignal.any([signal, silence.signal]);
  const silent = (): void => silence.abort(noAgent('the agent says nothing any more'));
  // It holds up nothing: the connection keeps the process alive, and a consumer may leave without a word.
  let timer = setTimeout(silent, WATCH_SILENCE_MAX_MS).unref();
  try {
    const response = await send(connections, { method: 'GET', path }, both);
    if (response.statusCode !== 200) throw otherVersion('watch');
    for await (const line of linesOf(response)) {
      clearTimeout(timer);
      timer = setTimeout(silent, WATCH_SILENCE_MAX_MS).unref();
      yield eventOf(line);
    }
  } catch (thrown) {
    both.throwIfAborted();
    throw thrown instanceof PotluckError ? thrown : gone(thrown);
  } finally {
    clearTimeout(timer);
    // Also when the consumer leaves: what was sent to it ends the connection.
    silence.abort();
  }
  throw gone();
}

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

function send(connections: Agent, { method, path, body }: Asked, signal: AbortSignal): Promise<IncomingMessage> {
  const { request } = process.getBuiltinModule('node:http');
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // Without a name for TLS, the pool would work one out and first compile what an IPv6 address looks like.
    const where = { host: 'agent', servername: '', agent: connections };
    const asked = request({ method, path, headers, signal, ...where }, resolve);
    asked.on('error', (thrown) => {
      if (signal.aborted) reject(signal.reason as Error);
      else reject(thrown instanceof PotluckError ? thrown : gone(thrown));
    });
    asked.end(body);
  });
}

async function readJson(response: IncomingMessage, signal: AbortSignal): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > LOCAL_ANSWER_MAX_BYTES) throw new PotluckError('TOO_LARGE', 'the agent answers without end');
      parts.push(part);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown instanceof PotluckError ? thrown : gone(thrown);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return null;
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const text of response as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LOCAL_ANSWER_MAX_BYTES) throw new PotluckError('TOO_LARGE', 'the agent sends a line without end');
    yield* lines;
  }
}

function eventOf(line: string): WatchEvent {
  try {
    return readWatchEvent(line);
  } catch {
    throw otherVersion('watch');
  }
}

function gone(cause?: unknown): PotluckError {
  return noAgent('the agent ended while it was asked', cause);
}

function otherVersion(method: string): PotluckError {
  return new PotluckError('UNSUPPORTED', `${method}: the agent that runs is of another version than this program`, {
    hint: 'start the agent again',
  });
}
