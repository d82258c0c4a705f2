/**
 * The one TCP port on which coworkers reach this agent.
 *
 * A connection passes, in this order: the address, the number of unproved ones, TLS with both certificates,
 * the roster, the 36-byte proof, and only then the HTTP parser and the WebSocket; each step has its limit in
 * time and nothing is answered to whoever fails one. The raw socket is counted and given an error listener
 * before anything else looks at it. SPEC.md, "Connections".
 */
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer, isIPv4, type Server as TcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { type Clock, withDeadline } from '../platform/clock.js';
import { plainAddress } from '../platform/interfaces.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdShort } from '../../protocol/ids.js';
import { PROBATION_MAX_COUNT, UPGRADE_HEADERS_MAX_BYTES } from '../../protocol/limits.js';
import { ALPN_JOIN } from '../../protocol/version.js';
import type { NetLimits } from './net-limits.js';
import { answerPreface } from './preface.js';
import { type Handshake, readHandshake, serverTlsOptions, type TlsIdentity } from './tls.js';
import { Turns } from './turns.js';
import { UnprovedSockets } from './unproved.js';
import { type Purpose, Upgrader } from './web-socket.js';

/** Where an agent listens unless told: the first that is free. Below the ports that systems give to dialling programs. */
export const DEFAULT_PORTS: readonly number[] = Array.from({ length: 10 }, (_, at) => 27_685 + at);

/** A peer that has proved itself on a connection it dialled. */
export interface Incoming {
  readonly peer: PeerId;
  readonly webSocket: WebSocket;
  readonly purpose: Purpose;
  /** The peer's address. */
  readonly host: string;
  /** To be called when the peer turned out to be a member: the turn of an unknown one is free again. */
  readonly settled: () => void;
}

export interface ServerOptions {
  readonly identity: TlsIdentity;
  readonly clock: Clock;
  readonly limits: NetLimits;
  readonly log: Log;
  /** The workgroup's key; null while there is no workgroup. */
  readonly group: () => Uint8Array | null;
  /** May this agent talk with that address at all? */
  readonly isAcceptableRemote: (address: string) => boolean;
  /** Right after TLS: nothing is said to whom is refused. */
  readonly admission: (peer: PeerId) => 'member' | 'unknown' | 'refused';
  readonly isJoinOpen: () => boolean;
  readonly onOpen: (incoming: Incoming) => void;
  /** Owns the socket from here on; the place of an unproved connection is held until it ends. */
  readonly onJoin: (socket: TLSSocket, handshake: Handshake, host: string) => void;
}

export interface ListenOptions {
  /** Tried in this order: DEFAULT_PORTS, the one that is remembered before them, or only what a person asked for. */
  readonly ports: readonly number[];
  /** Listen at this address only; null for all. */
  readonly host: string | null;
}

/** What is known of a socket between the proof and the WebSocket. */
interface Proved {
  readonly peer: PeerId;
  readonly host: string;
  readonly settled: () => void;
  /** Calls off the end that comes when no upgrade does. */
  readonly onTime: () => void;
}

export class Server implements Closable {
  readonly #options: ServerOptions;
  readonly #tcp: TcpServer;
  readonly #tls: TlsServer;
  readonly #http: HttpServer;
  readonly #upgrader = new Upgrader();
  readonly #unproved = new UnprovedSockets();
  readonly #probations: Turns;
  /** Every TCP socket that is open, so that closing leaves none. */
  readonly #sockets = new Set<Socket>();
  /** What frees the place of an unproved socket, by remote address and port. */
  readonly #places = new Map<string, () => void>();
  readonly #proved = new WeakMap<object, Proved>();
  readonly #abort = new AbortController();

