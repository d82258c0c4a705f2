/** Downloads from a coworker that lies or vanishes, for a person who changes their mind. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { Described } from '../../agent/shares/content-ids.js';
import type { ContentId } from '../../protocol/ids.js';
import { safeName } from '../../protocol/path.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { ANA, Coworker, Downloader, put, treeOf } from '../support/transfers.js';

const MIB = 1024 * 1024;

function makeOffice(t: Case): { ana: Coworker; bruno: Downloader } {
  const base = temporaryFolder(t);
  const ana = new Coworker(t, base);
  return { ana, bruno: new Downloader(t, base, ana) };
}

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

spec('a coworker that lies', (it) => {
  const content = 'ab'.repeat(32) as ContentId;
  const lies: Record<string, Partial<Extract<Described, { ok: true }>>> = {
    'an empty file that has a content': { size: 0, content },
    'a file with bytes that has no content': { size: 1000, content: null },
  };
  for (const [what, lie] of Object.entries(lies)) {
    it(`about ${what} spoils that file and no other`, async (t) => {
      const { ana, bruno } = makeOffice(t);
      for (const name of ['a', 'b', 'c']) put(ana.files, `f/${name}`, `file ${name}`);
      const describe = ana.pc.shares.describe.bind(ana.pc.shares);
      ana.pc.shares.describe = async (share, paths, onProgress, signal) => {
        const { items } = await describe(share, paths, onProgress, signal);
        return { items: items.map((item, at) => (item.ok && paths[at] === 'f/b' ? { ...item, ...lie } : item)) };
      };
      const row = await bruno.over(bruno.get('f').id);
      assert.equal(row.failed, [{ path: 'f/b', code: 'BAD_MESSAGE' }]);
      assert.equal(
        treeOf(row.to, false).map((line) => line.split(' ')[1]),
        ['a', 'c'],
      );
    });
  }
});

spec('a coworker with hostile names', (it) => {
  it(
    'gets nothing written outside of the folder, and every name is one that all disks take',
    async (t) => {
      const { ana, bruno } = makeOffice(t);
      const long = `${'é'.repeat(120)}.drawing`;
      const names = ['CON', 'aux .txt', 'a\u202eb', 'a\u001b[2Jb', 'x ', 'y.', 'c:d', '.git', '-rf', long];
      for (const name of names) put(ana.files, `f/${name}`, `content of ${name}`);
      const browse = ana.pc.shares.browse.bind(ana.pc.shares);
      ana.pc.shares.browse = async (...args) => {
        const page = await browse(...args);
        const outside = ['../x', '..', '.', '/etc/x', 'a/b', 'nul\0', ''].map(
          (name) => ({ name, type: 'folder', size: 0, modified: 0, content: null }) as const,
        );
        return { ...page, entries: [...outside, ...page.entries] };
      };
      const row = await bruno.over(bruno.get('f').id);
      assert.equal([row.filesDone, row.failedCount], [names.length, 0]);
      assert.equal(readdirSync(bruno.target), ['f']);
      const here = readdirSync(row.to);
      assert.is(here.length, names.length);
      for (const name of here) assert.is(safeName(name), name);
      assert.ok(here.some((name) => name.endsWith('é.drawing') && Buffer.byteLength(name) <= 200));
      assert.equal(
        here.map((name) => readFileSync(path.join(row.to, name), 'utf8')).toSorted(),
        names.map((name) => `content of ${name}`).toSorted(),
      );
    },
    { needs: () => (process.platform === 'linux' ? null : 'needs a disk that takes any name') },
  );
});

spec('a coworker that vanishes', (it) => {
  it('again and again, at whatever moment, makes nothing wrong and little be fetched twice', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'f/large', randomBytes(6 * MIB + 5));
    for (let n = 0; n < 40; n++) put(ana.files, `f/${n % 3}/${n}`, randomBytes(n * 900));
    const calm = await bruno.over(bruno.get('f').id);
    const calmly = ana.network.pieces;
    for (const seed of [1, 2, 3]) {
      const next = randomFrom(seed);
      let left = Math.floor(next() * 30);
      let breaks = 6;
      ana.network.pieces = 0;
      ana.network.pace = async () => {
        left -= 1;
        if (left >= 0 || breaks === 0) return;
        breaks -= 1;
        left = Math.floor(next() * 30);
        ana.dropAll();
      };
      const { id } = bruno.get('f');
      const stop = bruno.board.subscribe(() => {
        if (bruno.row(id).state === 'waiting') queueMicrotask(() => bruno.events.emit('peer.online', { peer: ANA }));
      });
      const row = await bruno.over(id);
      stop();
      assert.equal(treeOf(row.to), treeOf(calm.to), `seed ${seed}`);
      assert.is(row.bytes, row.size, `seed ${seed}`);
      // What was on its way is lost with the connection, no more.
      assert.ok(ana.network.pieces <= calmly + 6 * 64, `seed ${seed}: ${ana.network.pieces} of ${calmly}`);
    }
  });

  it('leaves what is here counted', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', randomBytes(5 * MIB));
    let frames = 0;
    ana.network.pace = async () => {
      frames += 1;
      if (frames === 20) ana.goOffline();
    };
    const { id } = bruno.get('a');
    const waiting = await bruno.until(id, ({ state }) => state === 'waiting');
    assert.ok(waiting.bytes > 0, 'it does not fall back to nothing');
    assert.ok(waiting.bytes < waiting.size);
  });
});

spec('a download that is paused', (it) => {
  it('goes on when it is resumed before it has stopped', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const whole = randomBytes(5 * MIB);
    put(ana.files, 'a', whole);
    const started = Promise.withResolvers<void>();
    let frames = 0;
    ana.network.pace = async () => {
      frames += 1;
      if (frames === 10) started.resolve();
    };
    const { id } = bruno.get('a');
    await started.promise;
    const pausing = bruno.downloads.pause(id);
    const resumed = await bruno.downloads.resume(id);
    await pausing;
    assert.is.not(resumed.state, 'paused');
    const row = await bruno.over(id);
    assert.equal(readFileSync(path.join(bruno.target, 'a')), whole);
    assert.is(row.bytes, whole.length);
  });
});
