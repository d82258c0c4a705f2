/**
 * Fetches files, one after the other and overlapping, over one connection: keeps it full, writes what is
 * verified, and gives each complete file its name.
 *
 * Everything that arrives is dealt with in the turn in which it arrives, without a promise: a small file is
 * hashed, written and placed right there. Only large files are waited for: their claims are compared with the
 * manifest on the hashing thread, and they are synced before they are placed.
 *
 * A file that cannot be had is told and left; what concerns the connection or the whole disk ends the pump.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { choosePiece } from '../core/piece-choice.js';
import type { Hasher } from '../platform/hasher.js';
import { PartialFile } from '../storage/partial.js';
import { type OnConflict, place, writePart } from '../storage/placing.js';
import type { Reservation } from '../storage/reservations.js';
import { type ErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { ContentId } from '../../protocol/ids.js';
import {
  LARGE_FILES_AT_ONCE_MAX_COUNT,
  LOCAL_FAILURES_MAX_COUNT,
  PIECES_INFLIGHT_MAX_BYTES,
  WRONG_PIECES_MAX_COUNT,
} from '../../protocol/limits.js';
import {
  HASH_BYTES,
  type Manifest,
  pieceCount,
  pieceSize,
  singlePieceManifest,
  type VerifiedPiece,
} from '../../protocol/manifest.js';
import type { WirePath } from '../../protocol/path.js';
import type { Fetched, PieceFetcher } from './fetch-piece.js';
import type { PlannedFile } from './tree-walk.js';

/** A file whose content is known, and its share of the space that was reserved. */
export interface WantedFile extends PlannedFile {
  /** Null for an empty file only. */
  readonly content: ContentId | null;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly reservation: Reservation;
  /** Bytes that its part takes on the disk already; they were not reserved. */
  readonly kept: number;
  /** How often it was described again because it had changed. */
  readonly tries: number;
}

export interface PumpOptions {
  readonly fetcher: PieceFetcher;
  readonly hasher: Hasher;
  /** For parts; private to this user. */
  readonly parts: string;
  readonly onConflict: OnConflict;
  /** Verified bytes are here: fetched now, or found from before. Fewer than none when they are of no use. */
  readonly onBytes: (bytes: number, isFetched: boolean) => void;
  readonly onWrong: (bytes: number) => void;
  /** @param name  what it is called now; null when it was skipped */
  readonly onPlaced: (file: WantedFile, name: string | null) => void;
  readonly onFailed: (file: WantedFile, code: ErrorCode) => void;
  /** The file is not what was described any more. */
  readonly onStale: (file: WantedFile, code: ErrorCode) => void;
  /** There is room for more files. */
  readonly onRoom: () => void;
}

/** A file of several pieces that is under way. */
interface Large {
  readonly file: WantedFile;
  readonly content: ContentId;
  partial: PartialFile | null;
  readonly asked: Set<number>;
  /** No piece before it is missing and not asked for. */
  from: number;
  wrong: number;
  /** Bytes of it that are on this disk. */
  here: number;
  isOver: boolean;
}

/** The file is not there any more as it was described. */
const STALE: ReadonlySet<ErrorCode> = new Set(['GONE', 'PATH_UNKNOWN', 'SHARE_UNKNOWN']);
const OF_THE_CONNECTION: ReadonlySet<ErrorCode> = new Set([
  'PEER_OFFLINE',
  'PEER_UNREACHABLE',
  'TIMEOUT',
  'BUSY',
  'BAD_MESSAGE',
  'CANCELLED',
]);
const OF_THE_DISK: ReadonlySet<ErrorCode> = new Set(['NO_SPACE', 'UNSAFE_FILES', 'CANCELLED']);
/** Files that wait for their turn: enough for a few messages of descriptions. */
const QUEUE_AIM_COUNT = 128;

export class FilePump {
  readonly #options: PumpOptions;
  readonly #abort = new AbortController();
  readonly #queue: WantedFile[] = [];
  readonly #large = new Set<Large>();
  /** Waits that are under way: comparing, syncing. */
  readonly #waits = new Set<Promise<void>>();
  #smallAsked = 0;
  #localFailures = 0;
  #failure: PotluckError | null = null;
  #isFilling = false;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** Files in hand, waiting or under way. */
  get count(): number {
    return this.#queue.length + this.#smallAsked + this.#large.size;
  }

  get hasRoom(): boolean {
    return this.#queue.length < QUEUE_AIM_COUNT;
  }

  /** Is nothing but local work going on: comparing what is here already? */
  get isChecking(): boolean {
    return this.#waits.size > 0 && this.#options.fetcher.inflightBytes === 0;
  }

  /** What ended the pump; null while it goes on. */
  get failure(): PotluckError | null {
    return this.#failure;
  }

  push(files: readonly WantedFile[]): void {
    this.#queue.push(...files);
    this.#fill();
  }

