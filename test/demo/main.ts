/**
 * `npm run demo`: an office of three PCs on this one, and the terminal UI as one of them.
 * `npm run demo -- --script`: the main job without a terminal; exits 0 only if every step held.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Office } from './office.js';
import { furnish, joinAll } from './scene.js';
import { runScript } from './script.js';

const { values } = parseArgs({ options: { script: { type: 'boolean', default: false } } });
if (!existsSync('dist/tui/main.js')) {
  console.error('demo: the program is not built (no dist/): run npm ci, or npm run build');
  process.exit(1);
}

const office = new Office();
let closing: Promise<void> | null = null;
const close = (): Promise<void> => (closing ??= office.close());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // In the UI's raw mode Ctrl+C is a key and does not come here.
    void close().finally(() => process.exit(130));
  });
}

try {
  if (values.script) await runScript(office);
  else await showUi();
} catch (thrown) {
  console.error(`demo: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
} finally {
  await close();
}
const left = office.leftovers();
if (left.length > 0) {
  console.error(`demo: left behind: ${left.join(', ')}`);
  process.exitCode = 1;
}
if (values.script && process.exitCode !== 1) console.log('✓ every step held, and nothing of it is left');

async function showUi(): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new Error('the UI needs a terminal; without one use: npm run demo -- --script');
  }
  console.log('Setting up an office of three PCs on this one …');
  const [ana] = await furnish(office);
  await joinAll(office);
  if (ana === undefined) throw new Error('no desk was opened');
  const ui = spawn(process.execPath, ['dist/tui/main.js'], { env: ana.env, stdio: 'inherit' });
  await once(ui, 'exit');
  console.log('The demo has ended; everything it made is gone.');
}
