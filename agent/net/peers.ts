/**
 * All coworkers: who is online, how they are reached, and the one way to ask, tell and send them something.
 *
 * A peer is online while it has a session. Everything that must not outlive membership (links, requests, pieces,
 * streams) hangs on the session and ends with it, in the moment in which the roster, or this PC's user, says so.
 * SPEC.md, "Connections", "Peer information".
 */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { dialDelayMs } from '../core/dial-policy.js';
import type { Member } from '../core/roster.js';
import type { RememberedPeer } from '../discovery/remembered-peers.js';
import type { Clock } from '../platform/clock.js';
import type { Events } from '../platform/events.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import { PotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdShort } from '../../protocol/ids.js';
import type { Address, PeerInfo } from '../../protocol/peer/info.js';
import type { PeerCall, PeerTell } from '../../protocol/peer/messages.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import type { StreamOpen } from '../../protocol/peer/stream-open.js';
import { safe } from '../../protocol/text.js';
import type { ByteStream } from './byte-stream.js';
import type { Dialler } from './dial.js';
import { addressText, ENDED, type KnownPeer, newKnownPeer, type PeerState, reachedAt } from './known-peer.js';
import type { LinkEnd, LinkRoster } from './link.js';
import { type OwnInfo, PeerNotes, readPeerAddresses, readPeerInfo } from './peer-notes.js';
import type { PieceSocket } from './piece-socket.js';
import { Redial } from './redial.js';
import type { HandleNote, HandleRequest } from './requests.js';
import type { Incoming } from './server.js';
import type { Session } from './session.js';
import { Sessions } from './sessions.js';
import { SideSockets } from './side-sockets.js';
import type { ServeStream } from './stream-opening.js';
import { resolveTypedAddress } from './typed-address.js';

/** A session that was over in less than this tells of trouble: the next one is not tried at once. */
const SHORT_SESSION_MS = 10_000;
/** After a goodbye the PC is most likely off. */
const GOODBYE_DELAY_MS = 5000;
/** How long a leaving PC waits for the others to have read that it leaves. */
const SPREAD_MAX_MS = 1000;

/** What this floor needs of the workgroup. */
export interface NetMembership extends LinkRoster {
  /** The group key; null while this PC is in no workgroup. */
  readonly group: Uint8Array | null;
  /** Everybody, this PC too. */
  members(): readonly Member[];
}

export interface PeersOptions {
  readonly dialler: Dialler;
  readonly membership: NetMembership;
  readonly events: Events;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  readonly ownName: () => string;
  readonly isAcceptableRemote: (address: string) => boolean;
  /** Members that this PC has nothing to do with. */
  readonly blocked: () => readonly PeerId[];
  readonly remembered: readonly RememberedPeer[];
  /** What this PC tells that peer about itself. */
  readonly info: (peer: PeerId) => OwnInfo;
  readonly handle: HandleRequest;
  /** `peer.info` and `peer.addresses` do not come here. */
  readonly note: HandleNote;
  readonly servePieces: (peer: PeerId, socket: PieceSocket) => void;
  readonly serveStream: ServeStream;
}

export class Peers implements Closable {
  readonly #options: PeersOptions;
  readonly #peers = new Map<PeerId, KnownPeer>();
  readonly #sessions: Sessions;
  readonly #redial: Redial;
  readonly #side: SideSockets;
  readonly #notes: PeerNotes;
  readonly #unsubscribe: () => void;
  #group: Uint8Array | null;
  #digest: string;

