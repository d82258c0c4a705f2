/**
 * Makes what was written durable: everything on one disk in one go, or a single file.
 *
 * Ten thousand small files that are synced one by one take ten times as long as all of them together, and
 * Node has no call for the whole disk; the systems have a program for it. Where there is none (Windows) the
 * system writes by itself within seconds. For one file the whole disk is too much: somebody else may be
 * writing gigabytes to it.
 */
import { execFile } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';

const SYNC_MAX_MS = 60_000;

/** Resolves with whether it was done; not when it could not be done, takes too long, or the signal aborts. */
export function syncVolume(folder: string, signal: AbortSignal): Promise<boolean> {
  if (process.platform === 'win32' || signal.aborted) return Promise.resolve(false);
  const args = process.platform === 'linux' ? ['-f', folder] : [];
  return new Promise((resolve) => {
    const options = { timeout: SYNC_MAX_MS, killSignal: 'SIGKILL', signal } as const;
    execFile('sync', args, options, (failure) => resolve(failure === null));
  });
}

/** Makes a file durable, and that it has this name; as far as the disk can. */
export async function syncFile(file: string): Promise<void> {
  for (const place of [file, path.dirname(file)]) {
    let handle: FileHandle | null = null;
    try {
      handle = await open(place, 'r');
      await handle.sync();
    } catch {
      // Some systems sync nothing that is only read, and no folders: they write by themselves.
    } finally {
      await handle?.close();
    }
  }
}
