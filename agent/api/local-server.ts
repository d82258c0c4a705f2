/**
 * The door of this user's own clients, CLI and terminal UI: HTTP over a Unix socket or a named pipe.
 *
 * A connection first proves the token both ways; until it has, not one byte is parsed. What may be asked is
 * a table of handlers that is handed down, so this file knows no feature. SPEC.md, "Local API".
 */
import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import {
  LOCAL_CALL_MAX_MS,
  LOCAL_CONNECTIONS_MAX_COUNT,
  LOCAL_HEADERS_MAX_BYTES,
  LOCAL_IDLE_MAX_MS,
  LOCAL_PROOF_MAX_MS,
  LOCAL_UNPROVED_MAX_COUNT,
} from '../../protocol/limits.js';
import type { LocalPaths } from '../../protocol/local/paths.js';
import { answerClientProof, CLIENT_PROOF_BYTES, greeting } from '../../protocol/local/proof.js';
import { KEY_BYTES } from '../../protocol/mac.js';
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import { listenLocally } from '../platform/local-socket.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import { renewToken } from '../platform/token.js';
import { LocalCalls, type LocalHandlers } from './local-calls.js';
import { Watchers } from './local-watch.js';

export interface LocalServerOptions {
  readonly paths: LocalPaths;
  readonly board: Board;
  readonly handlers: LocalHandlers;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LocalServer extends Closable {
  /** Path of the socket, or name of the pipe. */
  readonly address: string;
}

/**
 * Writes a new token and listens.
 * @throws PotluckError AGENT_RUNNING, UNSAFE_FILES, FAILED: see listenLocally
 */
export async function openLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const token = await renewToken(options.paths.token);
  const door = new Door(token, options);
  const address = await door.listen(options.paths);
  return { address, close: () => door.close() };
}

class Door {
  readonly #token: Uint8Array;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #calls: LocalCalls;
  readonly #watchers: Watchers;
  readonly #http: HttpServer;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #unproved = 0;
  #closed: Promise<void> | null = null;

  constructor(token: Uint8Array, { board, handlers, clock, log }: LocalServerOptions) {
    this.#token = token;
    this.#clock = clock;
    this.#log = log;
    this.#calls = new LocalCalls(handlers, clock, log);
    this.#watchers = new Watchers(board, clock);
    this.#http = createHttpServer({
      maxHeaderSize: LOCAL_HEADERS_MAX_BYTES,
      keepAliveTimeout: LOCAL_IDLE_MAX_MS,
      noDelay: true,
    });
    // Longer than any call: nothing comes on the connection while one is worked on.
    this.#http.timeout = LOCAL_CALL_MAX_MS;
    this.#http.on('request', (request, response) => {
      if (request.url?.startsWith('/v1/watch') === true) this.#watchers.answer(request, response);
      else this.#calls.answer(request, response);
    });
    this.#http.on('clientError', (_thrown, socket) => socket.destroy());
    this.#http.on('upgrade', (_request, socket) => socket.destroy());
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(paths: LocalPaths): Promise<string> {
    const address = await listenLocally(this.#server, paths);
    this.#server.on('error', () => this.#log.error('local.listener'));
    return address;
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#watchers.close();
    // Who has asked gets an answer, if only that the agent stops.
    await this.#calls.close();
    for (const socket of this.#sockets) socket.destroySoon();
    await closed;
  }

  #accept(socket: Socket): void {
    // A client that is killed resets; 'close' follows and is what counts.
    socket.on('error', () => undefined);
    const full = this.#sockets.size >= LOCAL_CONNECTIONS_MAX_COUNT || this.#unproved >= LOCAL_UNPROVED_MAX_COUNT;
    if (full || this.#closed !== null) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#prove(socket);
  }

  /** Waits for the client's proof, answers with ours, and only then lets the parser see the connection. */
  #prove(socket: Socket): void {
    const nonce = randomBytes(KEY_BYTES);
    const received: Buffer[] = [];
    let length = 0;
    this.#unproved += 1;
    const refuse = (): void => void socket.destroy();
    const cancelDeadline = this.#clock.after(LOCAL_PROOF_MAX_MS, refuse);
    const settle = (): void => {
      this.#unproved -= 1;
      cancelDeadline();
      socket.removeListener('data', take);
      socket.removeListener('close', settle);
    };
    const take = (data: Buffer): void => {
      received.push(data);
      length += data.length;
      if (length < CLIENT_PROOF_BYTES) return;
      // A client says nothing more before it has seen our proof.
      const proof =
        length === CLIENT_PROOF_BYTES ? answerClientProof(this.#token, nonce, Buffer.concat(received)) : null;
      if (proof === null) {
        refuse();
        return;
      }
      settle();
      socket.write(proof);
      this.#http.emit('connection', socket);
    };
    socket.once('close', settle).on('data', take);
    socket.write(greeting(nonce));
  }
}
