/**
 * Which pieces are there: one bit a piece, counted as it changes.
 *
 * Piece 0 is the highest bit of the first byte, as in BitTorrent. The bits behind the last piece are zero;
 * bytes from outside in which they are not are refused.
 */

export class Bitfield {
  readonly count: number;
  readonly #bytes: Uint8Array;
  #held = 0;

  /** @param count  how many pieces there are, all missing */
  constructor(count: number) {
    this.count = count;
    this.#bytes = new Uint8Array(Math.ceil(count / 8));
  }

  /** @returns null when these are not the bytes of a field of `count` pieces */
  static from(bytes: Uint8Array, count: number): Bitfield | null {
    const field = new Bitfield(count);
    const spare = field.#bytes.length * 8 - count;
    const last = bytes[bytes.length - 1] ?? 0;
    if (bytes.length !== field.#bytes.length || (last & ((1 << spare) - 1)) !== 0) return null;
    field.#bytes.set(bytes);
    for (const byte of bytes) field.#held += ones(byte);
    return field;
  }

  /** How many pieces are there. */
  get held(): number {
    return this.#held;
  }

  get isFull(): boolean {
    return this.#held === this.count;
  }

  has(index: number): boolean {
    return ((this.#bytes[index >>> 3] ?? 0) & (0x80 >>> (index & 7))) !== 0;
  }

  /** Marks a piece as there. @throws RangeError when there is no such piece */
  set(index: number): void {
    if (index < 0 || index >= this.count) throw new RangeError(`no piece ${index} of ${this.count}`);
    if (this.has(index)) return;
    this.#bytes[index >>> 3] = (this.#bytes[index >>> 3] ?? 0) | (0x80 >>> (index & 7));
    this.#held += 1;
  }

  /** The first missing piece at or after `from`, or null. */
  nextMissing(from: number): number | null {
    for (let index = from; index < this.count; index++) {
      if ((index & 7) === 0 && this.#bytes[index >>> 3] === 0xff) index += 7;
      else if (!this.has(index)) return index;
    }
    return null;
  }

  /** A copy, which later changes do not touch. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }
}

function ones(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>>= 1) count += rest & 1;
  return count;
}
