/**
 * Two ends of a `/v1/pieces` connection without a network between them: frames arrive in later turns and as
 * copies, as they do from a socket, and an end that does not read makes the other one wait.
 */
import type { PieceSocket } from '../../agent/net/piece-socket.js';
import { PotluckError } from '../../protocol/errors.js';
import { BINARY_FRAME_MAX_BYTES } from '../../protocol/limits.js';

const HIGH_WATER_BYTES = 4 * BINARY_FRAME_MAX_BYTES;

export interface PairedSocket extends PieceSocket {
  /** Stops or goes on hearing frames. */
  pause(isPaused: boolean): void;
  /** True when the end that called close said that the other one sent what it must not. */
  readonly wasBad: boolean;
}

interface Waiting {
  readonly frame: Uint8Array;
  readonly onWritten: (() => void) | undefined;
}

class End implements PairedSocket {
  other: End | null = null;
  wasBad = false;
  readonly closed: Promise<void>;
  #resolveClosed: () => void = () => undefined;
  #listener: ((frame: Uint8Array) => void) | null = null;
  #isPaused = false;
  #isOpen = true;
  #isDelivering = false;
  /** Sent to this end and not heard yet. */
  readonly #incoming: Waiting[] = [];
  #incomingBytes = 0;
  #drained: (() => void)[] = [];

  constructor() {
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  async send(frame: Uint8Array, onWritten?: () => void): Promise<void> {
    const { other } = this;
    if (!this.#isOpen || other === null) {
      onWritten?.();
      throw new PotluckError('PEER_OFFLINE', 'the connection to the coworker is closed');
    }
    other.#incoming.push({ frame, onWritten });
    other.#incomingBytes += frame.byteLength;
    other.#deliver();
    if (other.#incomingBytes >= HIGH_WATER_BYTES) await new Promise<void>((resolve) => other.#drained.push(resolve));
  }

  onFrame(listener: (frame: Uint8Array) => void): void {
    this.#listener = listener;
    this.#deliver();
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#deliver();
  }

  close(isBad = false): void {
    this.wasBad ||= isBad;
    this.#end();
    if (this.other !== null) this.other.#end();
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { onWritten } of this.#incoming.splice(0)) onWritten?.();
    this.#incomingBytes = 0;
    this.#wake();
    this.#resolveClosed();
  }

  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    setImmediate(() => {
      this.#isDelivering = false;
      // As many as a socket would bring in one turn.
      for (let count = 0; count < 16; count++) {
        if (this.#isPaused || this.#listener === null) return;
        const next = this.#incoming.shift();
        if (next === undefined) return;
        this.#incomingBytes -= next.frame.byteLength;
        const copy = Uint8Array.from(next.frame);
        next.onWritten?.();
        if (this.#incomingBytes < HIGH_WATER_BYTES) this.#wake();
        this.#listener(copy);
      }
      if (this.#incoming.length > 0) this.#deliver();
    });
  }

  #wake(): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const wake of waiting) wake();
  }
}

export function pieceSocketPair(): [PairedSocket, PairedSocket] {
  const one = new End();
  const other = new End();
  one.other = other;
  other.other = one;
  return [one, other];
}
