/** Waiting for documents that a printer puts into a folder, each under its final name only when it is whole. */
import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

const STORED_LIMIT_MS = 20_000;

/**
 * The files of the folder that match, in the order of the numbers their names begin with, once there are
 * `count` of them. @throws Error at the limit, with what is there
 */
export async function awaitStored(
  folder: string,
  pattern: RegExp,
  count: number,
  limitMs: number = STORED_LIMIT_MS,
): Promise<string[]> {
  let changed = Promise.withResolvers<void>();
  // Watched before it is first read, so that nothing falls between the two.
  const watcher = watch(folder, () => changed.resolve());
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    changed.resolve();
  }, limitMs);
  try {
    for (;;) {
      changed = Promise.withResolvers<void>();
      const names = (await readdir(folder)).filter((name) => pattern.test(name));
      if (names.length >= count) return inOrder(names).map((name) => path.join(folder, name));
      if (isLate) throw new Error(`${names.length} of ${count} documents after ${limitMs} ms: ${names.join(', ')}`);
      await changed.promise;
    }
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}

function inOrder(names: readonly string[]): string[] {
  return names.toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
}
