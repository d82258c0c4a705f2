/**
 * The content ids of files of this PC's shares: from the cache, or hashed now.
 *
 * A large file that several coworkers ask for at once is hashed once; it is given up when the last of them
 * no longer wants it. Small files of one request are hashed together, and they do not queue behind large
 * ones: looking into the cache waits for nobody.
 */
import { closeSync } from 'node:fs';
import { Slots } from '../net/slots.js';
import type { Clock } from '../platform/clock.js';
import type { Hasher, HashOutcome } from '../platform/hasher.js';
import {
  type EntryFacts,
  type FileStamp,
  lookAtEntries,
  type OpenFile,
  openShareFile,
} from '../platform/share-files.js';
import { type Contents, type HashedFile, stampText } from '../storage/contents.js';
import { type ErrorCode, toPotluckError } from '../../protocol/errors.js';
import type { ContentId } from '../../protocol/ids.js';
import { DESCRIBE_HASHINGS_MAX_COUNT, FILE_MAX_BYTES } from '../../protocol/limits.js';
import type { OnProgress } from '../../protocol/peer/messages.js';
import { nameOf, parentOf, type WirePath } from '../../protocol/path.js';

export type Described =
  | { readonly ok: true; readonly size: number; readonly modified: number; readonly content: ContentId | null }
  | { readonly ok: false; readonly code: ErrorCode };

/** A file and its place in the answer. */
interface AskedFile {
  readonly at: number;
  readonly path: WirePath;
}

/** One that has to be hashed first. */
interface Unhashed extends AskedFile {
  readonly stamp: FileStamp;
}

interface Hashing {
  readonly done: Promise<Described>;
  readonly listeners: Set<(bytes: number) => void>;
  readonly abort: AbortController;
  bytes: number;
  wanted: number;
}

/** From here on a file is hashed by itself, and for everybody who wants it. */
const LARGE_BYTES = 16 * 1024 * 1024;

export interface ContentIdsOptions {
  readonly contents: Contents;
  readonly hasher: Hasher;
  readonly clock: Clock;
}

export class ContentIds {
  readonly #options: ContentIdsOptions;
  readonly #largeSlots = new Slots(DESCRIBE_HASHINGS_MAX_COUNT);
  readonly #smallSlots = new Slots(DESCRIBE_HASHINGS_MAX_COUNT);
  readonly #hashings = new Map<string, Hashing>();

  constructor(options: ContentIdsOptions) {
    this.#options = options;
  }

  /**
   * Describes files of one share, in order; one that cannot be read does not disturb the others.
   * @param root        the shared folder, absolute
   * @param onProgress  told while files are hashed: bytes so far and in all
   */
  async describe(
    root: string,
    paths: readonly WirePath[],
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<Described[]> {
    const answers: Described[] = [];
    const unhashed: Unhashed[] = [];
    for (const [folder, files] of byFolder(paths)) {
      for (const [at, known] of this.#lookUp(root, folder, files)) {
        if ('stamp' in known) unhashed.push(known);
        else answers[at] = known;
      }
    }
    if (unhashed.length === 0) return answers;

    const total = unhashed.reduce((sum, { stamp }) => sum + stamp.size, 0);
    let done = 0;
    const onBytes = (bytes: number): void => onProgress((done += bytes), total);
    const large = unhashed.filter(({ stamp }) => stamp.size >= LARGE_BYTES);
    const small = unhashed.filter(({ stamp }) => stamp.size < LARGE_BYTES);
    await Promise.all([
      this.#hashSmall(root, small, answers, onBytes, signal),
      ...large.map(async (file) => {
        answers[file.at] = await this.#hashLarge(root, file, onBytes, signal);
      }),
    ]);
    return answers;
  }

  /** What is known of some files of one folder, without opening them. */
  #lookUp(root: string, folder: WirePath, files: readonly AskedFile[]): [number, Described | Unhashed][] {
    let facts: ReadonlyMap<string, EntryFacts>;
    try {
      const names = files.map(({ path }) => nameOf(path));
      facts = new Map(lookAtEntries(root, folder, names).map((entry) => [entry.name, entry]));
    } catch (thrown) {
      const { code } = toPotluckError(thrown);
      return files.map(({ at }) => [at, { ok: false, code }]);
    }
    return files.map(({ at, path }) => [at, this.#known(root, path, at, facts.get(nameOf(path)))]);
  }

  #known(root: string, path: WirePath, at: number, entry: EntryFacts | undefined): Described | Unhashed {
    if (entry?.type !== 'file') return { ok: false, code: 'PATH_UNKNOWN' };
    const { stamp, modifiedMs } = entry;
    if (stamp.size > FILE_MAX_BYTES) return { ok: false, code: 'TOO_LARGE' };
    const content = this.#options.contents.find({ root, path }, stamp);
    if (content === undefined) return { at, path, stamp };
    return { ok: true, size: stamp.size, modified: wireTime(modifiedMs), content };
  }

  async #hashSmall(
    root: string,
    files: readonly Unhashed[],
    answers: Described[],
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (files.length === 0) return;
    const leave = await this.#smallSlots.take(signal);
    try {
      const described = await this.#hash(root, files, onBytes, signal);
      for (const [index, { at }] of files.entries()) answers[at] = described[index] ?? { ok: false, code: 'INTERNAL' };
    } finally {
      leave();
    }
  }

