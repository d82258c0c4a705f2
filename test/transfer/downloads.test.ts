/** Downloads end to end without a network: files and folders arrive as they are, or say why not. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { PotluckError } from '../../protocol/errors.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { ANA, Coworker, Downloader, put, sha256, treeOf } from '../support/transfers.js';

const KIB = 1024;
const MIB = 1024 * KIB;

function makeOffice(t: Case): { ana: Coworker; bruno: Downloader; base: string } {
  const base = temporaryFolder(t);
  const ana = new Coworker(t, base);
  return { ana, bruno: new Downloader(t, base, ana), base };
}

/** Nothing half-written is left, and no folder of parts. */
function assertClean(target: string): void {
  assert.not(existsSync(path.join(target, '.potluck-part')), 'no parts are left');
}

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof PotluckError) return thrown.code;
    throw thrown;
  }
  return 'nothing was refused';
}

spec('a file', (it) => {
  for (const size of [0, 1, 100, 128 * KIB, 128 * KIB + 1, 5 * MIB + 77]) {
    it(`of ${size} bytes arrives as it is, with its time`, async (t) => {
      const { ana, bruno } = makeOffice(t);
      const whole = randomBytes(size);
      utimesSync(put(ana.files, 'docs/plan.pdf', whole), 1_600_000_000, 1_600_000_000);
      const row = await bruno.over(bruno.get('docs/plan.pdf').id);
      assert.equal(
        [row.name, row.bytes, row.size, row.files, row.filesDone, row.wrong, row.error],
        ['plan.pdf', size, size, 1, 1, 0, null],
      );
      assert.is(row.to, path.join(bruno.target, 'plan.pdf'));
      assert.equal(readFileSync(row.to), whole);
      assert.is(statSync(row.to).mtimeMs, 1_600_000_000_000);
      if (process.platform !== 'win32') assert.is(statSync(row.to).mode & 0o777, 0o600);
      assert.equal(row.sources, [{ peer: row.sources[0]?.peer ?? '', name: 'ana', bytes: size }]);
      assert.ok(row.finishedAt !== null);
      assertClean(bruno.target);
    });
  }

  it('gets a number beside one of the same name, replaces it, or is skipped', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a.txt', 'from ana');
    put(bruno.target, 'a.txt', 'bruno’s own');
    const renamed = await bruno.over(bruno.get('a.txt').id);
    assert.is(renamed.to, path.join(bruno.target, 'a (2).txt'));
    const pieces = ana.network.pieces;
    await bruno.over(bruno.get('a.txt', 'skip').id);
    assert.is(ana.network.pieces, pieces, 'what is skipped is not fetched');
    assert.equal(readdirSync(bruno.target).toSorted(), ['a (2).txt', 'a.txt']);
    assert.is(readFileSync(path.join(bruno.target, 'a.txt'), 'utf8'), 'bruno’s own');
    await bruno.over(bruno.get('a.txt', 'replace').id);
    assert.is(readFileSync(path.join(bruno.target, 'a.txt'), 'utf8'), 'from ana');
  });

  it('is put where it is asked to be, under a name that this disk takes', async (t) => {
    const { ana, bruno, base } = makeOffice(t);
    put(ana.files, 'what?\u202e|.txt', 'x');
    const target = path.join(base, 'some/where else');
    const request = { peer: ANA, share: 'projects', path: 'what?\u202e|.txt', target, onConflict: 'rename' } as const;
    const row = await bruno.over(bruno.downloads.start(request).id);
    assert.is(row.to, path.join(target, 'what__.txt'));
  });

  const unknown: [string, string, string][] = [
    ['an unknown share', 'Nothing', 'a'],
    ['an unknown path', 'Projects', 'missing.txt'],
    ['a way out of the share', 'Projects', '../a'],
  ];
  for (const [what, share, wanted] of unknown) {
    it(`fails with one clear line for ${what}`, async (t) => {
      const { bruno } = makeOffice(t);
      const { id } = bruno.downloads.start({ peer: ANA, share, path: wanted, onConflict: 'rename' });
      const row = await bruno.over(id, 'failed');
      assert.is(row.error?.code, what === 'an unknown share' ? 'SHARE_UNKNOWN' : 'PATH_UNKNOWN');
      assert.not(existsSync(bruno.target));
    });
  }

  it('fails when it cannot be written here, and leaves nothing', async (t) => {
    const { ana, bruno, base } = makeOffice(t);
    put(ana.files, 'a.txt', 'x');
    put(base, 'file', 'in the way');
    const target = path.join(base, 'file');
    const { id } = bruno.downloads.start({ peer: ANA, share: 'Projects', path: 'a.txt', target, onConflict: 'rename' });
    assert.is((await bruno.over(id, 'failed')).error?.code, 'FAILED');
  });

  it('fails when its owner cannot read it', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const file = put(ana.files, 'a.txt', 'x');
    ana.pc.shares.describe = async () => ({ items: [{ ok: false, code: 'UNREADABLE' }] });
    chmodSync(file, 0);
    const row = await bruno.over(bruno.get('a.txt').id, 'failed');
    assert.is(row.error?.code, 'UNREADABLE');
    assertClean(bruno.target);
  });

  it('is fetched again where bytes were wrong, and given up when they stay wrong', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const whole = randomBytes(1 * MIB);
    put(ana.files, 'large', whole);
    put(ana.files, 'small', randomBytes(1000));
    let toSpoil = 2;
    ana.network.tamper = (frame) => {
      if (frame[0] !== 0x10 || frame.length < 500 || toSpoil <= 0) return frame;
      toSpoil -= 1;
      const spoiled = Uint8Array.from(frame);
      spoiled[200] = (spoiled[200] ?? 0) ^ 1;
      return spoiled;
    };
    const row = await bruno.over(bruno.get('large').id);
    assert.equal(readFileSync(row.to), whole);
    assert.is(row.wrong, 2 * 128 * KIB);
    toSpoil = Infinity;
    for (const name of ['large', 'small']) {
      const failed = await bruno.over(bruno.get(name, 'replace').id, 'failed');
      assert.is(failed.error?.code, 'INTEGRITY', name);
    }
    assert.equal(readFileSync(row.to), whole);
    assertClean(bruno.target);
  });

  it('is begun anew when it changes while it is fetched', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', randomBytes(3 * MIB));
    const newer = randomBytes(2 * MIB);
    let frames = 0;
    ana.network.pace = async () => {
      frames += 1;
      if (frames === 10) put(ana.files, 'a', newer);
    };
    const row = await bruno.over(bruno.get('a').id);
    assert.equal(readFileSync(row.to), newer);
    assert.equal([row.bytes, row.size], [newer.length, newer.length]);
  });

  it('is given up when it never stays the same', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', randomBytes(2 * MIB));
    let frames = 0;
    ana.network.pace = async () => {
      frames += 1;
      if (frames % 5 === 0) put(ana.files, 'a', randomBytes(2 * MIB));
    };
    const row = await bruno.over(bruno.get('a').id, 'failed');
    assert.is(row.error?.code, 'GONE');
    assert.equal(readdirSync(bruno.target), []);
  });
});

