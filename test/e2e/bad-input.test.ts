/** Whatever is asked for in vain: one clear line, the right exit code, nothing half-written left behind. */
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { PeerRow } from '../../protocol/local/model.js';
import { Agent, openAgent } from '../support/agent.js';
import { needRoot } from '../support/packages.js';
import { must, until } from '../support/process.js';
import { sampleBytes, samplePdf, treeDigest, writeBigFile } from '../support/samples.js';
import { spec, type Case } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { join, openPair, sees, type Pair } from './pair.js';
import { lineOf, refuses } from './refusal.js';

const MIB = 1024 * 1024;
const NOBODY = 65534;

/** A pair where Bruno shares a folder, `Docs`, and a tray, `Tray`. */
async function openShop(t: Case): Promise<Pair & { tray: string; shared: string; files: (name: string) => string }> {
  const pair = await openPair(t);
  const [shared, tray, folder] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)];
  await writeFile(path.join(shared, 'notes.txt'), 'Grüße');
  await pair.bruno.ask('share', 'add', shared, '--name', 'Docs');
  await pair.bruno.ask('printer', 'add', `tray:${tray}`, '--name', 'Tray');
  await pair.bruno.ask('printer', 'share', 'Tray');
  await writeFile(path.join(folder, 'letter.pdf'), samplePdf(1));
  await writeFile(path.join(folder, 'random.bin'), sampleBytes('noise', 5000));
  await writeFile(path.join(folder, 'torn.pdf'), samplePdf(3).subarray(0, 600));
  await writeFile(path.join(folder, 'empty.pdf'), '');
  await writeFile(
    path.join(folder, 'report.docx'),
    Buffer.concat([Buffer.from('504b0304', 'hex'), sampleBytes('zip', 500)]),
  );
  return { ...pair, tray, shared, files: (name) => path.join(folder, name) };
}

