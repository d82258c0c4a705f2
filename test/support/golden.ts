/** Expected pictures, kept as files: compared, or with POTLUCK_GOLDEN=write written anew and then looked at by a person. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';

/** @param name  path below test/golden */
export function checkGolden(name: string, actual: string): void {
  checkFile(path.join('test/golden', name), actual);
}

/** @param file  path below the root of the repository, from which tests run */
export function checkFile(file: string, actual: string): void {
  if (process.env['POTLUCK_GOLDEN'] === 'write') {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, actual);
    return;
  }
  let expected = '';
  try {
    expected = readFileSync(file, 'utf8');
  } catch {
    throw new Error(`${file} is not there; POTLUCK_GOLDEN=write makes it`);
  }
  assert.fixture(actual, expected, `differs from ${file}; POTLUCK_GOLDEN=write writes it anew`);
}