spec('a folder', (it) => {
  it('arrives whole: Unicode, blanks, empty files and folders, times', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const root = path.join(ana.files, 'Büro 2026');
    put(root, 'readme.txt', 'hello');
    put(root, 'leer', '');
    put(root, 'Größe ä/日本語.txt', 'x');
    put(root, 'deep/er/est/file.bin', randomBytes(400 * KIB));
    put(root, '-rf', 'y');
    mkdirSync(path.join(root, 'empty folder/inner'), { recursive: true });
    for (let n = 0; n < 300; n++) put(root, `many/${n}.dat`, randomBytes(n * 7));
    for (const place of [
      'readme.txt',
      'empty folder/inner',
      'empty folder',
      'many',
      'deep/er/est',
      'deep/er',
      'deep',
    ]) {
      utimesSync(path.join(root, place), 1_500_000_000, 1_500_000_000);
    }
    const row = await bruno.over(bruno.get('Büro 2026').id);
    assert.is(row.to, path.join(bruno.target, 'Büro 2026'));
    assert.equal(treeOf(row.to), treeOf(root));
    assert.equal([row.files, row.filesDone, row.failedCount], [305, 305, 0]);
    assert.is(row.bytes, row.size);
    assertClean(bruno.target);
  });

  it('may be the share itself', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', '1');
    put(ana.files, 'b/c', '2');
    const row = await bruno.over(bruno.get('').id);
    assert.is(row.to, path.join(bruno.target, 'Projects'));
    assert.equal(treeOf(row.to, false), treeOf(ana.files, false));
  });

  it(
    'keeps entries apart whose names some disks take for one, under names that all disks take',
    async (t) => {
      const { ana, bruno } = makeOffice(t);
      for (const name of ['A.txt', 'a.txt', 'e\u0301', 'é', 'CON', 'what?', 'what*', 'x:y']) {
        put(ana.files, `names/${name}`, name);
      }
      put(ana.files, 'names/B/x', 'folder B');
      put(ana.files, 'names/b/x', 'folder b');
      const row = await bruno.over(bruno.get('names').id);
      const names = readdirSync(row.to).toSorted();
      assert.is(new Set(names.map((name) => name.normalize('NFKC').toLowerCase())).size, 10);
      const contents = names
        .filter((name) => !/^b/i.test(name))
        .map((name) => readFileSync(path.join(row.to, name), 'utf8'));
      assert.equal(contents.toSorted(), ['A.txt', 'CON', 'a.txt', 'e\u0301', 'what*', 'what?', 'x:y', 'é'].toSorted());
      assert.equal(
        names.filter((name) => /[<>:"|?*]|^con/i.test(name)),
        [],
      );
    },
    { needs: () => (process.platform === 'linux' ? null : 'needs a disk that tells A from a') },
  );

  it('arrives without the files that cannot be had, and names them', async (t) => {
    const { ana, bruno } = makeOffice(t);
    for (let n = 0; n < 100; n++) put(ana.files, `f/${n}`, `file ${n}`);
    const describe = ana.pc.shares.describe.bind(ana.pc.shares);
    ana.pc.shares.describe = async (share, paths, onProgress, signal) => {
      const { items } = await describe(share, paths, onProgress, signal);
      const unreadable = { ok: false, code: 'UNREADABLE' } as const;
      return { items: items.map((item, at) => (paths[at] === 'f/7' || paths[at] === 'f/70' ? unreadable : item)) };
    };
    rmSync(path.join(ana.files, 'f/50'));
    mkdirSync(path.join(ana.files, 'f/sub'));
    const row = await bruno.over(bruno.get('f').id);
    assert.equal([row.files, row.filesDone, row.failedCount, row.error], [99, 97, 2, null]);
    assert.equal(
      row.failed.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      [
        { path: 'f/7', code: 'UNREADABLE' },
        { path: 'f/70', code: 'UNREADABLE' },
      ],
    );
    assert.is(readdirSync(row.to).length, 98);
    assertClean(bruno.target);
  });

  it('leaves out a folder that cannot be listed', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'f/good/a', 'a');
    put(ana.files, 'f/locked/b', 'b');
    const browse = ana.pc.shares.browse.bind(ana.pc.shares);
    ana.pc.shares.browse = async (share, folder, ...rest) => {
      if (folder === 'f/locked') throw new PotluckError('UNREADABLE', 'it cannot be read');
      return browse(share, folder, ...rest);
    };
    const row = await bruno.over(bruno.get('f').id);
    assert.equal(row.failed, [{ path: 'f/locked', code: 'UNREADABLE' }]);
    assert.is(readFileSync(path.join(row.to, 'good/a'), 'utf8'), 'a');
  });

  it('gets a number beside one of the same name, or is merged into it', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'f/a', 'ana’s a');
    put(ana.files, 'f/sub/b', 'ana’s b');
    put(bruno.target, 'f/a', 'bruno’s a');
    put(bruno.target, 'f/c', 'bruno’s c');
    const renamed = await bruno.over(bruno.get('f').id);
    assert.is(renamed.to, path.join(bruno.target, 'f (2)'));
    const text = (name: string): string => readFileSync(path.join(bruno.target, 'f', name), 'utf8');
    await bruno.over(bruno.get('f', 'skip').id);
    assert.equal([text('a'), text('sub/b'), text('c')], ['bruno’s a', 'ana’s b', 'bruno’s c']);
    await bruno.over(bruno.get('f', 'replace').id);
    assert.equal([text('a'), text('sub/b'), text('c')], ['ana’s a', 'ana’s b', 'bruno’s c']);
    assert.equal(readdirSync(bruno.target).toSorted(), ['f', 'f (2)']);
  });
});