  async #hashLarge(
    root: string,
    file: Unhashed,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<Described> {
    const key = `${root}\0${file.path}\0${stampText(file.stamp)}`;
    const hashing = this.#hashings.get(key) ?? this.#startHashing(key, root, file);
    hashing.wanted += 1;
    onBytes(hashing.bytes);
    hashing.listeners.add(onBytes);
    let stop: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
    try {
      return await Promise.race([hashing.done, aborted]);
    } finally {
      if (stop !== undefined) signal.removeEventListener('abort', stop);
      hashing.listeners.delete(onBytes);
      hashing.wanted -= 1;
      if (hashing.wanted === 0) {
        if (this.#hashings.get(key) === hashing) this.#hashings.delete(key);
        hashing.abort.abort();
      }
    }
  }

  #startHashing(key: string, root: string, file: Unhashed): Hashing {
    const abort = new AbortController();
    const listeners = new Set<(bytes: number) => void>();
    const run = async (): Promise<Described> => {
      const leave = await this.#largeSlots.take(abort.signal);
      try {
        const [described] = await this.#hash(root, [file], onBytes, abort.signal);
        return described ?? { ok: false, code: 'INTERNAL' };
      } finally {
        leave();
      }
    };
    const onBytes = (bytes: number): void => {
      hashing.bytes += bytes;
      for (const listener of listeners) listener(bytes);
    };
    const hashing: Hashing = { done: run(), listeners, abort, bytes: 0, wanted: 0 };
    // Nobody is left to hear of it when it fails because nobody wants it.
    hashing.done.catch(() => undefined);
    this.#hashings.set(key, hashing);
    return hashing;
  }

  async #hash(
    root: string,
    files: readonly Unhashed[],
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<Described[]> {
    const answers: Described[] = [];
    const open: { readonly at: number; readonly path: WirePath; readonly file: OpenFile }[] = [];
    try {
      for (const [at, { path }] of files.entries()) {
        try {
          open.push({ at, path, file: openShareFile(root, path) });
        } catch (thrown) {
          answers[at] = { ok: false, code: toPotluckError(thrown).code };
        }
      }
      const hashedMs = this.#options.clock.wallMs();
      const outcomes = await this.#options.hasher.hash(
        open.map(({ file }) => file),
        onBytes,
        signal,
      );
      const kept: HashedFile[] = [];
      for (const [index, { at, path, file }] of open.entries()) {
        const outcome: HashOutcome = outcomes[index] ?? { code: 'UNREADABLE' };
        if ('code' in outcome) {
          answers[at] = { ok: false, code: outcome.code };
          continue;
        }
        kept.push({ root, path, hashed: outcome, modifiedMs: file.modifiedMs, hashedMs });
        const modified = wireTime(file.modifiedMs);
        answers[at] = { ok: true, size: outcome.stamp.size, modified, content: outcome.content };
      }
      this.#options.contents.remember(kept);
      return answers;
    } finally {
      for (const { file } of open) closeSync(file.fd);
    }
  }
}

/** Files of one folder together: looking at them begins with the way to their folder. */
function byFolder(paths: readonly WirePath[]): Map<WirePath, AskedFile[]> {
  const folders = new Map<WirePath, AskedFile[]>();
  for (const [at, path] of paths.entries()) {
    const folder = parentOf(path);
    const files = folders.get(folder);
    if (files === undefined) folders.set(folder, [{ at, path }]);
    else files.push({ at, path });
  }
  return folders;
}

/** A time of a file system as it may be sent: some disks hold times that no calendar has. */
export function wireTime(modifiedMs: number): number {
  return Math.round(Math.min(8.64e15, Math.max(-8.64e15, modifiedMs)));
}
