/**
 * How far a download is: counted while it runs, kept when it stops, shown on the board.
 */
import { type ErrorCode } from '../../protocol/errors.js';
import { TRANSFER_FAILURES_KEPT_COUNT } from '../../protocol/limits.js';

export interface Failed {
  readonly path: string;
  readonly code: ErrorCode;
}

/** What is counted, and what a run before has counted already. */
export interface Counts {
  readonly bytes: number;
  readonly size: number;
  readonly files: number;
  readonly filesDone: number;
  readonly wrong: number;
}

/** Part of the newest rate in the one that is shown. */
const NEWEST = 0.2;

export class Progress {
  /** Bytes that are here and verified. */
  bytes = 0;
  size = 0;
  files = 0;
  filesDone = 0;
  wrong: number;
  readonly failed: Failed[] = [];
  failedCount = 0;
  /** Bytes that came over the network in this run. */
  fetched = 0;
  /** Bytes a second, smoothed. */
  rate = 0;
  readonly #before: Counts;
  #fetchedAtLook = 0;

  /** @param before  of an earlier run: what is shown does not fall back while the same files are counted again */
  constructor(before: Counts) {
    this.#before = before;
    this.wrong = before.wrong;
  }

  planned(size: number): void {
    this.files += 1;
    this.size += size;
  }

  /** The size of a planned file turned out to be another one. */
  resized(from: number, to: number): void {
    this.size += to - from;
  }

  /** A file is in place that had not to be fetched. */
  alreadyHere(bytes: number): void {
    this.bytes += bytes;
    this.filesDone += 1;
  }

  fail(path: string, code: ErrorCode): void {
    this.failedCount += 1;
    if (this.failed.length < TRANSFER_FAILURES_KEPT_COUNT) this.failed.push({ path, code });
  }

  /** Called at regular intervals of `elapsedMs`. */
  look(elapsedMs: number): void {
    const newest = ((this.fetched - this.#fetchedAtLook) * 1000) / elapsedMs;
    this.#fetchedAtLook = this.fetched;
    this.rate = this.rate === 0 ? newest : (1 - NEWEST) * this.rate + NEWEST * newest;
  }

  /** @param isOver  everything was counted: what a run before saw is of no interest any more */
  counts(isOver: boolean): Counts {
    const { bytes, size, files, filesDone, wrong } = this;
    if (isOver) return { bytes, size, files, filesDone, wrong };
    const before = this.#before;
    const shownSize = Math.max(size, before.size);
    return {
      bytes: Math.min(shownSize, Math.max(bytes, before.bytes)),
      size: shownSize,
      files: Math.max(files, before.files),
      filesDone: Math.max(filesDone, before.filesDone),
      wrong,
    };
  }
}
