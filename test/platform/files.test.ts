/** Private files: whole or old, for this user only. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { readPrivateFile, writePrivateFile } from '../../agent/platform/files.js';
import { needRoot } from '../support/packages.js';
import { must, start } from '../support/process.js';
import { refusal } from '../support/refusal.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const modeOf = (name: string): number => statSync(name).mode & 0o777;

spec('writePrivateFile', (it) => {
  it('makes a file of 0600 whatever the umask, and leaves nothing beside it', async (t) => {
    const folder = temporaryFolder(t);
    const umask = process.umask(0);
    t.defer(() => process.umask(umask));
    await writePrivateFile(path.join(folder, 'a'), 'one');
    await writePrivateFile(path.join(folder, 'a'), Buffer.from('two'));
    assert.is(readFileSync(path.join(folder, 'a'), 'utf8'), 'two');
    assert.is(modeOf(path.join(folder, 'a')), 0o600);
    assert.equal(readdirSync(folder), ['a']);
  });

  it('keeps the last of several writes at once', async (t) => {
    const file = path.join(temporaryFolder(t), 'a');
    await Promise.all(Array.from({ length: 20 }, (_, n) => writePrivateFile(file, `${n}`)));
    assert.is(readFileSync(file, 'utf8'), '19');
  });

  it('goes on after a killed write, and does not follow a link left in its way', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, 'elsewhere'), 'untouched');
    symlinkSync('elsewhere', path.join(folder, 'a.tmp'));
    await writePrivateFile(path.join(folder, 'a'), 'one');
    assert.is(readFileSync(path.join(folder, 'elsewhere'), 'utf8'), 'untouched');
    assert.is(readFileSync(path.join(folder, 'a'), 'utf8'), 'one');
  });

  it('replaces a link and not what it points to', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, 'elsewhere'), 'untouched');
    symlinkSync('elsewhere', path.join(folder, 'a'));
    await writePrivateFile(path.join(folder, 'a'), 'one');
    assert.is(readFileSync(path.join(folder, 'elsewhere'), 'utf8'), 'untouched');
  });

  it('says why it failed, and the next write works', async (t) => {
    const folder = temporaryFolder(t);
    const file = path.join(folder, 'a');
    mkdirSync(file);
    writeFileSync(path.join(file, 'full'), '');
    assert.match((await refusal(() => writePrivateFile(file, 'one'))).message, /cannot be written: E/);
    assert.equal(readdirSync(folder), ['a']);
    await writePrivateFile(path.join(folder, 'b'), 'two');
  });

  it(
    'leaves the old content when there is no space',
    async (t) => {
      const folder = temporaryFolder(t);
      await must('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', folder]);
      t.defer(() => must('umount', [folder]));
      const file = path.join(folder, 'a');
      await writePrivateFile(file, 'old');
      assert.is((await refusal(() => writePrivateFile(file, Buffer.alloc(1 << 20)))).code, 'NO_SPACE');
      assert.is(readFileSync(file, 'utf8'), 'old');
      assert.equal(readdirSync(folder), ['a']);
    },
    { needs: needRoot },
  );

  it(
    'is whole after kill -9 at any moment',
    async (t) => {
      const file = path.join(temporaryFolder(t), 'a');
      const program = `
      import { writePrivateFile } from ${JSON.stringify(import.meta.resolve('../../agent/platform/files.js'))};
      for (let n = 1; ; n++) {
        await writePrivateFile(${JSON.stringify(file)}, n % 2 ? 'x'.repeat(100_000) + '!' : '!');
        if (n === 2) console.log('writing');
      }`;
      for (let round = 0; round < 12; round++) {
        const child = await start(t, process.execPath, ['--input-type=module', '-e', program]);
        await child.line(/writing/);
        await sleep(Math.random() * 10);
        process.kill(child.pid, 'SIGKILL');
        await child.ended;
        const content = await readPrivateFile(file, 200_000);
        assert.ok(content?.toString().endsWith('!'), `round ${round}`);
        assert.ok([1, 100_001].includes(content?.length ?? 0), `round ${round}`);
      }
    },
    { limitMs: 60_000 },
  );
});

spec('readPrivateFile', (it) => {
  it('reads what it wrote, and null where nothing is', async (t) => {
    const folder = temporaryFolder(t);
    await writePrivateFile(path.join(folder, 'a'), 'one');
    assert.is((await readPrivateFile(path.join(folder, 'a'), 3))?.toString(), 'one');
    assert.is(await readPrivateFile(path.join(folder, 'b'), 3), null);
  });

  it('refuses a file that is too large, also one that does not say how large it is', async (t) => {
    const folder = temporaryFolder(t);
    await writePrivateFile(path.join(folder, 'a'), 'four');
    assert.is((await refusal(() => readPrivateFile(path.join(folder, 'a'), 3))).code, 'TOO_LARGE');
  });

  for (const mode of [0o644, 0o640, 0o620, 0o601]) {
    it(`refuses mode ${mode.toString(8)} and says what mends it`, async (t) => {
      const file = path.join(temporaryFolder(t), "an 'odd' name");
      writeFileSync(file, 'secret');
      chmodSync(file, mode);
      const { code, hint } = await refusal(() => readPrivateFile(file, 100));
      assert.is(code, 'UNSAFE_FILES');
      await must('sh', ['-c', hint ?? '']);
      assert.is((await readPrivateFile(file, 100))?.toString(), 'secret');
    });
  }

  it(
    "refuses another user's file",
    async (t) => {
      const file = path.join(temporaryFolder(t), 'a');
      writeFileSync(file, 'secret', { mode: 0o600 });
      chownSync(file, 65_534, 65_534);
      assert.is((await refusal(() => readPrivateFile(file, 100))).code, 'UNSAFE_FILES');
    },
    { needs: needRoot },
  );

  it('refuses a link, a folder and a named pipe without waiting for it', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, 'real'), 'secret', { mode: 0o600 });
    symlinkSync('real', path.join(folder, 'link'));
    mkdirSync(path.join(folder, 'folder'), { mode: 0o700 });
    await must('mkfifo', ['-m', '600', path.join(folder, 'pipe')]);
    for (const name of ['link', 'folder', 'pipe']) {
      const { code } = await refusal(() => readPrivateFile(path.join(folder, name), 100));
      assert.is(code, 'UNSAFE_FILES', name);
    }
  });
});
