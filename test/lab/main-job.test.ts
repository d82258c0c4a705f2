/** The main job between two hosts with real multicast: appear, join by a code, browse, download. */
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { EntryRow } from '../../protocol/local/api.js';
import type { PeerRow } from '../../protocol/local/model.js';
import { openAgent } from '../support/agent.js';
import { needLab, openLab } from '../support/lab.js';
import { fileDigest, treeDigest, writeBigFile, writeTree } from '../support/samples.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { joinByCode, offline, online, openOffice } from './office.js';

const MIB = 1024 * 1024;
const needs = needLab;

interface Got {
  readonly files: number;
  readonly bytes: number;
  readonly sources: ReadonlyArray<{ readonly peer: string; readonly bytes: number }>;
  readonly path: string;
}

spec('main job', (it) => {
  it(
    'joins by a code alone, and both see each other by name',
    async (t) => {
      const lab = await openLab(t, { hosts: 2 });
      const ana = await openAgent(t, { name: 'ana', host: lab.host(1) });
      const bruno = await openAgent(t, { name: 'bruno', host: lab.host(2) });
      assert.equal(await bruno.ask<PeerRow[]>('peers'), [], 'nobody is a coworker before the join');
      await ana.ask('workgroup', 'create', 'Front office');
      await joinByCode(bruno, ana);
      const [row, other] = await Promise.all([online(ana, 'bruno'), online(bruno, 'ana')]);
      assert.is(row.id, bruno.id);
      assert.is(other.id, ana.id);
      assert.ok(row.addresses.some((address) => address.startsWith('10.77.0.2')));
    },
    { needs, limitMs: 60_000 },
  );

  it(
    'sees a coworker within 3 s of its start, and its goodbye at once',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      const leaving = performance.now();
      await bruno.agent.stop();
      assert.ok(performance.now() - leaving < 2000, 'a stop takes less than 2 s');
      await offline(ana.agent, 'bruno', 2000);
      const starting = performance.now();
      const started = bruno.agent.start();
      await online(ana.agent, 'bruno', 3000);
      const tookMs = performance.now() - starting;
      await started;
      assert.ok(tookMs < 3000, `seen after ${tookMs} ms`);
    },
    { needs, limitMs: 60_000 },
  );

  it(
    'lists a share of a coworker and gets a file whose bytes are the same',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      const [shared, target] = [temporaryFolder(t), temporaryFolder(t)];
      const digest = await writeBigFile(path.join(shared, 'big file.bin'), 256 * MIB);
      await writeFile(path.join(shared, 'notes.txt'), 'Grüße');
      await bruno.agent.ask('share', 'add', shared, '--name', 'Documents');
      const entries = await ana.agent.ask<EntryRow[]>('ls', 'bruno/Documents');
      assert.equal(
        entries.map(({ name, type, size }) => ({ name, type, size })),
        [
          { name: 'big file.bin', type: 'file', size: 256 * MIB },
          { name: 'notes.txt', type: 'file', size: 7 },
        ],
      );
      const got = await ana.agent.ask<Got>('get', 'bruno/Documents/big file.bin', '--to', target);
      assert.is(got.bytes, 256 * MIB);
      assert.is(await fileDigest(path.join(target, 'big file.bin')), digest);
      assert.equal(await treeDigest(target), [`big file.bin  ${digest}`], 'nothing else lies there');
    },
    { needs, limitMs: 120_000 },
  );

  it(
    'gets a folder of 1,000 files as it is: names in every script, empty files, empty folders',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      const source = path.join(temporaryFolder(t), 'Year 2025');
      mkdirSync(source);
      await writeTree(source);
      await bruno.agent.ask('share', 'add', source);
      const target = temporaryFolder(t);
      const got = await ana.agent.ask<Got>('get', 'bruno/Year 2025', '--to', target);
      assert.is(got.files, 1000);
      assert.equal(await treeDigest(path.join(target, 'Year 2025')), await treeDigest(source));
    },
    { needs, limitMs: 120_000 },
  );

  it(
    'gets one small file of a folder inside a share',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      const shared = temporaryFolder(t);
      mkdirSync(path.join(shared, 'a b', 'ü'), { recursive: true });
      await writeFile(path.join(shared, 'a b', 'ü', 'one two.txt'), 'word');
      await bruno.agent.ask('share', 'add', shared, '--name', 'Docs');
      const target = temporaryFolder(t);
      await ana.agent.ask('get', 'bruno/Docs/a b/ü/one two.txt', '--to', target);
      assert.is(await readFile(path.join(target, 'one two.txt'), 'utf8'), 'word');
    },
    { needs, limitMs: 60_000 },
  );
});
