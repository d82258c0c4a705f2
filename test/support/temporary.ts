/** A folder for one case, removed with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Case } from './spec.js';

export function temporaryFolder(t: Case): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'potluck-test-'));
  t.defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
