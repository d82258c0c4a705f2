/**
 * A coworker's folder, walked page by page while its files are fetched already: its folders are made here,
 * its files are handed on with the place where each belongs.
 *
 * What cannot be had (too deep, a name too long for this disk) is told and left out; the rest goes on.
 */
import { lstatSync, mkdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { failure } from '../storage/partial.js';
import { type ErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { ContentId, PeerId, ShareId } from '../../protocol/ids.js';
import { FILE_MAX_BYTES, NUMBERED_NAMES_MAX_COUNT, TRANSFER_FILES_MAX_COUNT } from '../../protocol/limits.js';
import { joinPath, numberedName, type WirePath } from '../../protocol/path.js';
import type { OnProgress, PeerAnswer } from '../../protocol/peer/messages.js';
import type { ShareEntry } from '../../protocol/peer/shares.js';
import { LocalNames } from './local-names.js';

/** What a transfer needs of a coworker's shares; agent.ts hands down the real ones. */
export interface RemoteFiles {
  /** @throws PotluckError SHARE_UNKNOWN, PATH_UNKNOWN, PEER_OFFLINE, … */
  resolve(
    peer: PeerId,
    share: string,
    path: string,
    signal: AbortSignal,
  ): Promise<{
    readonly share: { readonly id: ShareId; readonly name: string };
    readonly path: WirePath;
    /** Null for the share itself. */
    readonly entry: ShareEntry | null;
  }>;
  pages(peer: PeerId, share: ShareId, path: WirePath, signal: AbortSignal): AsyncIterable<readonly ShareEntry[]>;
  describe(
    peer: PeerId,
    share: ShareId,
    paths: readonly WirePath[],
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<PeerAnswer<'content.describe'>['items']>;
}

/** A file that is to be fetched, and where it belongs. */
export interface PlannedFile {
  readonly path: WirePath;
  /** Absolute, on this disk. */
  readonly folder: string;
  /** Safe for this disk. */
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** As the coworker's listing tells it; null where it has to be asked for. */
  readonly content: ContentId | null;
}

interface PlannedFolder {
  readonly path: WirePath;
  readonly folder: string;
  readonly modified: number;
}

export interface TreeWalkOptions {
  readonly remote: RemoteFiles;
  readonly peer: PeerId;
  readonly share: ShareId;
  /** The folder at the coworker. */
  readonly path: WirePath;
  /** The folder here, which is there already. */
  readonly folder: string;
  /** Milliseconds since 1970; null where the folder has no time of its own. */
  readonly modified: number | null;
  readonly onFailed: (path: string, code: ErrorCode) => void;
}

export class TreeWalk {
  readonly #options: TreeWalkOptions;
  /** Every folder that was made, so that each gets its time when nothing is written into it any more. */
  readonly #made: PlannedFolder[] = [];
  #entries = 0;

  constructor(options: TreeWalkOptions) {
    this.#options = options;
  }

  /**
   * The files of the tree, one page of a folder at a time.
   * @throws PotluckError QUOTA: more than TRANSFER_FILES_MAX_COUNT entries; NO_SPACE; what the coworker answers
   */
  async *files(signal: AbortSignal): AsyncGenerator<PlannedFile[]> {
    const { remote, peer, share, onFailed } = this.#options;
    const root = { path: this.#options.path, folder: this.#options.folder, modified: this.#options.modified ?? NaN };
    const waiting: PlannedFolder[] = [root];
    for (let current = waiting.pop(); current !== undefined; current = waiting.pop()) {
      this.#made.push(current);
      const names = new LocalNames();
      try {
        for await (const page of remote.pages(peer, share, current.path, signal)) {
          this.#count(page.length);
          const files: PlannedFile[] = [];
          for (const entry of page) {
            const planned = this.#plan(current, entry, names);
            if (planned === null) continue;
            if (entry.type === 'folder') waiting.push(planned);
            else files.push(planFile(planned, current.folder, entry));
          }
          yield files;
        }
      } catch (thrown) {
        // A folder that cannot be read is one failure; the root of all, or a lost coworker, is the end.
        const { code } = toPotluckError(thrown);
        if (current === root || !isOfOneFolder(code)) throw thrown;
        onFailed(current.path, code);
      }
    }
  }

  /** Gives every folder its time, the inner ones first. */
  finish(): void {
    for (const { folder, modified } of this.#made.toReversed()) {
      if (Number.isNaN(modified)) continue;
      try {
        utimesSync(folder, modified / 1000, modified / 1000);
      } catch {
        // Somebody moved it away: its time is of no importance then.
      }
    }
  }

  #count(entries: number): void {
    this.#entries += entries;
    if (this.#entries > TRANSFER_FILES_MAX_COUNT) {
      throw new PotluckError('QUOTA', `the folder has more than ${TRANSFER_FILES_MAX_COUNT} entries`);
    }
  }

  /** Where the entry belongs; a folder is made. Null when it cannot be had. */
  #plan(parent: PlannedFolder, entry: ShareEntry, names: LocalNames): PlannedFolder | null {
    const { name, modified } = entry;
    const local = names.claim(name);
    try {
      const wire = joinPath(parent.path, name);
      const folder = path.join(parent.folder, local);
      return { path: wire, folder: entry.type === 'folder' ? makeFolder(folder) : folder, modified };
    } catch (thrown) {
      const { code } = toPotluckError(thrown);
      if (code === 'NO_SPACE') throw thrown;
      this.#options.onFailed(parent.path === '' ? name : `${parent.path}/${name}`, code);
      return null;
    }
  }
}

/**
 * Makes a folder, or takes the one that is there; what has its name and is no folder is left alone.
 * @returns the folder's path, which may have got a number
 * @throws PotluckError NO_SPACE, FAILED
 */
export function makeFolder(wanted: string): string {
  return makeNumbered(wanted, (folder) => lstatSync(folder).isDirectory());
}

/** Makes a folder that was not there before. @returns its path. @throws PotluckError NO_SPACE, FAILED, ALREADY_EXISTS */
export function makeNewFolder(wanted: string): string {
  return makeNumbered(wanted, () => false);
}

function makeNumbered(wanted: string, isTaken: (folder: string) => boolean): string {
  const { dir, base } = path.parse(wanted);
  for (let number = 1; number <= NUMBERED_NAMES_MAX_COUNT; number++) {
    const folder = path.join(dir, number === 1 ? base : numberedName(base, number));
    try {
      mkdirSync(folder, { mode: 0o700 });
      return folder;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw failure(thrown);
      if (isTaken(folder)) return folder;
    }
  }
  throw new PotluckError('ALREADY_EXISTS', `there are too many folders named ${base}`);
}

function planFile(place: PlannedFolder, folder: string, { size, content }: ShareEntry): PlannedFile {
  const known = size <= FILE_MAX_BYTES ? content : null;
  return {
    path: place.path,
    folder,
    name: path.basename(place.folder),
    size,
    modified: place.modified,
    content: known,
  };
}

function isOfOneFolder(code: ErrorCode): boolean {
  return code === 'PATH_UNKNOWN' || code === 'UNREADABLE' || code === 'TOO_LARGE' || code === 'GONE';
}