  private constructor(options: ServerOptions) {
    this.#options = options;
    const { limits, clock } = options;
    this.#probations = new Turns({ clock, atOnceMax: PROBATION_MAX_COUNT, intervalMs: limits.probationIntervalMs });
    this.#tls = createTlsServer(serverTlsOptions(options.identity, limits.tlsMs, options.isJoinOpen));
    this.#tls.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#tls.on('secureConnection', (socket) => void this.#secured(socket));
    this.#http = this.#makeHttp();
    this.#tcp = createTcpServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** @throws PotluckError FAILED: no port could be had */
  static async open(options: ServerOptions, listen: ListenOptions): Promise<Server> {
    const server = new Server(options);
    for (const port of listen.ports) if (await server.#listen(port, listen.host)) return server;
    throw new PotluckError('FAILED', `cannot listen: port ${listen.ports.join(', ')} is taken`, {
      hint: 'potluck agent --port PORT',
    });
  }

  get port(): number {
    const address = this.#tcp.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  /** Stops listening and ends every connection that came in, proved or not. */
  async close(): Promise<void> {
    this.#abort.abort();
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#tcp.listening) return;
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
  }

  /** @returns false when the port is taken */
  #listen(port: number, host: string | null): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        const isTaken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
        if (isTaken) resolve(false);
        else reject(new PotluckError('FAILED', `cannot listen: ${error.code ?? 'unknown'}`, { cause: error }));
      };
      this.#tcp.once('error', fail);
      this.#tcp.listen({ port, ...(host === null ? {} : { host }) }, () => {
        this.#tcp.off('error', fail);
        // Too many open files, for example: the connection is lost, the agent goes on.
        this.#tcp.on('error', (error) => this.#options.log.warn('listen.error', { error: error.name }));
        resolve(true);
      });
    });
  }

  #makeHttp(): HttpServer {
    const http = createHttpServer({ maxHeaderSize: UPGRADE_HEADERS_MAX_BYTES });
    http.on('request', (request) => request.socket.destroy());
    http.on('clientError', (_error, socket) => socket.destroy());
    http.on('upgrade', (request, socket, head) => {
      const proved = this.#proved.get(socket);
      if (proved === undefined) {
        socket.destroy();
        return;
      }
      const { peer, host, settled, onTime } = proved;
      onTime();
      this.#upgrader.upgrade(request, socket as TLSSocket, head, (webSocket, purpose) =>
        this.#options.onOpen({ peer, webSocket, purpose, host, settled }),
      );
    });
    return http;
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    const address = socket.remoteAddress ?? '';
    const leave = this.#options.isAcceptableRemote(address) ? this.#unproved.enter(address) : null;
    if (leave === null) return void socket.destroy();
    const key = placeOf(socket);
    this.#sockets.add(socket);
    this.#places.set(key, leave);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#places.delete(key);
      leave();
    });
    this.#tls.emit('connection', socket);
  }

  /** Everything between TLS and HTTP. Ends the socket on any failure and never rejects. */
  async #secured(socket: TLSSocket): Promise<void> {
    socket.on('error', () => undefined);
    const host = dialableHost(socket.remoteAddress ?? '');
    try {
      const handshake = readHandshake(socket);
      if (handshake.alpn === ALPN_JOIN) this.#options.onJoin(socket, handshake, host);
      else await this.#prove(socket, handshake, host);
    } catch (thrown) {
      socket.destroy();
      this.#options.log.debug('connection.refused', { error: toPotluckError(thrown).code });
    }
  }

  async #prove(socket: TLSSocket, { id, exporter }: Handshake, host: string): Promise<void> {
    const { limits, log } = this.#options;
    const group = this.#options.group();
    const admission = id === this.#options.identity.id ? 'refused' : this.#options.admission(id);
    if (admission === 'refused' || group === null) {
      socket.destroy();
      log.debug('peer.refused', { peer: peerIdShort(id) });
      return;
    }
    const ends = { exporter, client: id, server: this.#options.identity.id };
    await withDeadline(limits.prefaceMs, this.#abort.signal, (signal) => answerPreface(socket, group, ends, signal));
    const settled = admission === 'unknown' ? await this.#probation(socket) : () => undefined;
    this.#places.get(placeOf(socket))?.();
    const onTime = this.#options.clock.after(limits.upgradeMs, () => socket.destroy());
    socket.once('close', onTime);
    this.#proved.set(socket, { peer: id, host, settled, onTime });
    this.#http.emit('connection', socket);
  }

  /**
   * A peer that the roster does not know takes turns with others like it.
   * @returns what ends the turn; the end of the connection does so as well
   */
  async #probation(socket: TLSSocket): Promise<() => void> {
    const end = await this.#probations.take(socket.remoteAddress ?? '', this.#abort.signal);
    if (end === null) throw new PotluckError('BUSY', 'too many unknown peers at once');
    socket.once('close', end);
    if (socket.destroyed) end();
    return end;
  }
}

/** A remote address in a form that can be dialled: an IPv6 link-local one keeps its zone. */
function dialableHost(remoteAddress: string): string {
  const plain = plainAddress(remoteAddress);
  return isIPv4(plain) ? plain : remoteAddress;
}

function placeOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ''}|${socket.remotePort ?? 0}`;
}
