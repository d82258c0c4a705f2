/**
 * Space on disks, and which disks there are.
 *
 * How much is free is asked of the system for the very folder in question; the list of mounted file systems
 * serves only to offer places. It comes from a child process with a time limit: a network disk that does not
 * answer must not hold up the agent. The figures of that list are not used, and a place is offered only when
 * the system confirms it, because the list cuts a name at its first blank.
 */
import { spawn } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { withDeadline } from './clock.js';

/** Bytes; `free` is what this user may still write. */
export interface DiskSpace {
  readonly free: number;
  readonly total: number;
}

export interface Mount extends DiskSpace {
  readonly folder: string;
}

const ANSWER_MAX_MS = 2000;
const MOUNTS_MAX_COUNT = 256;
const OUTPUT_MAX_CHARS = 256 * 1024;
/** Not places for a person's files. */
const SYSTEM_MOUNT = /^\/(?:dev|proc|sys|run(?!\/media)|boot|snap|System|private\/var\/vm)(?:\/|$)/;
const MountList = v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(MOUNTS_MAX_COUNT));

/**
 * The space of the file system that holds the folder, or will hold it: where it is not there yet, the nearest
 * folder above it counts.
 * @returns null when it cannot be told in time
 */
export async function diskSpace(folder: string, signal: AbortSignal): Promise<DiskSpace | null> {
  for (let place = path.resolve(folder); ; place = path.dirname(place)) {
    try {
      const stats = await withDeadline(ANSWER_MAX_MS, signal, () => statfs(place));
      return { free: stats.bavail * stats.bsize, total: stats.blocks * stats.bsize };
    } catch (thrown) {
      signal.throwIfAborted();
      const isMissing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
      if (!isMissing || path.dirname(place) === place) return null;
    }
  }
}

/**
 * The file systems a person may want to share from or save to, in no order.
 * @param program  prints the list; a test hands in one that fails
 */
export async function listMounts(
  signal: AbortSignal,
  program: string = fileURLToPath(new URL('./mounts-child.js', import.meta.url)),
): Promise<Mount[]> {
  const listed = (await askChild(program, signal)) ?? usualPlaces();
  const mounts: Mount[] = [];
  for (const name of new Set(listed)) {
    const folder = /^[A-Za-z]:$/.test(name) ? `${name}\\` : name;
    if (!path.isAbsolute(folder) || SYSTEM_MOUNT.test(folder)) continue;
    const space = await statfs(folder).catch(() => null);
    if (space === null || space.blocks === 0) continue;
    mounts.push({ folder, free: space.bavail * space.bsize, total: space.blocks * space.bsize });
  }
  return mounts;
}

/** What the child printed; null when it failed or was too slow. */
function askChild(program: string, signal: AbortSignal): Promise<string[] | null> {
  const hasGroups = process.platform !== 'win32';
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    windowsHide: true,
    // It leads a group, so that what it has started ends with it.
    detached: hasGroups,
    env: { ...process.env, LC_ALL: 'C' },
  });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(hasGroups ? -child.pid : child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    // A program that cannot be killed while it waits for a disk keeps the pipe: it is not waited for.
    child.stdout.destroy();
    child.unref();
  };
  return new Promise<string[] | null>((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > OUTPUT_MAX_CHARS) resolve(null);
    });
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code === 0 ? readList(output) : null));
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MAX_MS)]);
    const stop = (): void => (signal.aborted ? reject(signal.reason as Error) : resolve(null));
    if (deadline.aborted) stop();
    deadline.addEventListener('abort', stop, { once: true });
  }).finally(kill);
}

function readList(output: string): string[] | null {
  try {
    return v.parse(MountList, JSON.parse(output));
  } catch {
    return null;
  }
}

function usualPlaces(): string[] {
  if (process.platform !== 'win32') return ['/'];
  return Array.from({ length: 26 }, (_, at) => `${String.fromCharCode(0x41 + at)}:\\`);
}
