/**
 * How a complete file gets its final name: in one step, and never in the place of another one.
 *
 * A file is written under `.potluck-part` and then linked to its name, which fails when the name is taken; so
 * there is no moment in which half a file has a final name, and none between looking and placing. Disks
 * without hard links (FAT) get an empty file of that name first, which is then replaced.
 */
import {
  closeSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { PotluckError } from '../../protocol/errors.js';
import { NUMBERED_NAMES_MAX_COUNT } from '../../protocol/limits.js';
import { numberedName } from '../../protocol/path.js';
import { openPrivateFolder } from '../platform/paths.js';
import { failure } from './partial.js';

/** What happens when the name is taken. */
export type OnConflict = 'rename' | 'skip' | 'replace';

const PARTS = '.potluck-part';
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/**
 * The folder for the parts of one transfer.
 * @throws PotluckError UNSAFE_FILES: somebody else's folder, or a link, is in the way; NO_SPACE, FAILED
 */
export function makePartsFolder(target: string, transfer: string): string {
  try {
    openPrivateFolder(path.join(target, PARTS));
    openPrivateFolder(partsFolder(target, transfer));
  } catch (thrown) {
    throw failure(thrown);
  }
  return partsFolder(target, transfer);
}

/** Removes whatever is left of a transfer's parts, and the folder of all parts with the last of them. */
export function removeParts(target: string, transfer: string): void {
  try {
    rmSync(partsFolder(target, transfer), { recursive: true, force: true });
    rmdirSync(path.join(target, PARTS));
  } catch {
    // Other transfers have parts there, or the disk is gone: nothing to do now.
  }
}

/** Removes the folders of a tree in which there is nothing; one that holds a file stays, and so do those above it. */
export function removeEmptyFolders(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeEmptyFolders(path.join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // It holds something, or is gone already.
  }
}

/**
 * Removes the parts of transfers that are over, which a process left that was killed at their end. Others stay:
 * another agent of this user may be writing to the same folder.
 */
export function removeStrayParts(target: string, isOver: (transfer: string) => boolean): void {
  let transfers: string[];
  try {
    transfers = readdirSync(path.join(target, PARTS));
  } catch {
    // Nobody has parts there.
    return;
  }
  for (const transfer of transfers) if (isOver(transfer)) removeParts(target, transfer);
}

/** On the disk of the target. */
function partsFolder(target: string, transfer: string): string {
  return path.join(target, PARTS, transfer);
}

/** Writes a small file whole, for this user only. It still has to be put in place. @throws PotluckError NO_SPACE, FAILED */
export function writePart(part: string, bytes: Uint8Array, modifiedMs: number): void {
  try {
    const fd = openNew(part);
    try {
      for (let at = 0; at < bytes.byteLength;) at += writeSync(fd, bytes, at);
      futimesSync(fd, modifiedMs / 1000, modifiedMs / 1000);
    } finally {
      closeSync(fd);
    }
  } catch (thrown) {
    throw failure(thrown);
  }
}

/** What an earlier process left under this name is removed; it is rarely there. */
function openNew(part: string): number {
  try {
    return openSync(part, 'wx', 0o600);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    unlinkSync(part);
    return openSync(part, 'wx', 0o600);
  }
}

/**
 * Gives a complete file its name in a folder.
 * @param name  safe for the disk
 * @returns the name it got; null when it was skipped, and then it is removed
 * @throws PotluckError ALREADY_EXISTS: too many files of this name; FAILED
 */
export function place(part: string, folder: string, name: string, onConflict: OnConflict): string | null {
  try {
    if (onConflict === 'replace' && replace(part, path.join(folder, name))) return name;
    for (let number = 1; number <= NUMBERED_NAMES_MAX_COUNT; number++) {
      const candidate = number === 1 ? name : numberedName(name, number);
      if (link(part, path.join(folder, candidate))) return candidate;
      if (onConflict === 'skip') {
        unlinkSync(part);
        return null;
      }
    }
  } catch (thrown) {
    throw failure(thrown);
  }
  throw new PotluckError('ALREADY_EXISTS', `there are too many files named ${name}`);
}

/** The names under which a file may have been placed: those that are taken now, in order. */
export function* takenNames(folder: string, name: string): Generator<{ readonly name: string; readonly stats: Stats }> {
  for (let number = 1; number <= NUMBERED_NAMES_MAX_COUNT; number++) {
    const candidate = number === 1 ? name : numberedName(name, number);
    const stats = lstatSync(path.join(folder, candidate), { throwIfNoEntry: false });
    if (stats === undefined) return;
    yield { name: candidate, stats };
  }
}

/** @returns false when something other than a file has this name: that is never replaced */
function replace(part: string, target: string): boolean {
  const stats = lstatSync(target, { throwIfNoEntry: false });
  if (stats === undefined || stats.isDirectory()) return false;
  renameSync(part, target);
  return true;
}

/** @returns false when the name is taken */
function link(part: string, target: string): boolean {
  try {
    linkSync(part, target);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.has(code)) throw thrown;
    return moveOverOwn(part, target);
  }
  unlinkSync(part);
  return true;
}

/** For disks that know no links: the name is claimed by an empty file, and only that one is replaced. */
export function moveOverOwn(part: string, target: string): boolean {
  try {
    closeSync(openSync(target, 'wx', 0o600));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
  renameSync(part, target);
  return true;
}
