/**
 * One agent per home: a lock of the kernel on a file, so that it ends with the process however that ended.
 *
 * Node has no file locks of its own, SQLite has them on every platform, and the agent loads it anyway: an
 * exclusive transaction that is never committed. A file with a process id in it would not do: after kill -9 it
 * stays, and the id may be another program's by then. The id is written beside the lock, for the message only.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { PotluckError } from '../../protocol/errors.js';
import type { LocalPaths } from '../../protocol/local/paths.js';
import { openPrivateFolder } from './paths.js';
import type { Closable } from './scope.js';

/** A lock that nothing refers to would be collected, and the home be free. */
const held = new Set<DatabaseSync>();
/** SQLITE_BUSY, of sqlite.org/rescode.html. */
const BUSY = 5;

/**
 * Takes the home for this process until it is closed or the process ends.
 * @throws PotluckError AGENT_RUNNING: another agent has it; UNSAFE_FILES: other users can enter the home
 */
export function claimHome(paths: LocalPaths): Closable {
  openPrivateFolder(paths.home);
  const lock = new DatabaseSync(paths.lock, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    lock.close();
    if ((thrown as { errcode?: number }).errcode !== BUSY) {
      throw new PotluckError('FAILED', `the home ${paths.home} cannot be locked`, { cause: thrown });
    }
    throw new PotluckError('AGENT_RUNNING', `an agent is already running for ${paths.home}${otherProcess(paths.pid)}`, {
      hint: 'potluck status',
    });
  }
  held.add(lock);
  writeFileSync(paths.pid, `${process.pid}\n`, { mode: 0o600 });
  return {
    close: async () => {
      if (held.delete(lock)) lock.close();
    },
  };
}

function otherProcess(file: string): string {
  try {
    const match = /^(\d{1,10})\n$/.exec(readFileSync(file, 'utf8'));
    return match === null ? '' : ` (process ${match[1]})`;
  } catch {
    // It has only just started and not written its id yet.
    return '';
  }
}
