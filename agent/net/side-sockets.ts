/**
 * The connections beside a link: pieces and streams, opened by this side or by the peer.
 *
 * Who asks dials. Where the peer's firewall lets nobody in, it is asked over the link to dial instead, with a
 * token that is good once, for that peer and for ten seconds; the roles stay as if the asker had dialled.
 * Which way worked is remembered. Every such connection ends with the peer's session. SPEC.md, "Connections".
 */
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { WebSocket } from 'ws';
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import { PotluckError, toPotluckError } from '../../protocol/errors.js';
import { hex, type PeerId } from '../../protocol/ids.js';
import {
  DIAL_BACKS_PER_PEER_MAX_COUNT,
  DIAL_MAX_COUNT,
  PIECES_SOCKETS_PER_PEER_MAX_COUNT,
  STREAMS_PER_PEER_MAX_COUNT,
} from '../../protocol/limits.js';
import { type Address, DialBack } from '../../protocol/peer/info.js';
import type { PeerCall } from '../../protocol/peer/messages.js';
import type { StreamOpen } from '../../protocol/peer/stream-open.js';
import type { ByteStream } from './byte-stream.js';
import { dial, type Dialler } from './dial.js';
import { faultFields } from './link.js';
import { type PieceSocket, wrapPieceSocket } from './piece-socket.js';
import type { Incoming } from './server.js';
import { Slots } from './slots.js';
import { askStream, type ServeStream, serveStreamOn } from './stream-opening.js';

export type SideKind = 'pieces' | 'stream';
type Role = 'asked' | 'served';

/** How long TCP may take to an address that never answered us: a firewall that drops is the likely reason. */
const UNTRIED_TCP_MAX_MS = 2000;
const MAX_COUNT: Readonly<Record<SideKind, number>> = {
  pieces: PIECES_SOCKETS_PER_PEER_MAX_COUNT,
  stream: STREAMS_PER_PEER_MAX_COUNT,
};

export interface SideSocketsOptions {
  readonly dialler: Dialler;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the peer is reached now; null when it is not linked or its port is not known. */
  readonly addressOf: (peer: PeerId) => Address | null;
  readonly call: PeerCall;
  /** Answers pieces that a peer asks for, until the socket is closed. */
  readonly servePieces: (peer: PeerId, socket: PieceSocket) => void;
  readonly serveStream: ServeStream;
}

/** A request of ours to be dialled back. */
interface AskedBack {
  readonly kind: SideKind;
  arrived(webSocket: WebSocket): void;
}

/** One of the connections that a peer may have; without a socket while it is being opened. */
interface Place {
  readonly kind: SideKind;
  readonly role: Role;
  webSocket: WebSocket | null;
}

interface Side {
  readonly places: Set<Place>;
  readonly handshakes: Slots;
  readonly askedBack: Map<string, AskedBack>;
}

export class SideSockets {
  readonly #options: SideSocketsOptions;
  readonly #sides = new Map<PeerId, Side>();
  /** The way in which a connection came about last; kept over the sessions of a peer. */
  readonly #ways = new Map<PeerId, 'dial' | 'back'>();

  constructor(options: SideSocketsOptions) {
    this.#options = options;
  }