spec('downloads', (it) => {
  it('wait in a queue while three are active, and tell all of it on the board', async (t) => {
    const { ana, bruno } = makeOffice(t);
    for (let n = 0; n < 5; n++) put(ana.files, `f${n}`, randomBytes(1 * MIB));
    const gate = Promise.withResolvers<void>();
    ana.network.pace = () => gate.promise;
    const ids = [0, 1, 2, 3, 4].map((n) => bruno.get(`f${n}`).id);
    await bruno.until(ids[2] ?? '', (row) => row.state !== 'queued');
    assert.equal(
      ids.map((id) => bruno.row(id).state === 'queued'),
      [false, false, false, true, true],
    );
    gate.resolve();
    for (const id of ids) assert.is((await bruno.over(id)).bytes, 1 * MIB);
    assert.is(bruno.downloads.list().length, 5);
    assert.is(bruno.downloads.rate, 0);
  });

  it('say that the coworker is hashing', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', randomBytes(1000));
    const describe = ana.pc.shares.describe.bind(ana.pc.shares);
    const hashed = Promise.withResolvers<void>();
    ana.pc.shares.describe = async (share, paths, onProgress, signal) => {
      onProgress(30, 100);
      await hashed.promise;
      return describe(share, paths, onProgress, signal);
    };
    const { id } = bruno.get('a');
    const row = await bruno.until(id, ({ state }) => state === 'hashing');
    assert.is(row.because, 'ana is hashing its files, 30 %');
    hashed.resolve();
    await bruno.over(id);
  });

  it('refuse ids that are not there and states that do not fit', async (t) => {
    const { ana, bruno } = makeOffice(t);
    put(ana.files, 'a', 'x');
    const { id } = await bruno.over(bruno.get('a').id);
    for (const verb of ['pause', 'resume', 'cancel'] as const) {
      assert.is(await refusal(() => bruno.downloads[verb]('t99999')), 'TRANSFER_UNKNOWN');
      assert.is(await refusal(() => bruno.downloads[verb](id)), 'FAILED', verb);
    }
    const relative = { peer: ANA, share: 'Projects', path: 'a', target: 'relative', onConflict: 'rename' } as const;
    assert.is(await refusal(() => bruno.downloads.start(relative)), 'USAGE');
  });

  it('never write over a file that appears at the last moment', async (t) => {
    const { ana, bruno } = makeOffice(t);
    const whole = randomBytes(2 * MIB);
    put(ana.files, 'a', whole);
    let frames = 0;
    ana.network.pace = async () => {
      frames += 1;
      if (frames === 8) put(bruno.target, 'a', 'planted');
    };
    const row = await bruno.over(bruno.get('a').id);
    assert.is(readFileSync(path.join(bruno.target, 'a'), 'utf8'), 'planted');
    assert.is(row.to, path.join(bruno.target, 'a (2)'));
    assert.is(sha256(readFileSync(row.to)), sha256(whole));
  });
});
