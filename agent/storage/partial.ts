/**
 * A file that is still arriving: `.potluck-part/TRANSFER/N` beside where it will be, for this user only.
 *
 * Nothing but verified pieces is ever written to it. Behind the bytes of the file stands a record of which
 * pieces were written, one bit each, set right after the piece itself. After `kill -9` both are as they were;
 * after a power cut either may be missing. So what an earlier process wrote is only a claim: it is hashed
 * again before it counts (at most the piece that was being written is fetched twice). Only a file that was
 * closed in peace, synced first and marked as such afterwards, is believed without.
 *
 * Layout: the file's bytes (with holes) ‖ "POTLUCK1" ‖ content id (32) ‖ closed in peace (1) ‖ bits.
 */
import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { Bitfield } from '../core/bitfield.js';
import { PotluckError } from '../../protocol/errors.js';
import { fromHex } from '../../protocol/ids.js';
import { type Manifest, pieceCount, pieceLength, type VerifiedPiece } from '../../protocol/manifest.js';

const MAGIC = Buffer.from('POTLUCK1');
const PEACE_AT = MAGIC.length + 32;
const BITS_AT = PEACE_AT + 1;
const NO_FOLLOW = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;
const sync = promisify(fdatasync);

export class PartialFile {
  readonly path: string;
  readonly manifest: Manifest;
  readonly fd: number;
  /** What is here and verified. */
  readonly have: Bitfield;
  /** What an earlier process says it wrote: to be compared with the manifest, see `settleClaims`. */
  readonly claimed: readonly number[];
  readonly #record: Buffer;
  #claimsAreOpen: boolean;
  #isOpen = true;

  private constructor(path: string, manifest: Manifest, fd: number, record: Buffer, isBelieved: boolean) {
    this.path = path;
    this.manifest = manifest;
    this.fd = fd;
    this.#record = record;
    const count = pieceCount(manifest.size);
    const written = Bitfield.from(record.subarray(BITS_AT), count) ?? new Bitfield(count);
    this.have = isBelieved ? written : new Bitfield(count);
    this.claimed = isBelieved ? [] : Array.from({ length: count }, (_, index) => index).filter((at) => written.has(at));
    this.#claimsAreOpen = this.claimed.length > 0;
  }

  /**
   * Opens what is there for this content, or begins anew.
   * @param path  in a folder that is private to this user
   * @throws PotluckError NO_SPACE; FAILED: it cannot be written there
   */
  static open(path: string, manifest: Manifest): PartialFile {
    return guarded(() => {
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | NO_FOLLOW, 0o600);
      try {
        const kept = readRecord(fd, manifest);
        const record = kept ?? newRecord(manifest);
        if (kept === null) ftruncateSync(fd, 0);
        const isBelieved = record[PEACE_AT] === 1;
        record[PEACE_AT] = 0;
        writeSync(fd, record, 0, record.length, manifest.size);
        // From here on a process that ends without closing it leaves claims only.
        if (isBelieved) fdatasyncSync(fd);
        return new PartialFile(path, manifest, fd, record, isBelieved);
      } catch (thrown) {
        closeSync(fd);
        throw thrown;
      }
    });
  }

  /**
   * The claimed pieces were compared with the manifest; the others of them are missing from now on.
   * @param right  those that are what they claim to be
   */
  settleClaims(right: readonly number[]): void {
    for (const index of right) this.have.set(index);
    this.#claimsAreOpen = false;
    this.#record.set(this.have.toBytes(), BITS_AT);
    guarded(() => writeAll(this.fd, this.#record, this.manifest.size));
  }

  /** @throws PotluckError NO_SPACE, FAILED: the piece is not here */
  write(piece: VerifiedPiece): void {
    assert(piece.content === this.manifest.content && this.#isOpen);
    guarded(() => {
      const start = piece.index * pieceLength(this.manifest.size);
      writeAll(this.fd, piece.bytes, start);
      const at = BITS_AT + (piece.index >>> 3);
      this.#record[at] = (this.#record[at] ?? 0) | (0x80 >>> (piece.index & 7));
      writeAll(this.fd, this.#record.subarray(at, at + 1), this.manifest.size + at);
    });
    this.have.set(piece.index);
  }

  /**
   * Makes the complete file what it will be, safe on the disk, and closes it. It still has to be put in place.
   * @param modifiedMs  milliseconds since 1970
   */
  async finish(modifiedMs: number): Promise<void> {
    assert(this.have.isFull && this.#isOpen);
    try {
      ftruncateSync(this.fd, this.manifest.size);
      futimesSync(this.fd, modifiedMs / 1000, modifiedMs / 1000);
      await sync(this.fd);
    } catch (thrown) {
      throw failure(thrown);
    } finally {
      this.#end();
    }
  }

  /** Closes it so that what is here is believed the next time, unless claims were not compared. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    try {
      if (!this.#claimsAreOpen) {
        await sync(this.fd);
        if (this.#isOpen) writeSync(this.fd, Uint8Array.of(1), 0, 1, this.manifest.size + PEACE_AT);
      }
    } catch {
      // It is hashed again the next time, nothing worse.
    } finally {
      this.#end();
    }
  }

  #end(): void {
    if (this.#isOpen) closeSync(this.fd);
    this.#isOpen = false;
  }
}

/** The record of an earlier process, or null when the file is not this content's. */
function readRecord(fd: number, manifest: Manifest): Buffer | null {
  const expected = newRecord(manifest);
  const { size } = fstatSync(fd);
  if (size === manifest.size) {
    // The record was cut off to put the file in place, and then the process ended.
    for (let index = 0; index < pieceCount(size); index++) {
      const at = BITS_AT + (index >>> 3);
      expected[at] = (expected[at] ?? 0) | (0x80 >>> (index & 7));
    }
    return expected;
  }
  if (size !== manifest.size + expected.length) return null;
  const record = Buffer.alloc(expected.length);
  if (readSync(fd, record, 0, record.length, manifest.size) !== record.length) return null;
  return record.subarray(0, PEACE_AT).equals(expected.subarray(0, PEACE_AT)) ? record : null;
}

function newRecord(manifest: Manifest): Buffer {
  const bits = Buffer.alloc(Math.ceil(pieceCount(manifest.size) / 8));
  return Buffer.concat([MAGIC, fromHex(manifest.content), Buffer.alloc(1), bits]);
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(fd, bytes, at, bytes.byteLength - at, position + at);
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw failure(thrown);
  }
}

/** A failure to write in our words: who asked for the file may see where it was to be. */
export function failure(thrown: unknown): PotluckError {
  if (thrown instanceof PotluckError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PotluckError('NO_SPACE', 'the disk is full', { cause: thrown });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PotluckError('FAILED', 'the folder may not be written', { cause: thrown });
  }
  return new PotluckError('FAILED', `the file cannot be written (${code || 'unknown'})`, { cause: thrown });
}
