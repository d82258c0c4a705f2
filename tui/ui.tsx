/**
 * The door to the terminal UI. Loaded only when it is wanted: a CLI verb loads neither React nor Ink, and
 * they are loaded here in the form for production, which is smaller and twice as fast.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PotluckError } from '../protocol/errors.js';
import { localFiles } from './keys/local-files.js';
import { createAppStore } from './store/app-store.js';
import type { MountOptions } from './view/mount.js';

export type UiOptions = Omit<MountOptions, 'files' | 'store' | 'clock'>;

/**
 * Shows the UI until the person leaves.
 * @throws PotluckError USAGE when there is no terminal to show it on
 */
export async function openUi(options: UiOptions): Promise<void> {
  if (options.stdout.isTTY !== true || options.stdin.isTTY !== true) {
    throw new PotluckError('USAGE', 'the terminal UI needs a terminal', { hint: 'potluck --help' });
  }
  process.env['NODE_ENV'] ??= 'production';
  const { mountUi } = await import('./view/mount.js');
  const clock = { now: () => Date.now(), sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }) };
  const store = createAppStore(clock.now());
  const farewell = await mountUi({ ...options, files: localFiles(), store, clock }).ended;
  if (farewell !== '') options.stdout.write(`${farewell}\n`);
}
