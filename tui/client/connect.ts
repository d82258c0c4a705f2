/**
 * A proven connection to this user's agent.
 *
 * Who runs the program behind a socket or pipe is not known from its name, so the token is proved both ways
 * before anything is sent, and what belongs to another user is not even tried. SPEC.md, "Local API".
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { PotluckError } from '../../protocol/errors.js';
import { LOCAL_PROOF_MAX_MS } from '../../protocol/limits.js';
import type { LocalPaths } from '../../protocol/local/paths.js';
import {
  clientProof,
  GREETING_BYTES,
  isServerProof,
  readGreeting,
  readToken,
  SERVER_PROOF_BYTES,
} from '../../protocol/local/proof.js';
import { KEY_BYTES } from '../../protocol/mac.js';

/** No place, or nobody behind it: the next place is looked at. */
const NOBODY = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED']);
const DENIED = new Set(['EACCES', 'EPERM']);

/**
 * Connects and proves. A token that was renewed meanwhile (the agent has just started again) is read once more.
 * @throws PotluckError NO_AGENT: none runs; NOT_ALLOWED: it is another user's; TIMEOUT: it does not answer
 */
export async function connectAgent(paths: LocalPaths, signal: AbortSignal): Promise<Socket> {
  const token = tokenOf(paths);
  try {
    return await connectWith(token, paths, signal);
  } catch (thrown) {
    const newer = tokenOf(paths);
    if (!(thrown instanceof PotluckError) || thrown.code !== 'NOT_ALLOWED' || newer.equals(token)) throw thrown;
    return connectWith(newer, paths, signal);
  }
}

export function noAgent(why: string, cause?: unknown): PotluckError {
  return new PotluckError('NO_AGENT', why, {
    hint: 'potluck agent, or once and for all: potluck service install',
    cause,
  });
}

async function connectWith(token: Uint8Array, paths: LocalPaths, signal: AbortSignal): Promise<Socket> {
  for (const { socket: at } of paths.places) {
    if (!at.startsWith('\\\\')) checkOwner(at);
    const socket = await open(at, signal);
    if (socket === null) continue;
    await prove(socket, token, signal);
    return socket;
  }
  throw noAgent('no agent is running on this PC');
}

function tokenOf(paths: LocalPaths): Buffer {
  checkOwner(paths.token);
  let text: string;
  try {
    text = readFileSync(paths.token, 'utf8');
  } catch (thrown) {
    throw fileProblem(thrown, paths.token);
  }
  const token = readToken(text);
  if (token === null) throw new PotluckError('UNSAFE_FILES', `${paths.token} does not hold a token`);
  return Buffer.from(token);
}

/** @throws PotluckError NOT_ALLOWED when the file is there and another user's; a missing one is found out later */
function checkOwner(file: string): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  try {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found !== undefined && found.uid !== uid) throw othersAgent(file);
  } catch (thrown) {
    if (thrown instanceof PotluckError) throw thrown;
    throw fileProblem(thrown, file);
  }
}

function fileProblem(thrown: unknown, file: string): PotluckError {
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  if (NOBODY.has(code)) return noAgent('no agent is running on this PC', thrown);
  if (DENIED.has(code)) return othersAgent(file);
  return new PotluckError('FAILED', `${file} cannot be read (${code})`, { cause: thrown });
}

function othersAgent(file: string): PotluckError {
  return new PotluckError('NOT_ALLOWED', `the agent at ${file} belongs to another user`);
}

/** @returns null when nobody listens there */
function open(at: string, signal: AbortSignal): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect(at);
    const settle = (act: () => void) => (): void => {
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners('error').removeAllListeners('connect');
      act();
    };
    const stop = settle(() => {
      socket.destroy();
      reject(signal.reason as Error);
    });
    signal.addEventListener('abort', stop, { once: true });
    socket.once(
      'connect',
      settle(() => resolve(socket)),
    );
    socket.once('error', (thrown: NodeJS.ErrnoException) => {
      const code = thrown.code ?? '';
      settle(() => (NOBODY.has(code) ? resolve(null) : reject(fileProblem(thrown, at))))();
    });
  });
}

/** Leaves the socket with no listener of ours, or destroyed. */
function prove(socket: Socket, token: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = randomBytes(KEY_BYTES);
    let server: Uint8Array | null = null;
    let received = Buffer.alloc(0);
    const timer = setTimeout(() => fail('TIMEOUT', 'the agent does not answer'), LOCAL_PROOF_MAX_MS);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.removeListener('data', take).removeListener('error', ended).removeListener('close', ended);
    };
    const fail = (code: 'TIMEOUT' | 'NOT_ALLOWED', why: string): void => {
      settle();
      socket.on('error', () => undefined).destroy();
      reject(new PotluckError(code, why));
    };
    const stop = (): void => {
      settle();
      socket.on('error', () => undefined).destroy();
      reject(signal.reason as Error);
    };
    const ended = (): void => fail('NOT_ALLOWED', 'the agent refused this program: it did not know the token');
    const take = (data: Buffer): void => {
      received = Buffer.concat([received, data]);
      if (server === null && received.length >= GREETING_BYTES) {
        server = readGreeting(received.subarray(0, GREETING_BYTES));
        received = received.subarray(GREETING_BYTES);
        if (server === null) return fail('NOT_ALLOWED', 'what answers is not a Potluck agent');
        socket.write(clientProof(token, server, client));
      }
      if (server === null || received.length < SERVER_PROOF_BYTES) return undefined;
      if (!isServerProof(token, { server, client }, received)) {
        return fail('NOT_ALLOWED', "what answers could not prove that it is this user's agent");
      }
      settle();
      // Left flowing: the agent says nothing before it is asked, and whoever asks listens first.
      return resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.on('data', take).once('error', ended).once('close', ended);
  });
}
