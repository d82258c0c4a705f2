/**
 * One link: the message connection of two peers, from its first `hello` to its end.
 *
 * It reads every message within bounds, agrees on the roster, keeps itself alive and says when it is ready
 * and why it ended; what the messages mean is settled above. A peer that the roster does not know is on
 * probation: it gets our `hello` and nothing else until the roster it sends makes it a member.
 * SPEC.md, "Messages", "Unknown peers", "Closing".
 */
import * as v from 'valibot';
import type { RawData, WebSocket } from 'ws';
import type { Clock } from '../platform/clock.js';
import type { Log } from '../platform/log.js';
import { PotluckError } from '../../protocol/errors.js';
import { type PeerId, peerIdShort } from '../../protocol/ids.js';
import { parseBoundedJson } from '../../protocol/json.js';
import { MESSAGE_MAX_BYTES, PROBATION_ROSTER_MAX_BYTES, ROSTER_RECORDS_MAX_COUNT } from '../../protocol/limits.js';
import { CLOSE, type Hello, LinkMessage, type Roster, type RosterRecord } from '../../protocol/peer/session.js';
import type { NetLimits } from './net-limits.js';
import { SendQueue } from './send-queue.js';
import { TokenBucket } from '../core/token-bucket.js';
import { messageBytes } from './web-socket.js';

/** What a link needs of the roster. */
export interface LinkRoster {
  status(peer: PeerId): 'member' | 'removed' | 'unknown';
  /** Equal digests need no exchange. */
  digest(): string;
  /** All records, in lists that fit a message each. */
  pages(): readonly (readonly RosterRecord[])[];
  /** Takes what is new of these. @returns how many of them no honest peer sends */
  merge(records: readonly RosterRecord[]): { readonly bad: number };
}

/** The messages that are somebody else's business than the link's. */
export type SessionMessage = Exclude<LinkMessage, Hello | Roster>;

/** Any message before it is sent. */
export type OutgoingMessage = v.InferInput<typeof LinkMessage>;

/** Why a link is no more. */
export type LinkEnd =
  | 'goodbye'
  | 'duplicate'
  | 'not-a-member'
  | 'flood'
  | 'bad-message'
  | 'silence'
  | 'slow'
  /** The connection broke, or was ended by one side without a reason. */
  | 'lost';

export interface LinkOptions {
  readonly webSocket: WebSocket;
  readonly peer: PeerId;
  /** Which of the two dialled. */
  readonly dialler: PeerId;
  readonly host: string;
  /** Where the peer listens; null when it dialled, and so the port is not known. */
  readonly port: number | null;
  readonly ownName: string;
  readonly roster: LinkRoster;
  readonly clock: Clock;
  readonly limits: NetLimits;
  readonly log: Log;
  /** Both have said hello and the peer is a member. Called once at most. */
  onReady(link: Link): void;
  onMessage(link: Link, message: SessionMessage): void;
  /** Called once, also for a link that never was ready. */
  onEnd(link: Link, end: LinkEnd): void;
}

const ENDS: ReadonlyMap<number, LinkEnd> = new Map([
  [CLOSE.GOODBYE, 'goodbye'],
  [CLOSE.DUPLICATE, 'duplicate'],
  [CLOSE.BAD_MESSAGE, 'bad-message'],
  [CLOSE.NOT_A_MEMBER, 'not-a-member'],
  [CLOSE.FLOOD, 'flood'],
]);
const KNOWN_TYPES = new Set<string>(LinkMessage.options.map((option) => option.entries.t.literal));
/** Looks at a link between two pings: silence is seen soon after its limit. */
const TICKS_PER_PING = 3;

export class Link {
  readonly peer: PeerId;
  readonly dialler: PeerId;
  readonly host: string;
  readonly port: number | null;
  readonly #options: LinkOptions;
  readonly #webSocket: WebSocket;
  readonly #bucket: TokenBucket;
  readonly #queue: SendQueue;
  #state: 'greeting' | 'probation' | 'ready' | 'closing' | 'closed' = 'greeting';
  #end: LinkEnd | null = null;
  #name = '';
  #theirDigest = '';
  #readyAtMs = 0;
  /** Records of the roster that is just arriving, page by page. */
  #records: RosterRecord[] = [];
  #recordBytes = 0;
  #heardAtMs: number;
  #unsentBytes = 0;
  #isReadingPaused = false;
  #ticks = 0;
  #cancelTick: () => void;
  readonly #cancelDeadline: () => void;