spec('bad input', (it) => {
  it(
    'names what does not exist: peer, share, path, printer, job, transfer',
    async (t) => {
      const { ana, files } = await openShop(t);
      const target = temporaryFolder(t);
      assert.match(await refuses(ana, 'PEER_UNKNOWN', 'ls', 'zoe'), /zoe/);
      await refuses(ana, 'PEER_UNKNOWN', 'get', 'zoe/Docs/notes.txt', '--to', target);
      assert.match(await refuses(ana, 'SHARE_UNKNOWN', 'ls', 'bruno/Nope'), /Nope/);
      await refuses(ana, 'SHARE_UNKNOWN', 'get', 'bruno/Nope', '--to', target);
      assert.match(await refuses(ana, 'PATH_UNKNOWN', 'ls', 'bruno/Docs/nope'), /nope/);
      await refuses(ana, 'PATH_UNKNOWN', 'get', 'bruno/Docs/nope.txt', '--to', target);
      await refuses(ana, 'PRINTER_UNKNOWN', 'print', files('letter.pdf'), '--printer', 'bruno/Nope');
      await refuses(ana, 'PEER_UNKNOWN', 'print', files('letter.pdf'), '--printer', 'zoe/Tray');
      await refuses(ana, 'JOB_UNKNOWN', 'job', 'cancel', 'nope');
      await refuses(ana, 'TRANSFER_UNKNOWN', 'cancel', 'nope');
      await refuses(ana, 'SHARE_UNKNOWN', 'share', 'remove', 'Nope');
      await refuses(ana, 'PRINTER_UNKNOWN', 'printer', 'share', 'Nope');
      assert.equal(readdirSync(target), []);
    },
    { limitMs: 120_000 },
  );

  it(
    'refuses paths that climb out of a share',
    async (t) => {
      const { ana } = await openShop(t);
      const target = temporaryFolder(t);
      for (const place of ['bruno/Docs/../notes.txt', 'bruno/Docs/a/../../x', 'bruno/Docs//etc/passwd']) {
        const { code, stderr } = await ana.text('get', place, '--to', target);
        assert.ok(code === 2 || code === 4, `${place}: exit ${code}\n${stderr}`);
      }
      assert.equal(readdirSync(target), []);
    },
    { limitMs: 60_000 },
  );

  it(
    'tells wrong usage from everything else',
    async (t) => {
      const { ana } = await openShop(t);
      for (const args of [['frobnicate'], ['get'], ['get', '--wat'], ['share', 'frobnicate'], ['print']]) {
        const { code, stdout, stderr } = await ana.text(...args);
        assert.is(code, 2, `${args.join(' ')}\n${stdout}${stderr}`);
        assert.match(stderr, /^potluck: /);
        assert.is(stdout, '');
      }
      await refuses(ana, 'USAGE', 'workgroup', 'join', 'not-a-code');
    },
    { limitMs: 60_000 },
  );

  it(
    'prints no document that the printer cannot take: the tray stays empty',
    async (t) => {
      const { ana, tray, files } = await openShop(t);
      const on = ['--printer', 'bruno/Tray'];
      assert.match(await refuses(ana, 'FORMAT_UNSUPPORTED', 'print', files('random.bin'), ...on), /PDF/);
      await refuses(ana, 'FORMAT_UNSUPPORTED', 'print', files('report.docx'), ...on);
      await refuses(ana, 'DOCUMENT_DAMAGED', 'print', files('torn.pdf'), ...on);
      const empty = await ana.text('print', files('empty.pdf'), ...on);
      assert.is(empty.code, 1, empty.stderr);
      const missing = await ana.text('print', files('nope.pdf'), ...on);
      assert.ok(missing.code === 1 || missing.code === 4, missing.stderr);
      assert.equal(readdirSync(tray), []);
    },
    { limitMs: 90_000 },
  );

  it(
    'refuses to share what is no folder, or cannot be read',
    async (t) => {
      const ana = await openAgent(t, { name: 'ana', as: process.getuid?.() === 0 ? 'unprivileged' : 'self' });
      await ana.ask('workgroup', 'create', 'Front office');
      const folder = temporaryFolder(t);
      const file = path.join(folder, 'file');
      await writeFile(file, '');
      const locked = path.join(folder, 'locked');
      mkdirSync(locked);
      if (process.getuid?.() === 0) chownSync(locked, NOBODY, NOBODY);
      chmodSync(locked, process.getuid?.() === 0 ? 0o700 : 0);
      for (const place of [file, path.join(folder, 'nope'), locked]) {
        const { code, stderr } = await ana.text('share', 'add', place);
        assert.ok(code === 1 || code === 2 || code === 4, `${place}: exit ${code}\n${stderr}`);
        assert.match(stderr, /^potluck: [^\n]+\n(?:try: [^\n]+\n)?$/);
      }
      assert.equal(await ana.ask('share', 'list'), []);
    },
    { limitMs: 60_000 },
  );

  it(
    'gets what can be had and says which part of a folder could not be read',
    async (t) => {
      const as = process.getuid?.() === 0 ? 'unprivileged' : 'self';
      const { ana, bruno } = await openPair(t, { bruno: { as } });
      const shared = path.join(temporaryFolder(t), 'Docs');
      await mkdir(path.join(shared, 'locked'), { recursive: true });
      await writeFile(path.join(shared, 'open.txt'), 'open');
      await writeFile(path.join(shared, 'locked', 'secret.txt'), 'secret');
      if (as === 'unprivileged') chownSync(path.join(shared, 'locked'), NOBODY, NOBODY);
      chmodSync(path.join(shared, 'locked'), as === 'unprivileged' ? 0o700 : 0);
      await bruno.ask('share', 'add', shared);
      await refuses(ana, 'UNREADABLE', 'ls', 'bruno/Docs/locked');
      const target = temporaryFolder(t);
      const { code, json, stderr } = await ana.cli('get', 'bruno/Docs', '--to', target);
      assert.is(code, 1, stderr);
      const { failed } = json as { failed: Array<{ path: string; code: string }> };
      assert.equal(
        failed.map((part) => part.code),
        ['UNREADABLE'],
      );
      const there = (await treeDigest(target)).map((line) => line.replace(/ {2}.*$/, ''));
      assert.ok(there.includes('Docs/open.txt'));
      assert.not(there.some((name) => name.includes('secret') || name.endsWith('.part')));
    },
    { limitMs: 60_000 },
  );

  it(
    'stops at a full disk and leaves it as it was',
    async (t) => {
      const { ana, bruno } = await openPair(t);
      const shared = temporaryFolder(t);
      await writeBigFile(path.join(shared, 'big.bin'), 24 * MIB);
      await bruno.ask('share', 'add', shared, '--name', 'Docs');
      const small = temporaryFolder(t);
      await must('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', small]);
      t.defer(() => must('umount', [small]));
      await writeFile(path.join(small, 'mine.txt'), 'mine');
      await refuses(ana, 'NO_SPACE', 'get', 'bruno/Docs/big.bin', '--to', small);
      await refuses(ana, 'NO_SPACE', 'get', 'bruno/Docs', '--to', small);
      assert.equal(
        readdirSync(small).filter((name) => name !== 'Docs'),
        ['mine.txt'],
      );
      const left = (await treeDigest(small)).filter((line) => !line.endsWith('  folder'));
      assert.is(left.length, 1, left.join('\n'));
    },
    { needs: needRoot, limitMs: 90_000 },
  );

  it(
    'says that a coworker is off, at once and with the code for it',
    async (t) => {
      const { ana, bruno } = await openShop(t);
      await bruno.stop();
      await sees(ana, 'bruno', 'offline');
      assert.match(await refuses(ana, 'PEER_OFFLINE', 'ls', 'bruno/Docs'), /bruno/);
      const target = temporaryFolder(t);
      const { code, stderr } = await ana.text('get', 'bruno/Docs/notes.txt', '--to', target, '--wait', '1s');
      assert.is(code, 6, stderr);
      assert.equal(readdirSync(target), []);
    },
    { limitMs: 90_000 },
  );

  it(
    'asks which one is meant when two coworkers have the same name',
    async (t) => {
      const { ana, bruno } = await openPair(t);
      const twin = await openAgent(t, { name: 'bruno', peers: [ana.port] });
      await join(twin, ana);
      await until('both are there', async () => (await ana.ask<PeerRow[]>('peers')).length === 2);
      const line = await refuses(ana, 'PEER_AMBIGUOUS', 'ls', 'bruno');
      for (const { id } of [bruno, twin]) assert.ok(line.includes(id.slice(0, 7)), line);
    },
    { limitMs: 60_000 },
  );

  it(
    'says that no agent is running, before and after one was',
    async (t) => {
      const agent = new Agent(t, { name: 'ana' });
      assert.match(await refuses(agent, 'NO_AGENT', 'peers'), /\ntry: potluck/);
      await agent.start();
      await agent.ask('peers');
      await agent.kill9();
      await refuses(agent, 'NO_AGENT', 'peers');
    },
    { limitMs: 60_000 },
  );

  it(
    'lets no second agent into a home',
    async (t) => {
      const ana = await openAgent(t, { name: 'ana' });
      const root = process.getuid?.() === 0 ? ['--allow-root'] : [];
      const args = ['agent', ...root, '--loopback', '--listen', '127.0.0.1', '--port', '0', '--no-discovery'];
      lineOf(await ana.text(...args), 'AGENT_RUNNING', args);
      assert.ok(await ana.ask('status'), 'the first goes on');
    },
    { limitMs: 60_000 },
  );

  it(
    'does not run as root unless told',
    async (t) => {
      const agent = new Agent(t, { name: 'ana' });
      lineOf(await agent.text('agent', '--no-discovery'), 'NOT_ALLOWED', ['agent']);
    },
    { needs: needRoot },
  );

  it(
    'keeps another user off the socket of an agent',
    async (t) => {
      const ana = await openAgent(t, { name: 'ana', as: 'nobody' });
      await ana.ask('peers');
      lineOf(await ana.runAs('unprivileged', 'peers'), 'NOT_ALLOWED', ['peers']);
    },
    { needs: needRoot, limitMs: 60_000 },
  );

  it(
    'keeps its transfers list and disk clean after a source file vanished',
    async (t) => {
      const { ana, shared } = await openShop(t);
      await ana.ask('ls', 'bruno/Docs');
      await rm(path.join(shared, 'notes.txt'));
      const target = temporaryFolder(t);
      const { code, stderr } = await ana.text('get', 'bruno/Docs/notes.txt', '--to', target);
      assert.ok(code === 1 || code === 4, `exit ${code}\n${stderr}`);
      assert.equal(readdirSync(target), []);
    },
    { limitMs: 60_000 },
  );
});
