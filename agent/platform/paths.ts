/**
 * The places of this process's agent, and folders that only this user can enter.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { PotluckError } from '../../protocol/errors.js';
import { type LocalPaths, localPaths, surroundingsOf } from '../../protocol/local/paths.js';

/** @throws PotluckError USAGE, see localPaths */
export function pathsOfThisAgent(): LocalPaths {
  return localPaths(surroundingsOf(process, homedir()));
}

/**
 * Makes a folder that no other user can enter, or checks that an existing one is such: a folder, not a link
 * to one, of this user, closed to everybody else. On Windows the user's own data folder is private by itself.
 * @throws PotluckError UNSAFE_FILES when it exists and is not such; the file system's error when it cannot be made
 */
export function openPrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw new PotluckError('UNSAFE_FILES', `${folder} is not a folder but a link or a file`);
  if (found.uid !== uid) throw new PotluckError('UNSAFE_FILES', `${folder} belongs to another user`);
  if ((found.mode & 0o077) !== 0) {
    throw new PotluckError('UNSAFE_FILES', `${folder} can be entered by other users`, {
      hint: `chmod 700 '${folder}'`,
    });
  }
}
