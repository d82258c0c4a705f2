/** Space is what the system says; the list of mounts never holds anybody up. */
import { statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { diskSpace, listMounts } from '../../agent/platform/disk.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const posixOnly = (): string | null => (process.platform === 'win32' ? 'needs a single root' : null);

spec('disk space', (it) => {
  it('is what this user may write, of the file system that holds the folder', async (t) => {
    const folder = temporaryFolder(t);
    const stats = statfsSync(folder);
    const space = await diskSpace(folder, t.signal);
    assert.is(space?.total, stats.blocks * stats.bsize);
    assert.ok(Math.abs((space?.free ?? 0) - stats.bavail * stats.bsize) < 512 * 1024 * 1024);
  });

  it('is told for a folder that is still to be made', async (t) => {
    const folder = temporaryFolder(t);
    const space = await diskSpace(path.join(folder, 'not/yet/there'), t.signal);
    assert.is(space?.total, (await diskSpace(folder, t.signal))?.total);
  });

  it('is null where a file stands in the way', async (t) => {
    const file = path.join(temporaryFolder(t), 'file');
    writeFileSync(file, '');
    assert.is(await diskSpace(path.join(file, 'below'), t.signal), null);
  });
});

spec('mounts', (it) => {
  it(
    'has the root and leaves out what belongs to the system',
    async (t) => {
      const mounts = await listMounts(t.signal);
      const folders = mounts.map((mount) => mount.folder);
      assert.ok(folders.includes('/'), folders.join(' '));
      assert.equal(
        folders.filter((folder) => /^\/(dev|proc|sys)(\/|$)/.test(folder)),
        [],
      );
      for (const mount of mounts) assert.ok(mount.total > 0 && mount.free <= mount.total);
    },
    { needs: posixOnly },
  );

  const programs: Record<string, string> = {
    'never ends': 'setInterval(() => undefined, 1000)',
    'waits for a disk that does not answer': "require('node:child_process').execSync('sleep 60')",
    fails: 'process.exit(3)',
    'prints nonsense': "console.log('no list')",
    'prints for ever': "setInterval(() => process.stdout.write('x'.repeat(65536)), 1)",
    'names what is no folder': `console.log(JSON.stringify(['relative', '/no/such/place', '/']))`,
  };
  for (const [what, source] of Object.entries(programs)) {
    it(
      `falls back to the root when the program that lists them ${what}`,
      async (t) => {
        const program = path.join(temporaryFolder(t), 'list.cjs');
        writeFileSync(program, source);
        const started = performance.now();
        const mounts = await listMounts(t.signal, program);
        assert.equal(
          mounts.map((mount) => mount.folder),
          ['/'],
        );
        assert.ok(performance.now() - started < 6000);
      },
      { needs: posixOnly },
    );
  }

  it('is given up when nobody wants it any more', async (t) => {
    const program = path.join(temporaryFolder(t), 'list.cjs');
    writeFileSync(program, 'setInterval(() => undefined, 1000)');
    const abort = new AbortController();
    const listing = listMounts(abort.signal, program);
    abort.abort(new Error('left'));
    await listing.then(
      () => assert.unreachable(),
      (thrown: Error) => assert.is(thrown.message, 'left'),
    );
  });
});
