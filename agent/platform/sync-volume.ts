/**
 * Makes everything that was written to one disk durable, in one go.
 *
 * Ten thousand small files that are synced one by one take ten times as long as all of them together, and
 * Node has no call for the whole disk; the systems have a program for it. Where there is none (Windows) the
 * system writes by itself within seconds.
 */
import { execFile } from 'node:child_process';

const SYNC_MAX_MS = 60_000;

/** Resolves when it is done, could not be done, or takes too long; durability is then as the system has it. */
export function syncVolume(folder: string, signal: AbortSignal): Promise<void> {
  if (process.platform === 'win32' || signal.aborted) return Promise.resolve();
  const args = process.platform === 'linux' ? ['-f', folder] : [];
  return new Promise((resolve) => {
    execFile('sync', args, { timeout: SYNC_MAX_MS, killSignal: 'SIGKILL', signal }, () => resolve());
  });
}
