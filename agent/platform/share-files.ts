/**
 * The files of a share, and nothing else of this disk.
 *
 * A coworker names paths and somebody on this PC may swap folders for links at the same moment. So a path is
 * never handed to the system as a whole and no link in it is ever followed: on Linux each folder is opened
 * from the one above it, through its descriptor, and what was opened last is what is looked at and read.
 * Elsewhere the system has no such call: there every component is looked at before, the file is opened, and
 * then path and file are compared again; who can swap folders within the share at exactly the right moments
 * could still win, but must be a program that writes in the share already (SECURITY.md).
 *
 * Opening never waits for the other end of a pipe, and what is no file is refused. Only the folder that the
 * owner has chosen may itself be reached through links.
 *
 * Calls are synchronous: they take microseconds, and a promise for each of ten thousand files takes more.
 */
import {
  type BigIntStats,
  type Dir,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  realpathSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PotluckError } from '../../protocol/errors.js';
import { FOLDER_ENTRIES_MAX_COUNT } from '../../protocol/limits.js';
import { isComponent, splitPath, type WirePath } from '../../protocol/path.js';

/** Tells one state of a file from a later one. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
}

/** A file that is open; whoever opened it closes it. */
export interface OpenFile {
  readonly fd: number;
  readonly stamp: FileStamp;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** What a folder has: names only, because looking at each entry takes longer than reading the folder. */
export interface FolderNames {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Entries that cannot be offered: no UTF-8, or neither file nor folder. */
  readonly skipped: number;
}

export interface EntryFacts {
  readonly name: string;
  readonly type: 'file' | 'folder';
  readonly stamp: FileStamp;
  readonly modifiedMs: number;
}

/** How a path is opened without following a link. */
export interface Opener {
  /** @returns a descriptor of the file at `parts` within the folder `root` */
  openFile(root: string, parts: readonly string[]): number;
  openFolder(root: string, parts: readonly string[]): OpenFolder;
}

export interface OpenFolder {
  /** A path that stands for the folder until it is closed. */
  readonly place: string;
  /** Throws when what was just done at `place` may have been done to another folder. */
  check(): void;
  close(): void;
}

const IS_WINDOWS = process.platform === 'win32';
/** Not in Node's table: refuses a link in any component. */
const DARWIN_NO_FOLLOW_ANY = 0x2000_0000;
const READ_FILE =
  constants.O_RDONLY | (IS_WINDOWS ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
const READ_FOLDER = IS_WINDOWS ? constants.O_RDONLY : READ_FILE | constants.O_DIRECTORY;
/** Entries read from a folder before other work gets its turn. */
const ENTRIES_PER_TURN = 2048;

/**
 * Opens a file of the share.
 * @param root  the shared folder, absolute
 * @throws PotluckError PATH_UNKNOWN: no such file, or a link, pipe or device; UNREADABLE
 */
export function openShareFile(root: string, file: WirePath, opener: Opener = systemOpener()): OpenFile {
  return guarded(() => {
    const fd = opener.openFile(root, partsOf(file));
    try {
      const stats = fstatSync(fd, { bigint: true });
      if (!stats.isFile()) throw unknown();
      return { fd, stamp: stampOf(stats), modifiedMs: Number(stats.mtimeMs) };
    } catch (thrown) {
      closeSync(fd);
      throw thrown;
    }
  });
}

/** How a file that is open stands now. */
export function stampNow(fd: number): FileStamp {
  return stampOf(fstatSync(fd, { bigint: true }));
}

export function isSameStamp(one: FileStamp, other: FileStamp): boolean {
  return one.size === other.size && one.mtimeNs === other.mtimeNs && one.ino === other.ino;
}

/**
 * The names in a folder of the share, unsorted.
 * @throws PotluckError PATH_UNKNOWN, UNREADABLE; TOO_LARGE: more than FOLDER_ENTRIES_MAX_COUNT entries
 */
export async function listShareFolder(
  root: string,
  folder: WirePath,
  signal: AbortSignal,
  opener: Opener = systemOpener(),
): Promise<FolderNames> {
  const names = { folders: [] as string[], files: [] as string[], skipped: 0 };
  const open = guarded(() => opener.openFolder(root, partsOf(folder)));
  let dir: Dir | null = null;
  try {
    // As bytes: a name that is no UTF-8 would come out as the name of another file.
    dir = guarded(() => opendirSync(open.place, { encoding: 'buffer' as BufferEncoding, bufferSize: 256 }));
    guarded(() => open.check());
    for (let read = 1; ; read++) {
      const entry = guarded(() => dir?.readSync() ?? null);
      if (entry === null) return names;
      if (read > FOLDER_ENTRIES_MAX_COUNT) {
        throw new PotluckError('TOO_LARGE', `a folder has more than ${FOLDER_ENTRIES_MAX_COUNT} entries`);
      }
      const name = decodeName(entry.name as unknown as Buffer);
      if (name === null || (!entry.isFile() && !entry.isDirectory())) names.skipped += 1;
      else (entry.isFile() ? names.files : names.folders).push(name);
      if (read % ENTRIES_PER_TURN === 0) {
        await nextTurn();
        signal.throwIfAborted();
      }
    }
  } finally {
    dir?.closeSync();
    open.close();
  }
}

/**
 * Looks at some entries of one folder; what is gone, or is neither file nor folder, is left out.
 * @throws PotluckError PATH_UNKNOWN: the folder itself is gone; UNREADABLE
 */
export function lookAtEntries(
  root: string,
  folder: WirePath,
  names: readonly string[],
  opener: Opener = systemOpener(),
): EntryFacts[] {
  return guarded(() => {
    const open = opener.openFolder(root, partsOf(folder));
    try {
      const entries: EntryFacts[] = [];
      for (const name of names) {
        const stats = lstatSync(path.join(open.place, name), { bigint: true, throwIfNoEntry: false });
        if (stats === undefined || (!stats.isFile() && !stats.isDirectory())) continue;
        const type = stats.isFile() ? 'file' : 'folder';
        entries.push({ name, type, stamp: stampOf(stats), modifiedMs: Number(stats.mtimeMs) });
      }
      open.check();
      return entries;
    } finally {
      open.close();
    }
  });
}

/** Linux: one folder after the other, each from the descriptor of the one above. */
export const walkingOpener: Opener = {
  openFile(root, parts) {
    return openSync(`${turnFolder(root, parts.slice(0, -1))}/${parts.at(-1) ?? ''}`, READ_FILE);
  },
  openFolder(root, parts) {
    const fd = walk(root, parts);
    return { place: `/proc/self/fd/${fd}`, check: () => undefined, close: () => closeSync(fd) };
  },
};

function walk(root: string, parts: readonly string[]): number {
  let fd = openRoot(root);
  try {
    for (const part of parts) {
      const next = openSync(`/proc/self/fd/${fd}/${part}`, READ_FOLDER);
      closeSync(fd);
      fd = next;
    }
    return fd;
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

/**
 * The folder whose files are opened in this turn of the event loop: one of many small files is walked to
 * once. It is held by its descriptor, so it is still the folder that was walked to.
 */
let held: { readonly key: string; readonly place: string } | null = null;

function turnFolder(root: string, parts: readonly string[]): string {
  const key = [root, ...parts].join('\0');
  if (held?.key === key) return held.place;
  const fd = walk(root, parts);
  const mine = { key, place: `/proc/self/fd/${fd}` };
  held = mine;
  setImmediate(() => {
    if (held === mine) held = null;
    closeSync(fd);
  });
  return mine.place;
}

/** Other systems: looked at before, opened, compared afterwards. */
export const comparingOpener: Opener = {
  openFile(root, parts) {
    const base = realRoot(root);
    const file = path.join(base, ...parts);
    refuseLinks(base, parts);
    const fd = openSync(file, READ_FILE | (process.platform === 'darwin' ? DARWIN_NO_FOLLOW_ANY : 0));
    try {
      compareAfter(file, fstatSync(fd, { bigint: true }));
      return fd;
    } catch (thrown) {
      closeSync(fd);
      throw thrown;
    }
  },
  openFolder(root, parts) {
    const base = realRoot(root);
    const place = path.join(base, ...parts);
    refuseLinks(base, parts);
    const before = lstatSync(place, { bigint: true });
    if (!before.isDirectory()) throw unknown();
    return { place, check: () => compareAfter(place, before), close: () => undefined };
  },
};

function systemOpener(): Opener {
  walks ??= process.platform === 'linux' && statSync('/proc/self/fd', { throwIfNoEntry: false }) !== undefined;
  return walks ? walkingOpener : comparingOpener;
}
let walks: boolean | undefined;

function openRoot(root: string): number {
  try {
    return openSync(root, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw rootIsGone(thrown);
  }
}

function realRoot(root: string): string {
  try {
    return realpathSync.native(root);
  } catch (thrown) {
    throw rootIsGone(thrown);
  }
}

/** The owner's folder is not where it was (a disk that was pulled out): not the asker's mistake, and it may return. */
function rootIsGone(cause: unknown): PotluckError {
  return new PotluckError('UNREADABLE', 'the shared folder is not there or cannot be read', { cause });
}

function refuseLinks(base: string, parts: readonly string[]): void {
  let place = base;
  for (const part of parts) {
    place = path.join(place, part);
    // True for the junctions of Windows too.
    if (lstatSync(place).isSymbolicLink()) throw unknown();
  }
}

function compareAfter(place: string, opened: BigIntStats): void {
  const now = lstatSync(place, { bigint: true });
  if (realpathSync.native(place) !== place || now.ino !== opened.ino || now.dev !== opened.dev) throw unknown();
}

/** On Windows a component may hold what means another file: a stream, a device, a blank that is dropped. */
function partsOf(file: WirePath): string[] {
  const parts = splitPath(file);
  if (IS_WINDOWS && parts.some((part) => /[\\:<>"|?*\p{Cc}]|[. ]$/u.test(part))) throw unknown();
  return parts;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeName(bytes: Buffer): string | null {
  try {
    const name = utf8.decode(bytes);
    return isComponent(name) ? name : null;
  } catch {
    return null;
  }
}

function stampOf(stats: BigIntStats): FileStamp {
  return { size: Number(stats.size), mtimeNs: stats.mtimeNs, ino: stats.ino };
}

/** The same for what is not there and for what may not be seen. No local path: this goes to a coworker. */
function unknown(cause?: unknown): PotluckError {
  return new PotluckError('PATH_UNKNOWN', 'no such file or folder in the share', { cause });
}

/** Runs calls of the system and says their failures in our words. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof PotluckError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    switch (code) {
      case 'ENOENT':
      case 'ENOTDIR':
      case 'ELOOP':
      case 'EINVAL':
      case 'ENAMETOOLONG':
      case 'ENXIO':
        throw unknown(thrown);
      case 'EMFILE':
      case 'ENFILE':
        throw new PotluckError('BUSY', 'too many files are open on this computer', { cause: thrown });
      default:
        throw new PotluckError('UNREADABLE', 'it cannot be read on the computer that shares it', { cause: thrown });
    }
  }
}
