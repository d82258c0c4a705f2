/**
 * Content ids of files on this disk, made on a thread of their own.
 *
 * The caller opens the files and closes them when the promise has settled, not before: the thread reads from
 * the same descriptors. When the signal aborts, the promise rejects only after the thread has let go of them.
 */
import { Worker } from 'node:worker_threads';
import { PotluckError } from '../../protocol/errors.js';
import type { ContentId } from '../../protocol/ids.js';
import { HASH_JOBS_MAX_COUNT } from '../../protocol/limits.js';
import type { Manifest } from '../../protocol/manifest.js';
import type { CompareRequest, FileOutcome, HashRequest, WorkerReply, WorkerRequest } from './hash-worker.js';
import type { Closable } from './scope.js';
import type { FileStamp, OpenFile } from './share-files.js';

/** What is known of a file's bytes; `content` is null for an empty file only. */
export interface Hashed {
  readonly stamp: FileStamp;
  readonly content: ContentId | null;
  /** One hash a piece. */
  readonly layer: Uint8Array;
}

export type HashOutcome = Hashed | { readonly code: 'GONE' | 'UNREADABLE' };

export interface Hasher extends Closable {
  /**
   * Hashes files, in order.
   * @param onBytes  told of bytes as they are hashed
   * @returns one outcome a file: GONE when it changed while it was read
   * @throws PotluckError BUSY: too many jobs wait; CANCELLED; INTERNAL: the thread failed
   */
  hash(files: readonly OpenFile[], onBytes: (bytes: number) => void, signal: AbortSignal): Promise<HashOutcome[]>;
  /**
   * Which of these pieces of an open file are what the manifest says.
   * @throws PotluckError as `hash`
   */
  compare(
    fd: number,
    manifest: Manifest,
    pieces: readonly number[],
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<readonly number[]>;
}

type Reply = Exclude<WorkerReply, { type: 'progress' }>;
type Work = Omit<HashRequest, 'job'> | Omit<CompareRequest, 'job'>;

interface Job {
  readonly onBytes: (bytes: number) => void;
  readonly settle: (reply: Reply) => void;
  readonly fail: (thrown: Error) => void;
}

/** Starts its thread with the first file. */
export function createHasher(): Hasher {
  return new ThreadHasher();
}

class ThreadHasher implements Hasher {
  readonly #jobs = new Map<number, Job>();
  #worker: Worker | null = null;
  #nextJob = 0;
  #isClosed = false;

  async hash(
    files: readonly OpenFile[],
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<HashOutcome[]> {
    const sent = files.map(({ fd, stamp }) => ({ fd, stamp }));
    const reply = await this.#run({ type: 'hash', files: sent }, onBytes, signal);
    if (reply.type !== 'hashed') throw unexpected(reply);
    return files.map(({ stamp }, at) => outcomeOf(stamp, reply.outcomes[at]));
  }

  async compare(
    fd: number,
    { size, layer }: Manifest,
    pieces: readonly number[],
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const reply = await this.#run({ type: 'compare', fd, size, layer, pieces }, onBytes, signal);
    if (reply.type !== 'compared') throw unexpected(reply);
    return reply.right;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
    this.#failAll(new PotluckError('CANCELLED', 'the agent stops'));
  }

  #run(work: Work, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    if (this.#isClosed) throw new PotluckError('CANCELLED', 'the agent stops');
    if (this.#jobs.size >= HASH_JOBS_MAX_COUNT) throw new PotluckError('BUSY', 'too many files wait to be hashed');
    const job = this.#nextJob++;
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      const stop = (): void => worker.postMessage({ type: 'stop', job } satisfies WorkerRequest);
      const end = (settle: () => void): void => {
        this.#jobs.delete(job);
        signal.removeEventListener('abort', stop);
        if (this.#jobs.size === 0) worker.unref();
        settle();
      };
      this.#jobs.set(job, {
        onBytes,
        settle: (reply) => end(() => (reply.type === 'stopped' ? reject(signal.reason as Error) : resolve(reply))),
        fail: (thrown) => end(() => reject(thrown)),
      });
      signal.addEventListener('abort', stop, { once: true });
      worker.ref();
      worker.postMessage({ ...work, job });
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./hash-worker.js', import.meta.url), { name: 'hasher' });
    worker.on('message', (reply: WorkerReply) => {
      const job = this.#jobs.get(reply.job);
      if (reply.type === 'progress') job?.onBytes(reply.bytes);
      else job?.settle(reply);
    });
    worker.on('error', (thrown) => {
      // A new thread is started for the next job.
      if (this.#worker === worker) this.#worker = null;
      this.#failAll(new PotluckError('INTERNAL', 'hashing failed', { cause: thrown }));
    });
    return worker;
  }

  #failAll(thrown: PotluckError): void {
    for (const job of this.#jobs.values()) job.fail(thrown);
  }
}

function outcomeOf(stamp: FileStamp, outcome: FileOutcome | undefined): HashOutcome {
  if (outcome === undefined) throw new PotluckError('INTERNAL', 'hashing lost a file');
  if (!outcome.ok) return { code: outcome.code };
  return { stamp, content: outcome.content as ContentId | null, layer: outcome.layer };
}

function unexpected(reply: Reply): PotluckError {
  return new PotluckError('INTERNAL', `hashing answered ${reply.type}`);
}
