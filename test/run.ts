/**
 * `npm test`: the checks of the house (types, lint, layers, dead code, format), then every test file.
 *
 *   node --import tsx test/run.ts            everything but the heavy peers
 *   node --import tsx test/run.ts --full     with test files named *.full.ts
 *   node --import tsx test/run.ts --only RE  only test files whose path matches, no checks of the house
 *
 * Each file is a process of its own, compiled first, ended at its limit. Green means: every case that
 * was registered ran and passed, the process then ended by itself, at least one case ran, and, with
 * CI=true, nothing was skipped. The last line is `N passed, N failed`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import type { Tally } from './support/spec.js';

/** A folder of its own for each run, so that two runs do not disturb each other. */
const BUILD = `build/${process.pid}`;
const FILE_LIMIT_MS = 15 * 60_000;
/** What a file may take to end by itself after its last case: more means it left something running. */
const EXIT_LIMIT_MS = 5_000;
const CHECKS = ['types', 'lint', 'layers', 'unused', 'format'] as const;
/** These use the whole machine (processes, namespaces), so they run one after the other. */
const ALONE = /^test\/(e2e|lab|terminal|demo)\//;

interface Outcome {
  passed: number;
  failed: number;
  skipped: string[];
}

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, only: { type: 'string' } },
});

const children = new Set<ChildProcess>();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    for (const child of children) end(child);
    process.exit(1);
  });
}

const total: Outcome = { passed: 0, failed: 0, skipped: [] };
if (values.only === undefined) for (const check of CHECKS) add(total, await runCheck(check));
await compile();
const files = testFiles();
await runAll(
  files.filter((file) => !ALONE.test(file)),
  Math.max(1, availableParallelism()),
);
await runAll(
  files.filter((file) => ALONE.test(file)),
  1,
);

rmSync(BUILD, { recursive: true, force: true });
for (const skip of total.skipped) console.log(`skipped  ${skip}`);
if (process.env['CI'] === 'true' && total.skipped.length > 0) {
  console.log(`with CI=true a skip is a failure: ${total.skipped.length} of them`);
  total.failed += total.skipped.length;
  total.skipped = [];
}
if (total.passed + total.failed === 0) console.log('no test ran');
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : ''}`,
);
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;

function testFiles(): string[] {
  const patterns = values.full ? ['test/**/*.test.{ts,tsx}', 'test/**/*.full.ts'] : ['test/**/*.test.{ts,tsx}'];
  const all = globSync(patterns).map((file) => file.replaceAll('\\', '/'));
  const wanted = values.only === undefined ? all : globSync('test/**/*.{test,full}.{ts,tsx}').filter(matches);
  return wanted.toSorted();
}

function matches(file: string): boolean {
  return new RegExp(values.only ?? '').test(file);
}

/** Transforms every source file on its own, so that workers and children are real files as in dist/. */
async function compile(): Promise<void> {
  mkdirSync(BUILD, { recursive: true });
  writeFileSync(`${BUILD}/package.json`, '{"type":"module"}\n');
  await build({
    entryPoints: globSync('{protocol,agent,tui,install,test}/**/*.{ts,tsx}'),
    outdir: BUILD,
    outbase: '.',
    format: 'esm',
    platform: 'node',
    target: 'node22',
    jsx: 'automatic',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

async function runCheck(name: string): Promise<Outcome> {
  const started = Date.now();
  const child = track(spawn('npm', ['run', '-s', name], { stdio: ['ignore', 'inherit', 'inherit'], detached: true }));
  const code = await exitOf(child);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds(started)})`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [] };
}

async function runAll(list: readonly string[], atOnce: number): Promise<void> {
  const waiting = [...list];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) add(total, await runFile(file));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function runFile(file: string): Promise<Outcome> {
  const started = Date.now();
  const compiled = path.resolve(BUILD, file.replace(/\.tsx?$/, '.js'));
  const args = ['--enable-source-maps', `${BUILD}/test/support/run-file.js`, compiled];
  // stdio 'ipc' carries the count: what the tests print cannot be mistaken for it.
  const child = track(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true }));
  let output = '';
  let tally: Tally | null = null;
  let why = '';
  let limit = setTimeout(() => expire(`not done after ${FILE_LIMIT_MS / 60_000} minutes`), FILE_LIMIT_MS);
  const expire = (reason: string): void => {
    why = reason;
    end(child);
  };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (output += data.toString()));
  child.on('message', (message) => {
    tally = message as Tally;
    clearTimeout(limit);
    limit = setTimeout(() => expire('did not end by itself: a test left something running'), EXIT_LIMIT_MS);
  });
  const code = await exitOf(child);
  clearTimeout(limit);

  const counted = tally as Tally | null;
  if (why === '' && counted === null) why = 'ended before its tests did';
  if (why === '' && counted !== null && counted.registered !== counted.passed + counted.failed)
    why = 'a case never ran';
  if (why === '' && counted?.failed === 0 && code !== 0) why = `exit code ${code}`;
  const failed = (counted?.failed ?? 0) + (why === '' ? 0 : 1);
  const outcome = { passed: counted?.passed ?? 0, failed, skipped: counted?.skipped ?? [] };
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${file}  ${outcome.passed} (${seconds(started)})${why && `  ${why}`}`);
  if (failed > 0) console.log(output);
  return outcome;
}

function track(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Ends a child and whatever it started: each child leads a process group. */
function end(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone, which is what was wanted.
  }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function add(sum: Outcome, part: Outcome): void {
  sum.passed += part.passed;
  sum.failed += part.failed;
  sum.skipped.push(...part.skipped);
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
