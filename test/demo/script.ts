/**
 * The main job, step by step, each with what it proved: agents meet, join by a code, browse, download
 * with equal hashes, print with equal bytes, and go without a trace.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { bytesOf, type Desk, type Office, until } from './office.js';
import { furnish, joinAll, WORKGROUP } from './scene.js';

interface Got {
  readonly files: number;
  readonly bytes: number;
  readonly path: string;
  readonly failed: readonly unknown[];
}

export async function runScript(office: Office): Promise<void> {
  const started = Date.now();
  const desks = await furnish(office);
  const [ana, bruno, carla] = desks;
  if (ana === undefined || bruno === undefined || carla === undefined) throw new Error('three desks were asked for');
  say('three agents run, each with a key of its own', await ids(desks));
  await joinAll(office);
  say(`they met over mDNS and joined "${WORKGROUP}" by two one-time codes`, 'everybody sees everybody online');
  await browse(ana);
  await downloadFolder(ana, bruno);
  await downloadFile(ana, carla);
  await print(ana, bruno);
  await refuse(ana);
  console.log(`  in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function say(what: string, proof: string): void {
  console.log(`✓ ${what}\n    ${proof}`);
}

async function ids(desks: readonly Desk[]): Promise<string> {
  const all = await Promise.all(desks.map((desk) => desk.verb<{ id: string; name: string; port: number }>('status')));
  if (new Set(all.map(({ id }) => id)).size !== desks.length) throw new Error('two agents have one id');
  return all.map(({ id, name, port }) => `${name} ${id.slice(0, 7)} on port ${port}`).join(' · ');
}

async function browse(ana: Desk): Promise<void> {
  const shares = await ana.verb<{ name: string }[]>('ls', 'bruno-pc');
  const entries = await ana.verb<{ name: string; type: string }[]>('ls', 'bruno-pc/Projects/Harbour');
  expect(shares.map(({ name }) => name).join(), 'Projects', 'shares of bruno-pc');
  expect(String(entries.length), '4', 'entries of Harbour');
  say('ana-laptop browses bruno-pc', entries.map(({ name }) => name).join(' · '));
}

async function downloadFolder(ana: Desk, bruno: Desk): Promise<void> {
  const to = path.join(ana.folder, 'downloads');
  const got = await ana.verb<Got>('get', 'bruno-pc/Projects', '--to', to);
  const theirs = digest(path.join(bruno.folder, 'Projects'));
  expect(digest(path.join(to, 'Projects')), theirs, 'the tree');
  expect(String(got.files), '5', 'files');
  say(
    'ana-laptop downloads a folder',
    `${got.files} files, ${got.bytes} bytes, tree digest equal: ${theirs.slice(0, 16)}…`,
  );
}

async function downloadFile(ana: Desk, carla: Desk): Promise<void> {
  const to = path.join(ana.folder, 'downloads');
  await ana.verb<Got>('get', 'carla-mac/Handbook/contract.pdf', '--to', to);
  const theirs = sha256(path.join(carla.folder, 'Handbook', 'contract.pdf'));
  expect(sha256(path.join(to, 'contract.pdf')), theirs, 'contract.pdf');
  say('ana-laptop downloads one file of carla-mac', `SHA-256 equal: ${theirs.slice(0, 16)}…`);
}

async function print(ana: Desk, bruno: Desk): Promise<void> {
  const document = path.join(ana.folder, 'downloads', 'contract.pdf');
  const job = await ana.verb<{ job: string; state: string }>(
    'print',
    document,
    '--printer',
    'bruno-pc/PDF tray',
    '--wait',
  );
  expect(job.state, 'completed', 'the job');
  const tray = path.join(bruno.folder, 'tray');
  const stored = await until('the tray has the document', async () => {
    const files = readdirSync(tray).filter((name) => name.endsWith('.pdf'));
    return files[0] ?? null;
  });
  expect(sha256(path.join(tray, stored)), sha256(document), 'the printed document');
  say('ana-laptop prints on bruno-pc', `job ${job.state}; the tray holds "${stored}", its bytes equal`);
}

/** A mistake gets one clear line. */
async function refuse(ana: Desk): Promise<void> {
  const line = await ana.verb('get', 'bruno-pc/Projects/no such file').then(
    () => '',
    (thrown: Error) => thrown.message,
  );
  if (!line.includes('PATH_UNKNOWN')) throw new Error(`a wrong path was answered with: ${line}`);
  say('a wrong path is refused', line.slice(line.indexOf('{')).replaceAll(/\s+/g, ' '));
}

function expect(actual: string, expected: string, what: string): void {
  if (actual !== expected) throw new Error(`${what}: expected ${expected}, got ${actual}`);
}

function sha256(file: string): string {
  return createHash('sha256').update(bytesOf(file)).digest('hex');
}

/** One hash over the names and bytes of a tree, empty folders included. */
function digest(folder: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const names = entries.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  for (const name of names.toSorted()) {
    const entry = entries.find((each) => path.join(each.parentPath, each.name) === path.join(folder, name));
    hash.update(`${name}\0${entry?.isFile() ? sha256(path.join(folder, name)) : 'folder'}\0`);
  }
  return hash.digest('hex');
}