  constructor(options: LinkOptions) {
    const { webSocket, clock, limits } = options;
    this.#options = options;
    this.peer = options.peer;
    this.dialler = options.dialler;
    this.host = options.host;
    this.port = options.port;
    this.#webSocket = webSocket;
    this.#heardAtMs = clock.nowMs();
    this.#bucket = new TokenBucket(limits.messagesPerSecond, limits.messagesBurst, this.#heardAtMs);
    this.#queue = new SendQueue({
      webSocket,
      clock,
      limits,
      onFull: () => this.#pauseReading(),
      onDrained: () => {
        this.#isReadingPaused = false;
        webSocket.resume();
      },
      onOverflow: () => this.#cut('slow'),
    });
    webSocket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    webSocket.on('ping', () => this.#count());
    webSocket.on('pong', () => this.#count());
    webSocket.on('close', (code) => this.#closed(ENDS.get(code) ?? 'lost'));
    this.#cancelDeadline = clock.after(limits.probationMs, () => {
      this.close(this.#state === 'probation' ? 'NOT_A_MEMBER' : null);
    });
    this.#cancelTick = clock.after(limits.pingMs / TICKS_PER_PING, () => this.#tick());
    this.send({ t: 'hello', v: 1, name: options.ownName, roster: options.roster.digest(), caps: [] });
  }

  /** What the peer calls itself; empty before its hello. */
  get name(): string {
    return this.#name;
  }

  get readyAtMs(): number {
    return this.#readyAtMs;
  }

  /** Does a message that is given to `send` now leave? */
  get isOpen(): boolean {
    return this.#state === 'ready' && this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /**
   * Sends a message; one that is given to a link that is not open is lost.
   *
   * A peer that does not read its answers is no longer read itself from the first limit on, and cut at the second.
   * @throws PotluckError TOO_LARGE: the message does not fit; nothing was sent
   */
  send(message: OutgoingMessage): void {
    this.#write(message, () => undefined);
  }

  /** Sends the roster; resolves when it has left this process, or never will. */
  async sendRoster(pages: readonly (readonly RosterRecord[])[] = this.#options.roster.pages()): Promise<void> {
    const sent = pages.map(
      (page, at) =>
        new Promise<void>((resolve) => {
          this.#write({ t: 'roster', recs: [...page], more: at < pages.length - 1 }, resolve);
        }),
    );
    await Promise.all(sent);
  }

  /** Asks for a sign of life now and ends the link when none comes: after the network changed under it. */
  probe(): void {
    if (!this.isOpen) return;
    const askedAtMs = this.#options.clock.nowMs();
    this.#webSocket.ping();
    this.#options.clock.after(this.#options.limits.dialTcpMs, () => {
      if (this.#heardAtMs < askedAtMs) this.#cut('silence');
    });
  }

  /**
   * Ends the link in order: what was sent before arrives. With DUPLICATE what the peer sent before is still
   * read, since it goes on over the other link.
   * @param code  null when there is nothing to tell
   */
  close(code: keyof typeof CLOSE | null): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const isReading = code === 'DUPLICATE' && this.#state === 'ready';
    this.#end ??= code === null ? 'lost' : (ENDS.get(CLOSE[code]) ?? 'lost');
    if (!isReading) this.#state = 'closing';
    this.#queue.flush();
    this.#webSocket.resume();
    this.#webSocket.close(code === null ? 1000 : CLOSE[code]);
  }

  /** Ends the link now, whatever is still on its way: of who is no longer to hear or say anything. */
  destroy(code: keyof typeof CLOSE): void {
    this.#queue.close();
    this.close(code);
    this.#webSocket.terminate();
  }

  #write(message: OutgoingMessage, onWritten: () => void): void {
    const text = JSON.stringify(message);
    const bytes = Buffer.byteLength(text);
    if (bytes > MESSAGE_MAX_BYTES) throw new PotluckError('TOO_LARGE', 'a message is larger than a link carries');
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#queue.push(text, bytes, onWritten);
    else onWritten();
  }

  #pauseReading(): void {
    this.#isReadingPaused = true;
    this.#unsentBytes = this.#queue.bytes;
    this.#webSocket.pause();
  }

  #cut(end: LinkEnd): void {
    this.#end ??= end;
    this.#webSocket.terminate();
  }

  #closed(end: LinkEnd): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelDeadline();
    this.#cancelTick();
    this.#queue.close();
    this.#options.log.debug('link.end', {
      peer: peerIdShort(this.peer),
      dialled: this.dialler !== this.peer,
      ready: this.#readyAtMs > 0,
      end: this.#end ?? end,
    });
    this.#options.onEnd(this, this.#end ?? end);
  }

  /** Notes a sign of life. @returns false when there were too many of them */
  #count(): boolean {
    this.#heardAtMs = this.#options.clock.nowMs();
    if (this.#bucket.take(this.#heardAtMs)) return true;
    this.close('FLOOD');
    return false;
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#state === 'closing' || this.#state === 'closed' || !this.#count()) return;
    try {
      const message = isBinary ? null : this.#parse(messageBytes(data));
      if (message === null) this.close('BAD_MESSAGE');
      else if (message !== 'unknown') this.#handle(message);
    } catch (thrown) {
      if (thrown instanceof PotluckError && thrown.code === 'BAD_MESSAGE') return this.close('BAD_MESSAGE');
      // A bug of ours: the message is lost, the link need not be.
      this.#options.log.error('link.fault', { peer: peerIdShort(this.peer), ...faultFields(thrown) });
    }
  }

  /**
   * @returns null when no schema accepts it; 'unknown' for a type of a later version, which is answered here
   * @throws PotluckError BAD_MESSAGE
   */
  #parse(bytes: Buffer): LinkMessage | 'unknown' | null {
    const json = parseBoundedJson(bytes.toString('utf8'));
    const read = v.safeParse(LinkMessage, json);
    if (read.success) return read.output;
    const type = typeof json === 'object' && json !== null && 't' in json ? json.t : undefined;
    if (this.#state !== 'ready' || typeof type !== 'string' || KNOWN_TYPES.has(type)) return null;
    this.send({ t: 'unsupported', of: type.slice(0, 32) });
    return 'unknown';
  }

  #handle(message: LinkMessage): void {
    switch (this.#state) {
      case 'greeting':
        if (message.t !== 'hello') return this.close('BAD_MESSAGE');
        this.#name = message.name;
        this.#theirDigest = message.roster;
        return this.#admit('probation');
      case 'probation':
        if (message.t !== 'roster') return this.close('BAD_MESSAGE');
        return this.#takeRoster(message);
      case 'ready':
        if (message.t === 'hello') return this.close('BAD_MESSAGE');
        if (message.t === 'roster') return this.#takeRoster(message);
        return this.#options.onMessage(this, message);
      case 'closing':
      case 'closed':
        return;
      default:
        this.#state satisfies never;
    }
  }

  /** Ready when the peer is a member, on probation or closed when it is not. */
  #admit(otherwise: 'probation' | 'close'): void {
    const status = this.#options.roster.status(this.peer);
    if (status === 'unknown' && otherwise === 'probation') {
      this.#state = 'probation';
      return;
    }
    if (status !== 'member') return this.close('NOT_A_MEMBER');
    this.#state = 'ready';
    this.#readyAtMs = this.#options.clock.nowMs();
    this.#cancelDeadline();
    this.#options.log.debug('link.ready', { peer: peerIdShort(this.peer), dialled: this.dialler !== this.peer });
    // The roster goes first: until it has read it, the peer may not know us and reads nothing else.
    if (this.#options.roster.digest() !== this.#theirDigest) void this.sendRoster();
    this.#options.onReady(this);
  }

  #takeRoster({ recs, more }: Roster): void {
    const isProbation = this.#state === 'probation';
    this.#records.push(...recs);
    this.#recordBytes += recs.reduce((sum, record) => sum + record.p.length + record.s.length, 0);
    const isTooMuch = isProbation && this.#recordBytes > PROBATION_ROSTER_MAX_BYTES;
    if (isTooMuch || this.#records.length > ROSTER_RECORDS_MAX_COUNT) return this.close('BAD_MESSAGE');
    if (more) return;
    const records = this.#records;
    this.#records = [];
    this.#recordBytes = 0;
    if (this.#options.roster.merge(records).bad > 0) return this.close('BAD_MESSAGE');
    if (isProbation && this.#state === 'probation') this.#admit('close');
  }

  #tick(): void {
    const { clock, limits } = this.#options;
    const nowMs = clock.nowMs();
    const unsent = this.#queue.bytes;
    // Who is not read cannot be heard: while it takes what was sent it is alive.
    if (this.#isReadingPaused && unsent < this.#unsentBytes) this.#heardAtMs = nowMs;
    this.#unsentBytes = unsent;
    if (nowMs - this.#heardAtMs > limits.silenceMs) return this.#cut('silence');
    this.#ticks += 1;
    if (this.#ticks % TICKS_PER_PING === 0 && this.#webSocket.readyState === this.#webSocket.OPEN) {
      this.#webSocket.ping();
    }
    this.#cancelTick = clock.after(limits.pingMs / TICKS_PER_PING, () => this.#tick());
  }
}

/** Where a bug was, without its text: that may hold what a peer wrote. */
export function faultFields(thrown: unknown): { error: string; stack: string } {
  if (!(thrown instanceof Error)) return { error: typeof thrown, stack: '' };
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { error: thrown.name, stack: frames.slice(0, 8).join('\n') };
}