  /**
   * @param signal  ends the opening, not the socket
   * @throws PotluckError PEER_OFFLINE, PEER_UNREACHABLE, BUSY, CANCELLED
   */
  async openPieces(peer: PeerId, signal: AbortSignal): Promise<PieceSocket> {
    return wrapPieceSocket(await this.#open(peer, 'pieces', signal));
  }

  /**
   * @param signal  ends the opening, not the stream
   * @throws PotluckError what the peer says against it; PEER_OFFLINE, PEER_UNREACHABLE, BUSY, TIMEOUT, CANCELLED
   */
  async openStream(peer: PeerId, open: StreamOpen, signal: AbortSignal): Promise<ByteStream> {
    const webSocket = await this.#open(peer, 'stream', signal);
    return askStream({ clock: this.#options.clock, limits: this.#options.dialler.limits }, webSocket, open, signal);
  }

  /** Takes a connection that a member opened: one that it asks on, or one that this side asked to be dialled back. */
  take({ peer, webSocket, purpose }: Incoming): void {
    const kind = purpose.kind as SideKind;
    const side = this.#sideOf(peer);
    const asked = purpose.back === null ? undefined : side.askedBack.get(purpose.back);
    if (purpose.back !== null) {
      if (asked?.kind !== kind) return webSocket.terminate();
      return asked.arrived(webSocket);
    }
    // One more than an agent opens: it is told nothing, its own limit says the same.
    if (!hasRoom(side, kind, 'served')) return webSocket.terminate();
    const place = reserve(side, kind, 'served');
    occupy(side, place, webSocket);
    this.#serve(peer, place);
  }

  /**
   * Answers `dial.back`: opens the connection to the asker and serves it.
   * @throws PotluckError BAD_MESSAGE, BUSY, PEER_UNREACHABLE, CANCELLED
   */
  async dialBack(peer: PeerId, body: unknown, signal: AbortSignal): Promise<object> {
    const read = v.safeParse(DialBack, body);
    if (!read.success) throw new PotluckError('BAD_MESSAGE', 'the request cannot be read');
    const { kind, token } = read.output;
    const side = this.#sideOf(peer);
    const place = reserve(side, kind, 'served');
    await this.#fill(peer, side, place, signal, () => this.#dial(peer, kind, token, signal));
    this.#serve(peer, place);
    return {};
  }

  /** Ends every connection with the peer, also those that are just being opened. */
  drop(peer: PeerId): void {
    const side = this.#sides.get(peer);
    this.#sides.delete(peer);
    for (const { webSocket } of side?.places ?? []) webSocket?.terminate();
  }

  close(): void {
    for (const peer of this.#sides.keys()) this.drop(peer);
  }

  #serve(peer: PeerId, { kind, webSocket }: Place): void {
    if (webSocket === null) return;
    const { clock, log, dialler, servePieces, serveStream } = this.#options;
    try {
      if (kind === 'pieces') servePieces(peer, wrapPieceSocket(webSocket));
      else serveStreamOn({ clock, limits: dialler.limits }, webSocket, peer, serveStream);
    } catch (thrown) {
      webSocket.terminate();
      log.error('serve.fault', faultFields(thrown));
    }
  }

  async #open(peer: PeerId, kind: SideKind, signal: AbortSignal): Promise<WebSocket> {
    const side = this.#sideOf(peer);
    const place = reserve(side, kind, 'asked');
    return this.#fill(peer, side, place, signal, () => this.#openEitherWay(peer, side, kind, signal));
  }

  /** Opens the connection of a place, few at once; the place is free again when that fails or the connection ends. */
  async #fill(
    peer: PeerId,
    side: Side,
    place: Place,
    signal: AbortSignal,
    open: () => Promise<WebSocket>,
  ): Promise<WebSocket> {
    let release: (() => void) | null = null;
    try {
      release = await side.handshakes.take(signal);
      const webSocket = await open();
      // Meanwhile the peer may have gone, or have been removed: then nobody else would end this connection.
      if (this.#sides.get(peer) !== side || webSocket.readyState !== webSocket.OPEN) {
        webSocket.terminate();
        throw new PotluckError('PEER_OFFLINE', 'the coworker went offline');
      }
      occupy(side, place, webSocket);
      return webSocket;
    } catch (thrown) {
      side.places.delete(place);
      throw toPotluckError(thrown);
    } finally {
      release?.();
    }
  }

  async #openEitherWay(peer: PeerId, side: Side, kind: SideKind, signal: AbortSignal): Promise<WebSocket> {
    const byDial = async (): Promise<WebSocket> => {
      const webSocket = await this.#dial(
        peer,
        kind,
        null,
        signal,
        this.#ways.get(peer) === 'dial' ? undefined : UNTRIED_TCP_MAX_MS,
      );
      this.#ways.set(peer, 'dial');
      return webSocket;
    };
    const byBack = async (): Promise<WebSocket> => {
      const webSocket = await this.#askBack(peer, side, kind, signal);
      this.#ways.set(peer, 'back');
      return webSocket;
    };
    const [first, second] = this.#ways.get(peer) === 'back' ? [byBack, byDial] : [byDial, byBack];
    try {
      return await first();
    } catch (thrown) {
      const { code } = toPotluckError(thrown);
      if (signal.aborted || (code !== 'PEER_UNREACHABLE' && code !== 'TIMEOUT')) throw thrown;
      return second();
    }
  }

  async #dial(
    peer: PeerId,
    kind: SideKind,
    back: string | null,
    signal: AbortSignal,
    tcpMs?: number,
  ): Promise<WebSocket> {
    const { dialler, addressOf } = this.#options;
    const address = addressOf(peer);
    if (address === null) throw new PotluckError('PEER_UNREACHABLE', 'the address of the coworker is not known');
    const admit = (id: PeerId): void => {
      if (id !== peer) throw new PotluckError('PEER_UNREACHABLE', 'another PC answers at the address of the coworker');
    };
    const options = { address, purpose: { kind, back }, admit, ...(tcpMs === undefined ? {} : { tcpMs }) };
    return (await dial(dialler, options, signal)).webSocket;
  }

  /** Resolves with the connection that the peer dials; it was asked over the link. */
  async #askBack(peer: PeerId, side: Side, kind: SideKind, signal: AbortSignal): Promise<WebSocket> {
    if (side.askedBack.size >= DIAL_BACKS_PER_PEER_MAX_COUNT) {
      throw new PotluckError('BUSY', 'too many connections to this coworker are being opened');
    }
    const { clock, dialler, call } = this.#options;
    const token = hex(randomBytes(16));
    const late = new AbortController();
    const asking = AbortSignal.any([signal, late.signal]);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancelTimer();
        asking.removeEventListener('abort', stop);
        side.askedBack.delete(token);
      };
      const fail = (error: unknown): void => {
        settle();
        reject(toPotluckError(error));
      };
      const stop = (): void => fail(asking.reason);
      const cancelTimer = clock.after(dialler.limits.dialBackMs, () =>
        late.abort(new PotluckError('PEER_UNREACHABLE', 'no connection to the coworker in either direction')),
      );
      asking.addEventListener('abort', stop, { once: true });
      side.askedBack.set(token, {
        kind,
        // The answer is still under way then; it is not withdrawn, or the peer would close what it has opened.
        arrived: (webSocket) => {
          settle();
          resolve(webSocket);
        },
      });
      call(peer, 'dial.back', { kind, token }, asking).catch(fail);
    });
  }

  #sideOf(peer: PeerId): Side {
    const known = this.#sides.get(peer);
    if (known !== undefined) return known;
    const side: Side = { places: new Set(), handshakes: new Slots(DIAL_MAX_COUNT), askedBack: new Map() };
    this.#sides.set(peer, side);
    return side;
  }
}

function hasRoom(side: Side, kind: SideKind, role: Role): boolean {
  let count = 0;
  for (const place of side.places) if (place.kind === kind && place.role === role) count += 1;
  return count < MAX_COUNT[kind];
}

/** @throws PotluckError BUSY */
function reserve(side: Side, kind: SideKind, role: Role): Place {
  if (!hasRoom(side, kind, role)) {
    throw new PotluckError('BUSY', 'too many connections to this coworker are open');
  }
  const place: Place = { kind, role, webSocket: null };
  side.places.add(place);
  return place;
}

function occupy(side: Side, place: Place, webSocket: WebSocket): void {
  place.webSocket = webSocket;
  webSocket.once('close', () => side.places.delete(place));
}
