/** Downloads that are stopped in the middle, by whomever: they go on from what is here. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { must, start, until } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { ANA, Coworker, Downloader, put, treeOf } from '../support/transfers.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const CHILD = fileURLToPath(new URL('../support/transfer-child.js', import.meta.url));
const asRoot = (): string | null =>
  process.platform === 'linux' && process.getuid?.() === 0 ? null : 'needs root to mount a small disk';

function makeOffice(t: Case): { ana: Coworker; bruno: Downloader; base: string } {
  const base = temporaryFolder(t);
  const ana = new Coworker(t, base);
  return { ana, bruno: new Downloader(t, base, ana), base };
}

/** Holds the coworker's answers back after so many frames, until it is let go. */
function stopAfter(ana: Coworker, frames: number): { reached: Promise<void>; letGo: () => void } {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let count = 0;
  ana.network.pace = () => {
    count += 1;
    if (count < frames) return Promise.resolve();
    reached.resolve();
    return gate.promise;
  };
  const letGo = (): void => {
    ana.network.pace = () => Promise.resolve();
    gate.resolve();
  };
  return { reached: reached.promise, letGo };
}

spec('a download', (it) => {
  it('is paused and goes on without fetching anything twice', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const whole = randomBytes(8 * MIB);
    put(ana.files, 'a', whole);
    const gate = stopAfter(ana, 40);
    const { id } = bruno.get('a');
    await gate.reached;
    const paused = await bruno.downloads.pause(id);
    gate.letGo();
    assert.is(paused.state, 'paused');
    assert.ok(paused.bytes > 2 * MIB && paused.bytes < 8 * MIB, `${paused.bytes}`);
    const pieces = ana.network.pieces;
    await bruno.downloads.resume(id);
    const row = await bruno.over(id);
    assert.equal(readFileSync(row.to), whole);
    assert.is(ana.network.pieces - pieces, (8 * MIB - paused.bytes) / (128 * KIB));
  });

  it('is cancelled, and nothing of it is left', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'f/a', randomBytes(8 * MIB));
    put(ana.files, 'f/b', 'small');
    const gate = stopAfter(ana, 20);
    const { id } = bruno.get('f');
    await gate.reached;
    const row = await bruno.downloads.cancel(id);
    gate.letGo();
    assert.is(row.state, 'cancelled');
    assert.not(existsSync(path.join(bruno.target, '.potluck-part')));
    assert.not(existsSync(path.join(bruno.target, 'f/a')));
  });

  it('waits while the coworker is away and goes on by itself when it is back', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const whole = randomBytes(8 * MIB);
    put(ana.files, 'a', whole);
    const gate = stopAfter(ana, 40);
    const { id } = bruno.get('a');
    await gate.reached;
    ana.goOffline();
    gate.letGo();
    const waiting = await bruno.until(id, ({ state }) => state === 'waiting');
    assert.is(waiting.because, 'ana is offline');
    const pieces = ana.network.pieces;
    ana.network.isUp = true;
    bruno.events.emit('peer.online', { peer: ANA });
    const row = await bruno.over(id);
    assert.equal(readFileSync(row.to), whole);
    assert.ok(ana.network.pieces - pieces < 64);
  });

  it('begins while the coworker is away, and is tried again without being told', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', 'x');
    ana.goOffline();
    const { id } = bruno.get('a');
    await bruno.until(id, ({ state }) => state === 'waiting');
    ana.network.isUp = true;
    await bruno.over(id);
  });

  it('goes on after both agents were closed, queued, active, waiting or paused', async (t) => {
    const { ana, bruno, base } = makeOffice(t);
    const whole = randomBytes(8 * MIB);
    for (const name of ['a', 'b', 'c', 'd', 'e']) put(ana.files, name, whole);
    const gate = stopAfter(ana, 60);
    const [paused = '', ...others] = ['a', 'b', 'c', 'd', 'e'].map((name) => bruno.get(name).id);
    await gate.reached;
    await bruno.downloads.pause(paused);
    await bruno.close();
    gate.letGo();
    const again = new Downloader(t, base, ana);
    assert.is(again.row(paused).state, 'paused');
    for (const id of others) assert.equal(readFileSync((await again.over(id)).to), whole);
    await again.downloads.resume(paused);
    assert.equal(readFileSync((await again.over(paused)).to), whole);
    assert.ok(ana.network.pieces < 5 * 64 + 3 * 64);
  });

  it('goes on with a folder where it was, also with files whose end was not recorded', async (t) => {
    const { ana, bruno, base } = makeOffice(t);
    for (let n = 0; n < 400; n++) put(ana.files, `f/${n % 4}/${n}`, randomBytes(2000));
    const gate = stopAfter(ana, 250);
    const { id, to } = bruno.get('f');
    await gate.reached;
    await bruno.close();
    gate.letGo();
    const pieces = ana.network.pieces;
    const here = treeOf(to, false).filter((line) => line.startsWith('file')).length;
    assert.ok(here > 200);
    // Nothing is remembered of any file, as when the agent was killed in the first second.
    const again = new Downloader(t, base, ana);
    const row = await again.over(id);
    assert.equal(treeOf(row.to), treeOf(path.join(ana.files, 'f')));
    assert.ok(ana.network.pieces - pieces <= 400 - here + 64, `${ana.network.pieces - pieces} after ${here}`);
    assert.equal([row.files, row.filesDone, row.bytes], [400, 400, 800_000]);
    assert.equal(readdirSync(again.target), ['f']);
  });

  it('fetches again what a power cut took of a folder', async (t) => {
    const { ana, bruno, base } = makeOffice(t);
    for (let n = 0; n < 200; n++) put(ana.files, `f/${n}`, randomBytes(2000));
    const gate = stopAfter(ana, 150);
    const { id, to } = bruno.get('f');
    await gate.reached;
    await bruno.close();
    gate.letGo();
    const [first = '', second = ''] = readdirSync(to);
    truncateSync(path.join(to, first), 0);
    writeFileSync(path.join(to, second), Buffer.alloc(2000));
    const again = new Downloader(t, base, ana);
    const row = await again.over(id);
    // What is there and is not the file is nobody's to overwrite: the file gets a number.
    const names = readdirSync(row.to).filter((name) => name.includes('('));
    assert.equal(names.toSorted(), [`${first} (2)`, `${second} (2)`].toSorted());
    assert.equal(readFileSync(path.join(row.to, `${first} (2)`)), readFileSync(path.join(ana.files, 'f', first)));
  });

  it('goes on when the coworker has forgotten what it knew of its files', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const whole = randomBytes(8 * MIB);
    put(ana.files, 'a', whole);
    const gate = stopAfter(ana, 40);
    const { id } = bruno.get('a');
    await gate.reached;
    await bruno.downloads.pause(id);
    gate.letGo();
    const pieces = ana.network.pieces;
    ana.pc.contents.forgetRoot(ana.files);
    await bruno.downloads.resume(id);
    assert.equal(readFileSync((await bruno.over(id)).to), whole);
    assert.ok(ana.network.pieces - pieces < 64);
  });

  it('waits for space and goes on when there is some', async (t) => {
    const base = temporaryFolder(t);
    const ana = new Coworker(t, base);
    put(ana.files, 'a', randomBytes(3 * MIB));
    const disk = { free: 1 * MIB };
    const space = { spaceOf: async () => ({ free: disk.free, total: 100 * MIB }) };
    const bruno = new Downloader(t, base, ana, { space });
    const { id } = bruno.get('a');
    const waiting = await bruno.until(id, ({ state }) => state === 'waiting');
    assert.is(waiting.because, 'the disk has too little space: 2.1 MB more are needed');
    assert.is(ana.network.pieces, 0, 'nothing is fetched that does not fit');
    disk.free = 10 * MIB;
    await bruno.downloads.resume(id);
    await bruno.over(id);
  });

  it(
    'waits when a real disk is full, leaves nothing broken, and goes on',
    async (t) => {
      const base = temporaryFolder(t);
      const small = path.join(base, 'downloads');
      put(small, 'x', '');
      await must('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', small]);
      t.defer(() => must('umount', [small]));
      const ana = new Coworker(t, base);
      const whole = randomBytes(3 * MIB);
      put(ana.files, 'f/a', whole);
      put(ana.files, 'f/b', randomBytes(4 * MIB));
      // The reservation is not asked: another program takes the space in between.
      const space = { spaceOf: async () => null };
      const bruno = new Downloader(t, base, ana, { space });
      const { id } = bruno.get('f');
      const waiting = await bruno.until(id, ({ state }) => state === 'waiting');
      assert.is(waiting.because, 'the disk is full');
      assert.equal(
        readdirSync(path.join(small, 'f')).filter((name) => name === 'b'),
        [],
      );
      await must('mount', ['-o', 'remount,size=20m', small]);
      await bruno.downloads.resume(id);
      const row = await bruno.over(id);
      assert.equal(treeOf(row.to), treeOf(path.join(ana.files, 'f')));
      await bruno.close();
    },
    { needs: asRoot },
  );

  it(
    'is there right after kill -9 of both sides, having fetched next to nothing twice',
    async (t) => {
      const base = temporaryFolder(t);
      const whole = randomBytes(48 * MIB);
      put(path.join(base, 'files'), 'a', whole);
      const pieces = (48 * MIB) / (128 * KIB);
      const first = await start(t, process.execPath, [CHILD, base, 'a', '3']);
      await until('a good part is here', () => {
        const bytes = Number(/bytes (\d+)\n(?!.*bytes)/s.exec(first.stdout)?.[1] ?? 0);
        return bytes > 12 * MIB && bytes < 40 * MIB;
      });
      first.signal('SIGKILL');
      await first.ended;
      const here = Number(/bytes (\d+)\n(?!.*bytes)/s.exec(first.stdout)?.[1] ?? 0);
      const second = await start(t, process.execPath, [CHILD, base, 'a', '0']);
      const [, asked] = await second.line(/over done (\d+)/);
      assert.equal(readFileSync(path.join(base, 'downloads/a')), whole);
      assert.not(existsSync(path.join(base, 'downloads/.potluck-part')));
      assert.ok(Number(asked) <= pieces - here / (128 * KIB) + 1, `${asked} pieces after ${here} bytes`);
      assert.ok(Number(asked) > 0);
    },
    { limitMs: 30_000 },
  );

  it(
    'is there right after kill -9 in the middle of a folder',
    async (t) => {
      const base = temporaryFolder(t);
      const files = path.join(base, 'files/f');
      for (let n = 0; n < 1000; n++) put(files, `${n % 10}/${n}`, randomBytes(3000));
      const first = await start(t, process.execPath, [CHILD, base, 'f', '2']);
      await until('a good part is here', () => /bytes (9\d{5}|[12]\d{6})\n/.test(first.stdout));
      first.signal('SIGKILL');
      await first.ended;
      const second = await start(t, process.execPath, [CHILD, base, 'f', '0']);
      const [, asked] = await second.line(/over done (\d+)/);
      assert.equal(treeOf(path.join(base, 'downloads/f')), treeOf(files));
      assert.ok(Number(asked) < 720, `${asked} of 1000 were asked for again`);
    },
    { limitMs: 30_000 },
  );
});
