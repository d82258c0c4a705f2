/**
 * Asks one coworker for pieces and layers on one connection, and believes only what hashes right: nothing
 * else in the agent makes a `VerifiedPiece` of bytes that came from outside.
 *
 * Requests are told by callback and not by promise, and an answer of one frame is handed on as it arrived,
 * without a copy: a folder of ten thousand small files is ten thousand answers, a few dozen in each turn of
 * the event loop. Whoever is handed bytes uses them before the callback returns.
 */
import type { PieceSocket } from '../net/piece-socket.js';
import type { Clock } from '../platform/clock.js';
import { PotluckError } from '../../protocol/errors.js';
import type { ContentId } from '../../protocol/ids.js';
import {
  PIECES_INFLIGHT_MAX_BYTES,
  PIECE_REQUESTS_PER_SOCKET_MAX_COUNT,
  STREAM_IDLE_MAX_MS,
} from '../../protocol/limits.js';
import {
  HASH_BYTES,
  type Manifest,
  pieceCount,
  pieceSize,
  type VerifiedPiece,
  verifyLayer,
  verifyPiece,
} from '../../protocol/manifest.js';
import { decodePieceFrame, encodePieceFrame, type PieceFrame } from '../../protocol/peer/piece-frame.js';

/** What became of a request. INTEGRITY: the bytes are not the ones that were promised. */
export type Fetched<T> = { readonly ok: T } | { readonly error: PotluckError };

interface Asked {
  readonly length: number;
  /** Where the frames of a longer answer are put together; null until its first one. */
  bytes: Uint8Array | null;
  received: number;
  settle(bytes: Uint8Array | PotluckError): void;
}

export class PieceFetcher {
  readonly #socket: PieceSocket;
  readonly #clock: Clock;
  readonly #asked = new Map<number, Asked>();
  /** Memory of answers that were put together, to be used again. */
  readonly #spare: Uint8Array[] = [];
  #nextId = 0;
  #inflightBytes = 0;
  #failure: PotluckError | null = null;
  #cancelIdle: () => void = () => undefined;

  /** @param socket  open; it is closed here */
  constructor(socket: PieceSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.onFrame((bytes) => this.#hear(bytes));
    void this.#failWith(socket);
  }

  /** Bytes that were asked for and are not here. */
  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  /** Can so much more be asked for now? One answer always can, however large. */
  hasRoomFor(bytes: number): boolean {
    if (this.#failure !== null || this.#asked.size >= PIECE_REQUESTS_PER_SOCKET_MAX_COUNT) return false;
    return this.#asked.size === 0 || this.#inflightBytes + bytes <= PIECES_INFLIGHT_MAX_BYTES;
  }

  /**
   * Asks for one piece.
   * @param settle  called once, later; the piece's bytes are only there until it returns
   */
  fetchPiece(manifest: Manifest, index: number, settle: (fetched: Fetched<VerifiedPiece>) => void): void {
    const { content, size } = manifest;
    this.#ask(
      (id) => ({ type: 'piece', id, content, index }),
      pieceSize(index, size),
      (answer) => {
        if (answer instanceof PotluckError) return settle({ error: answer });
        const piece = verifyPiece(manifest, index, answer);
        return settle(piece === null ? { error: wrongBytes() } : { ok: piece });
      },
    );
  }

  /** Asks for the layer of a content of more than one piece. */
  fetchLayer(content: ContentId, size: number, settle: (fetched: Fetched<Manifest>) => void): void {
    this.#ask(
      (id) => ({ type: 'layer', id, content }),
      pieceCount(size) * HASH_BYTES,
      (answer) => {
        if (answer instanceof PotluckError) return settle({ error: answer });
        const manifest = verifyLayer(content, size, Uint8Array.from(answer));
        return settle(manifest === null ? { error: wrongBytes() } : { ok: manifest });
      },
    );
  }

  /** Everything that was asked for and has not come is settled with an error. Idempotent. */
  close(): void {
    this.#fail(new PotluckError('CANCELLED', 'cancelled'));
    this.#socket.close();
  }

  #ask(
    frameOf: (id: number) => Exclude<PieceFrame, { type: 'data' }>,
    length: number,
    settle: (answer: Uint8Array | PotluckError) => void,
  ): void {
    if (this.#failure !== null) {
      const failure = this.#failure;
      queueMicrotask(() => settle(failure));
      return;
    }
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    this.#asked.set(id, { length, bytes: null, received: 0, settle });
    this.#inflightBytes += length;
    if (this.#asked.size === 1) this.#watch();
    // How much may wait is bounded by what may be asked for; a closed connection is told by `closed`.
    this.#socket.send(encodePieceFrame(frameOf(id))).catch(() => undefined);
  }

  #hear(bytes: Uint8Array): void {
    try {
      const frame = decodePieceFrame(bytes);
      if (frame.type !== 'data' && frame.type !== 'failure') throw bad();
      const asked = this.#asked.get(frame.id);
      if (asked === undefined) throw bad();
      this.#watch();
      if (frame.type === 'data') this.#take(frame, asked);
      else this.#settle(frame.id, asked, new PotluckError(frame.code, `the coworker answered ${frame.code}`));
    } catch (thrown) {
      if (!(thrown instanceof PotluckError) || thrown.code !== 'BAD_MESSAGE') throw thrown;
      this.#fail(thrown);
      this.#socket.close(true);
    }
  }

  #take(frame: Extract<PieceFrame, { type: 'data' }>, asked: Asked): void {
    const { offset, total, bytes } = frame;
    if (total !== asked.length || offset !== asked.received) throw bad();
    asked.received += bytes.byteLength;
    if (bytes.byteLength === total) {
      this.#settle(frame.id, asked, bytes);
      return;
    }
    asked.bytes ??= this.#memory(total);
    asked.bytes.set(bytes, offset);
    if (asked.received === total) this.#settle(frame.id, asked, asked.bytes.subarray(0, total));
  }

  #settle(id: number, asked: Asked, answer: Uint8Array | PotluckError): void {
    this.#asked.delete(id);
    this.#inflightBytes -= asked.length;
    if (this.#asked.size === 0) this.#cancelIdle();
    try {
      asked.settle(answer);
    } finally {
      if (asked.bytes !== null) this.#spare.push(asked.bytes);
      if (this.#asked.size === 0) this.#spare.length = 0;
    }
  }

  #memory(length: number): Uint8Array {
    const at = this.#spare.findIndex((memory) => memory.byteLength >= length);
    const [spare] = at < 0 ? [] : this.#spare.splice(at, 1);
    return spare ?? new Uint8Array(new ArrayBuffer(length));
  }

  /** A coworker that sends nothing for a minute while something is asked of it has stopped answering. */
  #watch(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#clock.after(STREAM_IDLE_MAX_MS, () => {
      this.#fail(new PotluckError('TIMEOUT', 'the coworker sends nothing any more'));
      this.#socket.close();
    });
  }

  async #failWith(socket: PieceSocket): Promise<void> {
    await socket.closed;
    this.#fail(new PotluckError('PEER_OFFLINE', 'the connection to the coworker was lost'));
  }

  #fail(failure: PotluckError): void {
    this.#failure ??= failure;
    this.#cancelIdle();
    for (const [id, asked] of this.#asked) this.#settle(id, asked, this.#failure);
  }
}

function wrongBytes(): PotluckError {
  return new PotluckError('INTEGRITY', 'the bytes that came are not the ones that were promised');
}

function bad(): PotluckError {
  return new PotluckError('BAD_MESSAGE', 'the coworker sent what was not asked for');
}