  constructor(options: PeersOptions) {
    this.#options = options;
    const { dialler, membership, clock, log, events } = options;
    this.#sessions = new Sessions({
      id: dialler.id,
      limits: dialler.limits,
      clock,
      log,
      roster: {
        status: (id) => (options.blocked().includes(id) ? 'removed' : membership.status(id)),
        digest: () => membership.digest(),
        pages: () => membership.pages(),
        merge: (records) => membership.merge(records),
      },
      ownName: options.ownName,
      handle: (peer, method, body, signal, progress) =>
        method === 'dial.back'
          ? this.#side.dialBack(peer, body, signal)
          : options.handle(peer, method, body, signal, progress),
      note: (peer, note, body) => this.#noted(peer, note, body),
      onBegin: (session) => this.#online(session),
      onExchange: (session) => this.#changed(session.peer),
      onEnd: (session, end) => this.#offline(session, end),
    });
    this.#redial = this.#makeRedial();
    this.#side = new SideSockets({
      dialler,
      clock,
      log,
      call: this.call,
      addressOf: (id) => {
        const peer = this.#peers.get(id);
        return peer === undefined ? null : reachedAt(peer);
      },
      servePieces: options.servePieces,
      serveStream: options.serveStream,
    });
    this.#notes = new PeerNotes({
      clock,
      log,
      ownName: options.ownName,
      info: options.info,
      peers: () => this.#peers.values(),
    });
    this.#group = membership.group;
    this.#digest = membership.digest();
    this.#unsubscribe = events.on('workgroup.changed', () => this.#regrouped());
    this.#syncMembers(options.remembered);
  }

  /** Every other member. */
  list(): PeerState[] {
    return [...this.#peers.values()].map((peer) => this.#stateOf(peer));
  }

  get(id: PeerId): PeerState | null {
    const peer = this.#peers.get(id);
    return peer === undefined ? null : this.#stateOf(peer);
  }

  isOnline(id: PeerId): boolean {
    return this.#sessions.get(id) !== undefined;
  }

  readonly call: PeerCall = async (id, method, body, signal, onProgress) => {
    const session = this.#sessionOf(id);
    return session.requests.ask(method, body, signal, onProgress);
  };

  readonly tell: PeerTell = (to, note, body) => {
    const sessions = to === 'all' ? this.#sessions.all() : [this.#sessions.get(to)];
    for (const session of sessions) session?.send({ t: 'note', m: note, b: body });
  };

  /** @throws PotluckError PEER_UNKNOWN, PEER_OFFLINE, PEER_UNREACHABLE, BUSY, CANCELLED */
  async openPieces(id: PeerId, signal: AbortSignal): Promise<PieceSocket> {
    this.#sessionOf(id);
    return this.#side.openPieces(id, signal);
  }

  /** @throws PotluckError what the peer says against it, and as above */
  async openStream(id: PeerId, open: StreamOpen, signal: AbortSignal): Promise<ByteStream> {
    this.#sessionOf(id);
    return this.#side.openStream(id, open, signal);
  }

  /** A connection that came in and has proved itself. */
  take(incoming: Incoming): void {
    const { peer, webSocket, purpose, host, settled } = incoming;
    if (purpose.kind === 'link') {
      // A link that does not become ready is the dialler's trouble.
      this.#sessions.open({ webSocket, peer, dialler: peer, host, port: null }).then(settled, settled);
    } else if (this.admission(peer) === 'member') this.#side.take(incoming);
    else webSocket.terminate();
  }

  /** Is the peer let in? Asked by the server right after TLS. */
  admission(id: PeerId): 'member' | 'unknown' | 'refused' {
    if (id === this.#options.dialler.id || this.#options.blocked().includes(id)) return 'refused';
    const status = this.#options.membership.status(id);
    return status === 'removed' ? 'refused' : status;
  }

  /** Somebody of this workgroup announced these addresses. */
  found(addresses: readonly Address[]): void {
    for (const address of addresses) this.#redial.learn(address, null);
  }

  /** The peer has let this PC in, at that address. */
  joinedAt(address: Address, peer: PeerId): void {
    this.#redial.proved(address, peer);
  }

  /** The network of this PC changed, or it woke up: everybody is tried again, and links that hold are made sure of. */
  networkChanged(): void {
    for (const session of this.#sessions.all()) session.link.probe();
    this.#redial.retryAll();
    this.#notes.tellAllSoon();
  }

  /** This PC's name, or something that `info` tells, may have changed. */
  infoChanged(): void {
    this.#notes.tellAllSoon();
  }

  /**
   * Reaches a coworker at an address that a person typed.
   * @param ports  tried where no port was typed
   * @throws PotluckError USAGE, PEER_UNREACHABLE, NOT_ALLOWED, NOT_A_MEMBER, NO_WORKGROUP, CANCELLED
   */
  async connect(typed: string, ports: readonly number[], signal: AbortSignal): Promise<PeerId> {
    return this.#redial.dialAny(await resolveTypedAddress(typed, ports, signal), signal);
  }

  /** To be called when the list of blocked peers has changed. */
  blockedChanged(): void {
    for (const id of this.#options.blocked()) this.#cut(id);
    this.#redial.retryAll();
    for (const id of this.#peers.keys()) this.#changed(id);
  }

  /** Sends these roster records to everybody who is online and waits a moment for them to be read: this PC leaves. */
  async spread(pages: readonly (readonly RosterRecord[])[]): Promise<void> {
    for (const session of this.#sessions.all()) void session.link.sendRoster(pages);
    await this.#sessions.untilEmpty(SPREAD_MAX_MS);
  }

  /** What to keep over a restart. */
  toRemember(): RememberedPeer[] {
    return [...this.#peers.values()].map(({ id, name, lastSeenMs }) => {
      const addresses = this.#redial.addressesOf(id).filter(({ host }) => isIP(host) !== 0 && !host.includes('%'));
      return { id, name, addresses, lastSeenMs };
    });
  }

  /** Says goodbye to all. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#notes.close();
    await this.#redial.close();
    this.#side.close();
    await this.#sessions.close();
  }

  #makeRedial(): Redial {
    const { dialler, clock, random, isAcceptableRemote } = this.#options;
    return new Redial({
      dialler,
      clock,
      random,
      isAcceptableRemote,
      wanted: (peer) => this.admission(peer) !== 'refused' && !this.isOnline(peer),
      admit: (peer) => {
        if (this.admission(peer) === 'refused') {
          throw new PotluckError('NOT_A_MEMBER', 'the PC there was removed or is blocked');
        }
        this.#sessions.claim(peer);
      },
      released: (peer) => this.#sessions.released(peer),
      establish: (webSocket, peer, { host, port }) =>
        this.#sessions.open({ webSocket, peer, dialler: dialler.id, host, port }),
      onAttempt: (id, address, failure) => {
        const peer = this.#peers.get(id);
        if (peer === undefined) return;
        if (failure !== null && peer.session === null) peer.because = `${addressText(address)}: ${failure.message}`;
        this.#changed(id);
      },
    });
  }

  #sessionOf(id: PeerId): Session {
    const session = this.#sessions.get(id);
    if (session !== undefined) return session;
    const peer = this.#peers.get(id);
    if (peer === undefined) throw new PotluckError('PEER_UNKNOWN', 'there is no such coworker');
    throw new PotluckError('PEER_OFFLINE', `${safe(this.#peers.get(id)?.name ?? 'the coworker')} is offline`);
  }

  #online(session: Session): void {
    const { clock, events, log } = this.#options;
    const peer = this.#peers.get(session.peer) ?? newKnownPeer(session.peer, '', undefined);
    this.#peers.set(peer.id, peer);
    peer.session = session;
    peer.name = session.link.name;
    peer.lastSeenMs = clock.wallMs();
    peer.onlineAtMs = clock.nowMs();
    peer.because = '';
    peer.toldInfo = '';
    peer.toldAddresses = '';
    log.info('peer.online', { peer: peerIdShort(peer.id) });
    events.emit('peer.online', { peer: peer.id });
    this.#changed(peer.id);
    this.#notes.tell(peer);
    this.#notes.tellAllSoon();
  }

  #offline(session: Session, end: LinkEnd): void {
    const { clock, events, log, random } = this.#options;
    this.#side.drop(session.peer);
    const peer = this.#peers.get(session.peer);
    if (peer === undefined) return;
    peer.session = null;
    peer.lastSeenMs = clock.wallMs();
    peer.because = ENDED[end];
    const isShort = clock.nowMs() - peer.onlineAtMs < SHORT_SESSION_MS;
    peer.shortSessions = isShort ? peer.shortSessions + 1 : 0;
    const delayMs = isShort ? dialDelayMs(peer.shortSessions, true, random()) : 0;
    this.#redial.retry(peer.id, end === 'goodbye' ? Math.max(delayMs, GOODBYE_DELAY_MS) : delayMs);
    log.info('peer.offline', { peer: peerIdShort(peer.id), end });
    events.emit('peer.offline', { peer: peer.id });
    this.#changed(peer.id);
  }

  #noted(id: PeerId, note: string, body: unknown): void {
    if (note === 'peer.info') this.#informed(id, readPeerInfo(body));
    else if (note === 'peer.addresses') {
      for (const { peer, address } of readPeerAddresses(body))
        if (this.#peers.has(peer)) this.#redial.learn(address, peer);
    } else this.#options.note(id, note, body);
  }

  #informed(id: PeerId, info: PeerInfo): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    peer.info = info;
    peer.name = info.name;
    const address = reachedAt(peer);
    for (const one of [...(address === null ? [] : [address]), ...info.addresses]) this.#redial.learn(one, id);
    this.#notes.tellAllSoon();
    this.#changed(id);
  }

  /** The roster or the workgroup changed: who is no member any more is cut off before anything else is done. */
  #regrouped(): void {
    const { membership } = this.#options;
    if (this.#group !== membership.group) this.#sessions.dropAll();
    for (const id of this.#peers.keys()) if (this.admission(id) !== 'member') this.#cut(id);
    this.#group = membership.group;
    this.#syncMembers([]);
    const digest = membership.digest();
    if (digest !== this.#digest) for (const session of this.#sessions.all()) void session.link.sendRoster();
    this.#digest = digest;
    this.#redial.plan();
  }

  #cut(id: PeerId): void {
    if (this.#options.membership.status(id) === 'removed') this.#sessions.farewell(id);
    else this.#sessions.drop(id);
    this.#side.drop(id);
  }

  #syncMembers(remembered: readonly RememberedPeer[]): void {
    const members = this.#options.membership.members().filter(({ id }) => id !== this.#options.dialler.id);
    const ids = new Set(members.map(({ id }) => id));
    for (const id of this.#peers.keys()) {
      if (ids.has(id)) continue;
      this.#peers.delete(id);
      this.#redial.forget(id);
      this.#options.events.emit('peer.changed', { peer: id });
    }
    for (const { id, name } of members) {
      if (this.#peers.has(id)) continue;
      const memory = remembered.find((one) => one.id === id);
      this.#peers.set(id, newKnownPeer(id, name, memory));
      for (const address of memory?.addresses ?? []) this.#redial.learn(address, id);
      this.#changed(id);
    }
  }

  #stateOf(peer: KnownPeer): PeerState {
    const { id, name, lastSeenMs, info, session } = peer;
    const isBlocked = this.#options.blocked().includes(id);
    const isReaching = this.#redial.isReaching(id) || this.#sessions.isOpening(id);
    const state = isBlocked ? 'blocked' : session !== null ? 'online' : isReaching ? 'connecting' : 'offline';
    const inUse = reachedAt(peer);
    const all = [...(inUse === null ? [] : [inUse]), ...this.#redial.addressesOf(id)].map(addressText);
    const because = isBlocked ? 'blocked on this PC' : peer.because;
    return { id, name, state, because, addresses: [...new Set(all)], lastSeenMs, info };
  }

  /** Announces the peer when what is shown of it is not what was shown before. */
  #changed(id: PeerId): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    const state = this.#stateOf(peer);
    if (isDeepStrictEqual(state, peer.shown)) return;
    peer.shown = state;
    this.#options.events.emit('peer.changed', { peer: id });
  }
}
