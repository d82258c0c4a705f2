/**
 * From links to sessions: which peers are online, and what happens when two links of one peer meet.
 *
 * Two PCs that dial each other at the same moment end with one link, without a gap and without losing a
 * request: both decide alike (core/dial-policy), the loser is closed in order, and what arrives on it until
 * then counts. SPEC.md, "Connections".
 */
import type { WebSocket } from 'ws';
import { type Crossing, isDialWorthwhile, resolveCrossing } from '../core/dial-policy.js';
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import { DIAL_MAX_COUNT, WS_CLOSE_MAX_MS } from '../../protocol/limits.js';
import type { CLOSE } from '../../protocol/peer/session.js';
import { Link, type LinkEnd, type LinkRoster, type SessionMessage } from './link.js';
import type { NetLimits } from './net-limits.js';
import type { HandleNote, HandleRequest } from './requests.js';
import { Session } from './session.js';

export interface SessionsOptions {
  readonly id: PeerId;
  readonly clock: Clock;
  readonly limits: NetLimits;
  readonly log: Log;
  readonly roster: LinkRoster;
  readonly ownName: () => string;
  readonly handle: HandleRequest;
  readonly note: HandleNote;
  /** The peer is online. */
  onBegin(session: Session): void;
  /** It goes on over another link. */
  onExchange(session: Session): void;
  /** The peer is offline; its requests have been answered already. */
  onEnd(session: Session, end: LinkEnd): void;
}

export interface NewLink {
  readonly webSocket: WebSocket;
  readonly peer: PeerId;
  readonly dialler: PeerId;
  readonly host: string;
  readonly port: number | null;
}

