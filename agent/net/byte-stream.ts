/**
 * One `/v1/stream` connection as a Duplex of Node: `end()` ends one direction, `pipeline` does the rest.
 *
 * Bytes travel in binary messages and an empty one ends its direction, since a WebSocket cannot be half
 * closed. Back-pressure is the socket's own: nobody reads, nothing is taken from the kernel. A stream on
 * which nothing moves for a minute is ended. SPEC.md, "Streams".
 */
import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Clock } from '../platform/clock.js';
import { PotluckError } from '../../protocol/errors.js';
import { BINARY_FRAME_MAX_BYTES } from '../../protocol/limits.js';
import { CLOSE } from '../../protocol/peer/session.js';
import { messageBytes } from './web-socket.js';

/** Bytes of ours that may wait in this process before a writer is made to wait. */
const HIGH_WATER_BYTES = 4 * BINARY_FRAME_MAX_BYTES;
const EMPTY = Buffer.alloc(0);

export interface ByteStreamOptions {
  readonly clock: Clock;
  /** How long nothing may move before the stream is ended with TIMEOUT. */
  readonly idleMs: number;
}

/** Errors are PotluckErrors: PEER_OFFLINE when it broke, TIMEOUT, BAD_MESSAGE. */
export class ByteStream extends Duplex {
  readonly #webSocket: WebSocket;
  readonly #options: ByteStreamOptions;
  #cancelIdle: () => void = () => undefined;
  #movedAtMs: number;
  #theyEnded = false;
  /** A writer that waits for its bytes to leave. */
  #waiting: ((error?: Error | null) => void) | null = null;

  /** @param webSocket  open, and past the messages that opened the stream */
  constructor(webSocket: WebSocket, options: ByteStreamOptions) {
    super({ allowHalfOpen: true, readableHighWaterMark: HIGH_WATER_BYTES, writableHighWaterMark: HIGH_WATER_BYTES });
    this.#webSocket = webSocket;
    this.#options = options;
    // A coworker that hangs up must not end this process, not even between two owners of the stream.
    this.on('error', () => undefined);
    webSocket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    webSocket.on('close', () => this.#closed());
    this.#movedAtMs = options.clock.nowMs();
    this.#watch(options.idleMs);
    if (webSocket.readyState !== webSocket.OPEN) process.nextTick(() => this.#closed());
  }

  override _read(): void {
    this.#webSocket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    for (let at = 0; at < bytes.length; at += BINARY_FRAME_MAX_BYTES) {
      this.#webSocket.send(bytes.subarray(at, at + BINARY_FRAME_MAX_BYTES), { binary: true }, () => this.#sent());
    }
    if (this.#webSocket.bufferedAmount < HIGH_WATER_BYTES) done();
    else this.#waiting = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#webSocket.send(EMPTY, { binary: true }, (error) => done(error instanceof Error ? broken() : null));
    if (this.#theyEnded) this.#webSocket.close(1000);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#cancelIdle();
    this.#webSocket.resume();
    const isDone = error === null && this.#theyEnded && this.writableFinished;
    if (isDone) this.#webSocket.close(1000);
    else if (error instanceof PotluckError && error.code === 'BAD_MESSAGE') this.#webSocket.close(CLOSE.BAD_MESSAGE);
    else this.#webSocket.terminate();
    done(error);
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.destroyed) return;
    const bytes = messageBytes(data);
    if (!isBinary || bytes.length > BINARY_FRAME_MAX_BYTES || this.#theyEnded) {
      this.destroy(new PotluckError('BAD_MESSAGE', 'the coworker sent what no stream carries'));
      return;
    }
    this.#movedAtMs = this.#options.clock.nowMs();
    if (bytes.length === 0) {
      this.#theyEnded = true;
      this.push(null);
      if (this.writableFinished) this.#webSocket.close(1000);
    } else if (!this.push(bytes)) this.#webSocket.pause();
  }

  #sent(): void {
    this.#movedAtMs = this.#options.clock.nowMs();
    if (this.#waiting === null || this.#webSocket.bufferedAmount >= HIGH_WATER_BYTES) return;
    const done = this.#waiting;
    this.#waiting = null;
    done();
  }

  #closed(): void {
    this.#cancelIdle();
    const isDone = this.#theyEnded && this.writableFinished;
    if (!isDone) this.destroy(broken());
  }

  /** Looks again when the stream could first be idle for too long: no timer is set for each message. */
  #watch(ms: number): void {
    const { clock, idleMs } = this.#options;
    this.#cancelIdle = clock.after(ms, () => {
      const leftMs = this.#movedAtMs + idleMs - clock.nowMs();
      if (leftMs > 0) this.#watch(leftMs);
      else this.destroy(new PotluckError('TIMEOUT', 'nothing moved on the connection to the coworker'));
    });
  }
}

function broken(): PotluckError {
  return new PotluckError('PEER_OFFLINE', 'the connection to the coworker broke');
}
