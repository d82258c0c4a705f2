/**
 * Files that hold secrets or the agent's memory: private to this user, and whole or old, never half.
 *
 * A file is written beside its place, made durable, and renamed over the old one; `kill -9` or a power cut
 * at any moment leaves the old file or the new one. Like ssh, the agent refuses to use what other users
 * of the PC could read or change. On Windows there are no modes to look at: there the access list of the
 * user's own profile, which every folder in it inherits, keeps others out.
 */
import { constants, type Stats } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { PotluckError } from '../../protocol/errors.js';
import { systemClock } from './clock.js';

const IS_WINDOWS = process.platform === 'win32';
/** Not there on Windows, where it counts as no flag. */
const NO_FOLLOW = IS_WINDOWS ? 0 : constants.O_NOFOLLOW;
const OTHERS = 0o077;
/** A virus scanner on Windows holds a new file for a moment, and then it cannot be renamed. */
const RENAME_TRIES = 5;
const RENAME_WAIT_MS = 40;

/** Writes of one file wait for each other; they would share a temporary name. */
const writing = new Map<string, Promise<void>>();

/**
 * Replaces a file for this user only (0600). When the promise resolves, the new content is on the disk.
 * @throws PotluckError NO_SPACE, FAILED: the old file is then unharmed
 */
export function writePrivateFile(file: string, content: string | Uint8Array): Promise<void> {
  const key = path.resolve(file);
  const before = writing.get(key) ?? Promise.resolve();
  const mine = before.catch(() => undefined).then(() => replace(key, content));
  writing.set(key, mine);
  const forget = (): void => {
    if (writing.get(key) === mine) writing.delete(key);
  };
  mine.then(forget, forget);
  return mine;
}

/**
 * Reads a file that only this user may read or change.
 * @param maxBytes  what the file may have at most
 * @returns null when there is no such file
 * @throws PotluckError UNSAFE_FILES: a link, no ordinary file, somebody else's, or open to others; TOO_LARGE
 */
export async function readPrivateFile(file: string, maxBytes: number): Promise<Buffer | null> {
  const handle = await openPrivate(file);
  if (handle === null) return null;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new PotluckError('UNSAFE_FILES', `${file} is not an ordinary file`);
    refuseUnlessPrivate(file, stats);
    if (stats.size > maxBytes) throw new PotluckError('TOO_LARGE', `${file} is larger than it can be`);
    return await readAtMost(handle, maxBytes, file);
  } finally {
    await handle.close();
  }
}

/** Opened first and looked at afterwards, so that what is looked at is what is read. */
async function openPrivate(file: string): Promise<FileHandle | null> {
  try {
    // Without O_NONBLOCK a named pipe in the file's place would be waited for.
    return await open(file, constants.O_RDONLY | NO_FOLLOW | (IS_WINDOWS ? 0 : constants.O_NONBLOCK));
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP') throw new PotluckError('UNSAFE_FILES', `${file} is a link`, { cause: thrown });
    throw thrown;
  }
}

async function readAtMost(handle: FileHandle, maxBytes: number, file: string): Promise<Buffer> {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) return bytes.subarray(0, length);
    length += bytesRead;
    if (length > maxBytes) throw new PotluckError('TOO_LARGE', `${file} is larger than it can be`);
  }
}

function refuseUnlessPrivate(name: string, stats: Stats): void {
  const uid = process.geteuid?.();
  if (uid === undefined) return;
  if (stats.uid !== uid) throw new PotluckError('UNSAFE_FILES', `${name} belongs to another user of this PC`);
  if ((stats.mode & OTHERS) !== 0) {
    throw new PotluckError('UNSAFE_FILES', `${name} can be read or changed by other users of this PC`, {
      hint: `chmod 600 '${name.replaceAll("'", String.raw`'\''`)}'`,
    });
  }
}

async function replace(file: string, content: string | Uint8Array): Promise<void> {
  // Always the same name: what a killed agent left is removed here, so that such files never gather.
  const temporary = `${file}.tmp`;
  try {
    await rm(temporary, { force: true });
    const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW, 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await renameOver(temporary, file);
    await syncFolder(path.dirname(file));
  } catch (thrown) {
    await rm(temporary, { force: true });
    const code = codeOf(thrown);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new PotluckError('NO_SPACE', `no space left to write ${file}`, { cause: thrown });
    }
    throw new PotluckError('FAILED', `${file} cannot be written: ${code}`, { cause: thrown });
  }
}

async function renameOver(from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rename(from, to);
      return;
    } catch (thrown) {
      const isHeld = IS_WINDOWS && ['EPERM', 'EACCES', 'EBUSY'].includes(codeOf(thrown));
      if (!isHeld || tries === RENAME_TRIES) throw thrown;
      await systemClock.sleep(RENAME_WAIT_MS * tries, new AbortController().signal);
    }
  }
}

/** A rename is durable when its folder is; Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (IS_WINDOWS) return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  return typeof code === 'string' ? code : '';
}