  /** Ends everything that is under way; what is here stays and is believed the next time. */
  async close(): Promise<void> {
    this.#fail(new PotluckError('CANCELLED', 'cancelled'));
    this.#abort.abort(this.#failure);
    this.#options.fetcher.close();
    await Promise.allSettled(this.#waits);
    for (const { partial } of this.#large) await partial?.close();
    this.#large.clear();
  }

  /** Asks for as much as may be asked for. */
  #fill(): void {
    // Placing a file from within tells of room, which may bring new files.
    if (this.#isFilling) return;
    this.#isFilling = true;
    while (this.#failure === null && (this.#askLarge() || this.#startNext())) {
      // Until nothing more can be asked for now.
    }
    this.#isFilling = false;
    if (this.hasRoom) this.#options.onRoom();
  }

  /** Asks for one piece of the large files. @returns false when none can be asked for */
  #askLarge(): boolean {
    const { fetcher } = this.#options;
    const sources = [{ has: null, inflightBytes: fetcher.inflightBytes }];
    for (const large of this.#large) {
      const { partial } = large;
      if (partial === null || large.isOver) continue;
      const { manifest, have } = partial;
      const choice = choosePiece(have, large.from, large.asked, sources, PIECES_INFLIGHT_MAX_BYTES);
      if (choice === null) continue;
      large.from = choice.index;
      if (!fetcher.hasRoomFor(pieceSize(choice.index, manifest.size))) return false;
      large.asked.add(choice.index);
      fetcher.fetchPiece(manifest, choice.index, (fetched) => this.#takeLarge(large, partial, choice.index, fetched));
      return true;
    }
    return false;
  }

  /** Begins with the next file. @returns false when there is none or no room for it */
  #startNext(): boolean {
    const [next] = this.#queue;
    if (next === undefined) return false;
    if (next.content === null) {
      this.#queue.shift();
      this.#placeSmall(next, new Uint8Array(0));
      return true;
    }
    if (pieceCount(next.size) > 1) {
      if (this.#large.size >= LARGE_FILES_AT_ONCE_MAX_COUNT || !this.#options.fetcher.hasRoomFor(0)) return false;
      this.#queue.shift();
      this.#startLarge(next, next.content);
      return true;
    }
    if (!this.#options.fetcher.hasRoomFor(next.size)) return false;
    this.#queue.shift();
    this.#askSmall(next, singlePieceManifest(next.content, next.size), 0);
    return true;
  }

  #askSmall(file: WantedFile, manifest: Manifest, wrong: number): void {
    this.#smallAsked += 1;
    this.#options.fetcher.fetchPiece(manifest, 0, (fetched) => {
      this.#smallAsked -= 1;
      if (this.#failure !== null) return;
      if ('ok' in fetched) {
        this.#options.onBytes(file.size, true);
        this.#placeSmall(file, fetched.ok.bytes);
      } else if (fetched.error.code === 'INTEGRITY') {
        this.#options.onWrong(file.size);
        if (wrong + 1 < WRONG_PIECES_MAX_COUNT) this.#askSmall(file, manifest, wrong + 1);
        else this.#giveUp(file, file.size, 'INTEGRITY');
      } else this.#refused(file, file.size, fetched.error);
      this.#fill();
    });
  }

  #placeSmall(file: WantedFile, bytes: Uint8Array): void {
    const part = path.join(this.#options.parts, 'small');
    try {
      writePart(part, bytes, file.modified);
      file.reservation.use(file.size);
      this.#placed(file, part);
    } catch (thrown) {
      this.#localFailure(file, file.size, thrown);
    }
  }

  #startLarge(file: WantedFile, content: ContentId): void {
    const large: Large = { file, content, partial: null, asked: new Set(), from: 0, wrong: 0, here: 0, isOver: false };
    this.#large.add(large);
    this.#options.fetcher.fetchLayer(content, file.size, (fetched) => {
      if (this.#failure !== null) return;
      if ('ok' in fetched) this.#wait(this.#openLarge(large, fetched.ok), large);
      else if (fetched.error.code === 'INTEGRITY') {
        this.#options.onWrong(pieceCount(file.size) * HASH_BYTES);
        this.#endLarge(large, (unused) => this.#giveUp(file, unused, 'INTEGRITY'));
      } else this.#endLarge(large, (unused) => this.#refused(file, unused, fetched.error));
      this.#fill();
    });
  }

  /** Opens what is here of the file and makes sure of it. */
  async #openLarge(large: Large, manifest: Manifest): Promise<void> {
    const { hasher, onBytes } = this.#options;
    const partial = PartialFile.open(this.#partOf(large.file), manifest);
    try {
      if (partial.claimed.length > 0) {
        const right = await hasher.compare(partial.fd, manifest, partial.claimed, () => undefined, this.#abort.signal);
        partial.settleClaims(right);
      }
    } catch (thrown) {
      await partial.close();
      throw thrown;
    }
    large.partial = partial;
    for (let index = 0; index < partial.have.count; index++) {
      if (partial.have.has(index)) large.here += pieceSize(index, manifest.size);
    }
    large.file.reservation.use(Math.max(0, large.here - large.file.kept));
    onBytes(large.here, false);
    if (partial.have.isFull) this.#finishLarge(large, partial);
    this.#fill();
  }

  #takeLarge(large: Large, partial: PartialFile, index: number, fetched: Fetched<VerifiedPiece>): void {
    large.asked.delete(index);
    if (this.#failure !== null || large.isOver) return;
    if ('ok' in fetched) this.#writePiece(large, partial, fetched.ok);
    else if (fetched.error.code === 'INTEGRITY') {
      this.#options.onWrong(pieceSize(index, large.file.size));
      large.wrong += 1;
      large.from = Math.min(large.from, index);
      if (large.wrong >= WRONG_PIECES_MAX_COUNT) {
        this.#endLarge(large, (unused) => this.#giveUp(large.file, unused, 'INTEGRITY'));
      }
    } else this.#endLarge(large, (unused) => this.#refused(large.file, unused, fetched.error));
    this.#fill();
  }

  #writePiece(large: Large, partial: PartialFile, piece: VerifiedPiece): void {
    try {
      partial.write(piece);
    } catch (thrown) {
      this.#endLarge(large, (unused) => this.#localFailure(large.file, unused, thrown));
      return;
    }
    large.here += piece.bytes.byteLength;
    large.file.reservation.use(piece.bytes.byteLength);
    this.#options.onBytes(piece.bytes.byteLength, true);
    if (partial.have.isFull) this.#finishLarge(large, partial);
  }

  #finishLarge(large: Large, partial: PartialFile): void {
    large.isOver = true;
    const finish = async (): Promise<void> => {
      await partial.finish(large.file.modified);
      this.#large.delete(large);
      this.#placed(large.file, partial.path);
      this.#fill();
    };
    this.#wait(finish(), large);
  }

  /** The file is not fetched any more; its part stays for another try. `tell` is told what was reserved for nothing. */
  #endLarge(large: Large, tell: (unused: number) => void): void {
    large.isOver = true;
    this.#large.delete(large);
    this.#wait(large.partial?.close() ?? Promise.resolve(), large);
    tell(unusedOf(large));
    // When all of it stops, what is here of this file stays and counts.
    if (this.#failure === null) this.#options.onBytes(-large.here, false);
  }

  #wait(work: Promise<void>, large: Large): void {
    const waited = work
      .catch((thrown: unknown) => {
        this.#large.delete(large);
        if (this.#failure === null) this.#localFailure(large.file, unusedOf(large), thrown);
      })
      .finally(() => {
        this.#waits.delete(waited);
        if (this.#failure === null) this.#fill();
      });
    this.#waits.add(waited);
  }

  #placed(file: WantedFile, part: string): void {
    const name = place(part, file.folder, file.name, this.#options.onConflict);
    this.#localFailures = 0;
    this.#options.onPlaced(file, name);
  }

  /** The coworker does not give it: it concerns this file, or the connection and with it all of them. */
  #refused(file: WantedFile, unused: number, error: PotluckError): void {
    if (STALE.has(error.code)) {
      file.reservation.use(unused);
      this.#options.onStale(file, error.code);
    } else if (OF_THE_CONNECTION.has(error.code)) this.#fail(error);
    else this.#giveUp(file, unused, error.code);
  }

  /** A full disk is no fault of this file; and when file after file cannot be written, none can. */
  #localFailure(file: WantedFile, unused: number, thrown: unknown): void {
    const error = toPotluckError(thrown);
    this.#localFailures += 1;
    const concernsAll = OF_THE_DISK.has(error.code) || this.#localFailures >= LOCAL_FAILURES_MAX_COUNT;
    if (concernsAll) this.#fail(error);
    else this.#giveUp(file, unused, error.code);
  }

  #giveUp(file: WantedFile, unused: number, code: ErrorCode): void {
    file.reservation.use(unused);
    if (pieceCount(file.size) > 1) rmSync(this.#partOf(file), { force: true });
    this.#options.onFailed(file, code);
  }

  #fail(error: PotluckError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#options.onRoom();
  }

  #partOf(file: WantedFile): string {
    return partOf(this.#options.parts, file.path);
  }
}

/** Where the part of a file is: the same for the same file each time, so that it is found again. */
export function partOf(parts: string, file: WirePath): string {
  return path.join(parts, createHash('sha256').update(file).digest('hex').slice(0, 24));
}

/** Bytes that were reserved for a file and were not written. */
function unusedOf({ file, here }: Large): number {
  return Math.max(0, file.size - Math.max(here, file.kept));
}
