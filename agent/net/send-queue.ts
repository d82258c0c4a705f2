/**
 * What leaves on a link: in order, never faster than the other end takes, and never more than fits in memory.
 *
 * A peer closes a link that floods it, so an agent that has much to say keeps a little below the limit that it
 * sets others. What waits is bounded in two steps: first the owner is told to take nothing more in, since that
 * is what makes it speak, then the link is given up.
 */
import type { WebSocket } from 'ws';
import type { Clock } from '../platform/clock.js';
import type { NetLimits } from './net-limits.js';
import { TokenBucket } from '../core/token-bucket.js';

/** Share of the rate that the other end allows: its clock and the network's jitter take the rest. */
const OWN_RATE = 0.9;

export interface SendQueueOptions {
  readonly webSocket: WebSocket;
  readonly clock: Clock;
  readonly limits: NetLimits;
  /** Much is waiting: take in nothing that makes this end speak. */
  readonly onFull: () => void;
  /** It has left again. */
  readonly onDrained: () => void;
  /** More is waiting than may. */
  readonly onOverflow: () => void;
}

interface Waiting {
  readonly text: string;
  readonly bytes: number;
  readonly onWritten: () => void;
}

export class SendQueue {
  readonly #options: SendQueueOptions;
  readonly #bucket: TokenBucket;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isFull = false;
  #cancelTimer: (() => void) | null = null;

  constructor(options: SendQueueOptions) {
    this.#options = options;
    const { limits, clock } = options;
    this.#bucket = new TokenBucket(limits.messagesPerSecond * OWN_RATE, limits.messagesBurst * OWN_RATE, clock.nowMs());
  }

  /** Bytes that have not left this process. */
  get bytes(): number {
    return this.#waitingBytes + this.#options.webSocket.bufferedAmount;
  }

  /** @param onWritten  called once, when the message has left this process or never will */
  push(text: string, bytes: number, onWritten: () => void): void {
    this.#waiting.push({ text, bytes, onWritten });
    this.#waitingBytes += bytes;
    if (this.#cancelTimer === null) this.#pump();
    const { limits, onFull, onOverflow } = this.#options;
    if (this.bytes > limits.sendMaxBytes) onOverflow();
    else if (this.bytes > limits.sendPauseBytes && !this.#isFull) {
      this.#isFull = true;
      onFull();
    }
  }

  /** Sends everything that waits, however fast: the link is about to be closed in order. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) this.#send(one);
  }

  /** The link is gone. */
  close(): void {
    this.#cancelTimer?.();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { onWritten } of waiting) onWritten();
  }

  #pump(): void {
    const { clock } = this.#options;
    this.#cancelTimer = null;
    let sent = 0;
    while (sent < this.#waiting.length && this.#bucket.take(clock.nowMs())) {
      this.#send(this.#waiting[sent] as Waiting);
      sent += 1;
    }
    this.#waiting.splice(0, sent);
    if (this.#waiting.length > 0) {
      this.#cancelTimer = clock.after(this.#bucket.waitMs(clock.nowMs()), () => this.#pump());
    }
  }

  #send({ text, bytes, onWritten }: Waiting): void {
    this.#waitingBytes -= bytes;
    this.#options.webSocket.send(text, () => {
      onWritten();
      if (!this.#isFull || this.bytes > this.#options.limits.sendPauseBytes / 2) return;
      this.#isFull = false;
      this.#options.onDrained();
    });
  }
}