/** A link that is not ready yet, and who waits for it. */
interface Opening {
  ready(): void;
  failed(end: LinkEnd): void;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<PeerId, Session>();
  readonly #opening = new Map<Link, Opening>();
  /** Every link that was ready, until it has ended, with the session it belongs to. */
  readonly #ready = new Map<Link, Session>();
  /** Peers to whom a dial of ours has begun to speak: only one at a time does. */
  readonly #spokenTo = new Set<PeerId>();
  #isClosing = false;
  #onEmpty: () => void = () => undefined;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get(peer: PeerId): Session | undefined {
    return this.#sessions.get(peer);
  }

  all(): Session[] {
    return [...this.#sessions.values()];
  }

  isOpening(peer: PeerId): boolean {
    return [...this.#opening.keys()].some((link) => link.peer === peer);
  }

  /**
   * Asked by a dial that knows now who is there: may it speak? Call `released` when it is over.
   * @throws PotluckError ALREADY_EXISTS: there is a link, or one that will win is being opened
   */
  claim(peer: PeerId): void {
    const isIncoming = [...this.#opening.keys()].some((link) => link.peer === peer && link.dialler === peer);
    const isPointless = isIncoming && !isDialWorthwhile(this.#options.id, peer);
    if (this.#sessions.has(peer) || this.#spokenTo.has(peer) || isPointless) {
      throw new PotluckError('ALREADY_EXISTS', 'the coworker is linked already');
    }
    this.#spokenTo.add(peer);
  }

  released(peer: PeerId): void {
    this.#spokenTo.delete(peer);
  }

  /**
   * Makes a link of a proved connection.
   * @returns resolves when it is ready (even if it then is the one of two that goes)
   * @throws PotluckError NOT_A_MEMBER, PEER_UNREACHABLE: it ended before; ALREADY_EXISTS: another one came first
   */
  async open(connection: NewLink): Promise<void> {
    const { webSocket, peer, dialler } = connection;
    const { id, clock, limits, log, roster } = this.#options;
    const isLate = dialler === id && this.#sessions.has(peer);
    if (this.#isClosing || isLate || this.#countOf(peer) >= DIAL_MAX_COUNT) {
      webSocket.terminate();
      throw new PotluckError('ALREADY_EXISTS', 'the coworker is linked already');
    }
    await new Promise<void>((resolve, reject) => {
      const link = new Link({
        ...connection,
        clock,
        limits,
        log,
        roster,
        ownName: this.#options.ownName(),
        onReady: (one) => this.#becameReady(one),
        onMessage: (one, message) => this.#heard(one, message),
        onEnd: (one, end) => this.#ended(one, end),
      });
      this.#opening.set(link, { ready: resolve, failed: (end) => reject(failure(end)) });
    });
  }

  /** Ends every link of the peer at once, with all that was asked on it: it is no member any more, or is not wanted. */
  drop(peer: PeerId): void {
    const session = this.#sessions.get(peer);
    if (session !== undefined) this.#end(session, 'not-a-member');
    this.#destroy((link) => link.peer === peer, 'NOT_A_MEMBER');
  }

  /**
   * The peer was removed: nothing it asked goes on and nothing it sends is read any more, but it gets the roster
   * that says so, or it would go on knocking.
   */
  farewell(peer: PeerId): void {
    const session = this.#sessions.get(peer);
    if (session === undefined || !session.link.isOpen) return this.drop(peer);
    this.#end(session, 'not-a-member');
    void session.link.sendRoster();
    session.link.close('NOT_A_MEMBER');
    this.#destroy((link) => link.peer === peer && link !== session.link, 'NOT_A_MEMBER');
  }

  /** The same for every peer: this PC is no longer in their workgroup. */
  dropAll(): void {
    for (const session of this.all()) this.drop(session.peer);
    this.#destroy(() => true, 'NOT_A_MEMBER');
  }

  /** Says goodbye to all; resolves when they have taken note, or a moment later. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const link of this.#opening.keys()) link.destroy('GOODBYE');
    for (const link of this.#ready.keys()) link.close('GOODBYE');
    await this.untilEmpty(WS_CLOSE_MAX_MS);
    this.#destroy(() => true, 'GOODBYE');
  }

  /** Resolves when no session is left, or after `ms`. */
  async untilEmpty(ms: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
    });
    this.#onEmpty = () => undefined;
  }
  #becameReady(link: Link): void {
    this.#opening.get(link)?.ready();
    this.#opening.delete(link);
    const session = this.#sessions.get(link.peer);
    if (session === undefined) return this.#begin(link);
    const older = session.link;
    const crossing = this.#cross(older, link);
    switch (crossing) {
      case 'keep-older':
        this.#ready.set(link, session);
        link.close('DUPLICATE');
        return;
      case 'keep-newer':
        this.#ready.set(link, session);
        session.use(link);
        older.close('DUPLICATE');
        this.#options.onExchange(session);
        return;
      case 'replace':
        this.#end(session, 'lost');
        older.destroy('DUPLICATE');
        this.#begin(link);
        return;
      default:
        crossing satisfies never;
    }
  }

  #cross(older: Link, newer: Link): Crossing {
    // It has ended: the peer closed it in favour of this one, or the session would have ended with it.
    if (!this.#ready.has(older)) return 'keep-newer';
    const crossing = resolveCrossing(older, newer);
    return crossing === 'keep-older' && !older.isOpen ? 'replace' : crossing;
  }

  #begin(link: Link): void {
    const { clock, limits, log, handle, note } = this.#options;
    const session = new Session(link, { clock, limits, log, handle, note });
    this.#sessions.set(link.peer, session);
    this.#ready.set(link, session);
    this.#options.onBegin(session);
  }

  #heard(link: Link, message: SessionMessage): void {
    const session = this.#ready.get(link);
    if (session !== undefined && this.#sessions.get(link.peer) === session) session.receive(message);
  }

  #ended(link: Link, end: LinkEnd): void {
    this.#opening.get(link)?.failed(end);
    this.#opening.delete(link);
    const session = this.#ready.get(link);
    this.#ready.delete(link);
    if (session === undefined || session.link !== link || this.#sessions.get(link.peer) !== session) return;
    // The peer prefers another link that it sees ready; here its hello may still be under way.
    if (end !== 'duplicate' || !this.isOpening(link.peer)) return this.#end(session, end);
    this.#options.clock.after(this.#options.limits.probationMs, () => {
      if (session.link === link && this.#sessions.get(link.peer) === session) this.#end(session, 'lost');
    });
  }

  #end(session: Session, end: LinkEnd): void {
    this.#sessions.delete(session.peer);
    session.end();
    this.#options.onEnd(session, end);
    if (this.#sessions.size === 0) this.#onEmpty();
  }

  #destroy(which: (link: Link) => boolean, code: keyof typeof CLOSE): void {
    for (const link of [...this.#opening.keys(), ...this.#ready.keys()]) if (which(link)) link.destroy(code);
  }

  #countOf(peer: PeerId): number {
    return [...this.#opening.keys(), ...this.#ready.keys()].filter((link) => link.peer === peer).length;
  }
}

function failure(end: LinkEnd): PotluckError {
  if (end === 'not-a-member')
    return new PotluckError('NOT_A_MEMBER', 'one of the two PCs does not know the other as a member');
  return new PotluckError('PEER_UNREACHABLE', 'the connection ended before it was ready');
}
