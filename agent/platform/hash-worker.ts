/**
 * The thread that reads and hashes files, so that the agent answers while a large one is hashed.
 *
 * Work comes as jobs of one or more open descriptors. Between two slices of a file the thread looks for new
 * messages and goes on with the job that has the least left, so that a small file does not wait for a large
 * one; one thread means that a disk is read by one hand. The thread opens and closes nothing: who opened a
 * descriptor closes it when the answer is there.
 */
import { fstatSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { HASH_BYTES, hashPiece, pieceCount, pieceLength, pieceSize, rootOf } from '../../protocol/manifest.js';
import type { FileStamp } from './share-files.js';

/** Hash whole files. */
export interface HashRequest {
  readonly type: 'hash';
  readonly job: number;
  readonly files: readonly { readonly fd: number; readonly stamp: FileStamp }[];
}
/** Compare some pieces of one file with its layer. */
export interface CompareRequest {
  readonly type: 'compare';
  readonly job: number;
  readonly fd: number;
  readonly size: number;
  readonly layer: Uint8Array;
  readonly pieces: readonly number[];
}
interface StopRequest {
  readonly type: 'stop';
  readonly job: number;
}
export type WorkerRequest = HashRequest | CompareRequest | StopRequest;

/** Of one file: its content id (null for an empty one) and layer, or that it changed while it was read. */
export type FileOutcome =
  | { readonly ok: true; readonly content: string | null; readonly layer: Uint8Array }
  | { readonly ok: false; readonly code: 'GONE' | 'UNREADABLE' };

export type WorkerReply =
  | { readonly type: 'progress'; readonly job: number; readonly bytes: number }
  | { readonly type: 'hashed'; readonly job: number; readonly outcomes: readonly FileOutcome[] }
  | { readonly type: 'compared'; readonly job: number; readonly right: readonly number[] }
  | { readonly type: 'stopped'; readonly job: number };

/** A job under way; `step` does one slice and says whether that was the last. */
interface Work {
  readonly job: number;
  left: number;
  step(): WorkerReply | null;
}

/** Bytes of one slice: short enough to look for messages often, long enough to read a disk in one go. */
const SLICE_BYTES = 16 * 1024 * 1024;

const port = parentPort;
const works: Work[] = [];
let buffer = new Uint8Array(0);
let isRunning = false;

port?.on('message', (request: WorkerRequest) => {
  switch (request.type) {
    case 'hash':
      works.push(hashing(request));
      break;
    case 'compare':
      works.push(comparing(request));
      break;
    case 'stop':
      stop(request.job);
      return;
    default:
      request satisfies never;
  }
  if (!isRunning) run();
});

function run(): void {
  isRunning = true;
  const work = works.toSorted((a, b) => a.left - b.left)[0];
  if (work === undefined) {
    isRunning = false;
    return;
  }
  const before = work.left;
  const reply = work.step();
  port?.postMessage({ type: 'progress', job: work.job, bytes: before - work.left } satisfies WorkerReply);
  if (reply !== null) {
    works.splice(works.indexOf(work), 1);
    port?.postMessage(reply);
  }
  setImmediate(run);
}

function stop(job: number): void {
  const at = works.findIndex((work) => work.job === job);
  if (at >= 0) works.splice(at, 1);
  port?.postMessage({ type: 'stopped', job } satisfies WorkerReply);
}

function hashing(request: HashRequest): Work {
  const outcomes: FileOutcome[] = [];
  let piece = 0;
  let layer = new Uint8Array(0);
  const next = (outcome: FileOutcome): void => {
    outcomes.push(outcome);
    piece = 0;
  };
  return {
    job: request.job,
    left: request.files.reduce((sum, file) => sum + file.stamp.size, 0),
    step() {
      for (let done = 0; done < SLICE_BYTES;) {
        const file = request.files[outcomes.length];
        if (file === undefined) return { type: 'hashed', job: request.job, outcomes };
        const { size } = file.stamp;
        if (piece === 0) layer = new Uint8Array(pieceCount(size) * HASH_BYTES);
        if (piece === pieceCount(size)) {
          next(finish(file.fd, file.stamp, layer));
          continue;
        }
        const bytes = readPiece(file.fd, piece, size);
        if (typeof bytes === 'string') {
          this.left -= size - piece * pieceLength(size);
          next({ ok: false, code: bytes });
          continue;
        }
        layer.set(hashPiece(bytes, piece, size), piece * HASH_BYTES);
        piece += 1;
        done += bytes.byteLength;
        this.left -= bytes.byteLength;
      }
      return null;
    },
  };
}

/** What was read counts only when the file is at its end what it was at its beginning. */
function finish(fd: number, before: FileStamp, layer: Uint8Array): FileOutcome {
  const now = fstatSync(fd, { bigint: true });
  if (Number(now.size) !== before.size || now.mtimeNs !== before.mtimeNs) return { ok: false, code: 'GONE' };
  return { ok: true, content: before.size === 0 ? null : rootOf(layer, before.size), layer };
}

function comparing(request: CompareRequest): Work {
  const right: number[] = [];
  let at = 0;
  return {
    job: request.job,
    left: request.pieces.reduce((sum, index) => sum + pieceSize(index, request.size), 0),
    step() {
      for (let done = 0; done < SLICE_BYTES; at++) {
        const index = request.pieces[at];
        if (index === undefined) return { type: 'compared', job: request.job, right };
        const bytes = readPiece(request.fd, index, request.size);
        const size = pieceSize(index, request.size);
        done += size;
        this.left -= size;
        if (typeof bytes === 'string') continue;
        const expected = request.layer.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
        if (Buffer.compare(hashPiece(bytes, index, request.size), expected) === 0) right.push(index);
      }
      return null;
    },
  };
}

/** A view into the buffer that the next call writes over. */
function readPiece(fd: number, index: number, size: number): Uint8Array | 'GONE' | 'UNREADABLE' {
  const length = pieceSize(index, size);
  if (buffer.byteLength < length) buffer = new Uint8Array(pieceLength(size));
  const start = index * pieceLength(size);
  try {
    for (let at = 0; at < length;) {
      const read = readSync(fd, buffer, at, length - at, start + at);
      if (read === 0) return 'GONE';
      at += read;
    }
  } catch {
    return 'UNREADABLE';
  }
  return buffer.subarray(0, length);
}
