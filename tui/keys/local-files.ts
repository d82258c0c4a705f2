/**
 * What the UI reads of this PC's disk: folders to choose from, and the end of the agent's log when there
 * is no agent to ask for it.
 */
import { open, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { PotluckError } from '../../protocol/errors.js';

/** What of a log is looked at from its end. */
const TAIL_MAX_BYTES = 32 * 1024;
/** Names of one folder that completion looks at. */
const NAMES_MAX_COUNT = 5_000;

export interface LocalFiles {
  readonly home: string;
  /** Names in a folder, hidden ones left out, folders first. @throws PotluckError UNREADABLE */
  list(folder: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]>;
  kindOf(file: string): Promise<'file' | 'folder' | 'none'>;
  /** The last whole lines of a text file. @throws PotluckError UNREADABLE */
  tail(file: string, lines: number): Promise<readonly string[]>;
}

export function localFiles(): LocalFiles {
  return { home: homedir(), list, kindOf, tail };
}

async function list(folder: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new PotluckError('UNREADABLE', `${folder} cannot be read`, { cause });
  });
  return entries
    .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile() || entry.isSymbolicLink()))
    .slice(0, NAMES_MAX_COUNT)
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
    .toSorted((one, other) => Number(other.isFolder) - Number(one.isFolder) || one.name.localeCompare(other.name));
}

async function kindOf(file: string): Promise<'file' | 'folder' | 'none'> {
  const found = await stat(file).catch(() => null);
  if (found === null) return 'none';
  return found.isDirectory() ? 'folder' : 'file';
}

async function tail(file: string, lines: number): Promise<readonly string[]> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    const length = Math.min(size, TAIL_MAX_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const whole = buffer
      .subarray(0, bytesRead)
      .toString('utf8')
      .split('\n')
      .slice(length < size ? 1 : 0);
    return whole.filter((text) => text !== '').slice(-lines);
  } catch (cause) {
    throw new PotluckError('UNREADABLE', `the log ${path.basename(file)} cannot be read`, { cause });
  }
}

/** A path as a person types it, as the system takes it: `~` is the home, and it is absolute. */
export function absolutePath(typed: string, home: string): string {
  const trimmed = typed.trim();
  if (trimmed === '~') return home;
  if (/^~[/\\]/.test(trimmed)) return path.resolve(home, trimmed.slice(2));
  return path.resolve(home, trimmed);
}

/** A path as a person reads it: the home is `~`. */
export function homePath(absolute: string, home: string): string {
  if (absolute === home) return '~';
  return home !== '/' && absolute.startsWith(`${home}${path.sep}`) ? `~${absolute.slice(home.length)}` : absolute;
}
