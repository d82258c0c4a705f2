/** What the UI reads of the disk. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { PotluckError } from '../../../protocol/errors.js';
import { absolutePath, homePath, localFiles } from '../../../tui/keys/local-files.js';
import { spec, type Case } from '../../support/spec.js';
import { temporaryFolder } from '../../support/temporary.js';

function sampleFolder(t: Case): string {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, 'zoo'));
  writeFileSync(path.join(folder, 'a.txt'), 'a');
  writeFileSync(path.join(folder, '.hidden'), '');
  symlinkSync(path.join(folder, 'a.txt'), path.join(folder, 'link.txt'));
  return folder;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof PotluckError) return thrown.code;
    throw thrown;
  }
  return 'nothing was thrown';
}

spec('local files', (it) => {
  it('lists folders first and leaves hidden ones out', async (t) => {
    assert.equal(await localFiles().list(sampleFolder(t)), [
      { name: 'zoo', isFolder: true },
      { name: 'a.txt', isFolder: false },
      { name: 'link.txt', isFolder: false },
    ]);
  });

  it('says what a path is', async (t) => {
    const folder = sampleFolder(t);
    const files = localFiles();
    assert.is(await files.kindOf(path.join(folder, 'zoo')), 'folder');
    assert.is(await files.kindOf(path.join(folder, 'link.txt')), 'file');
    assert.is(await files.kindOf(path.join(folder, 'nowhere')), 'none');
  });

  it('reads the end of a log in whole lines', async (t) => {
    const file = path.join(temporaryFolder(t), 'agent.log');
    writeFileSync(file, Array.from({ length: 3000 }, (_, line) => `line ${line} of a long log\n`).join(''));
    assert.equal(await localFiles().tail(file, 2), ['line 2998 of a long log', 'line 2999 of a long log']);
    const many = await localFiles().tail(file, 10_000);
    assert.match(many[0] ?? '', /^line \d+ of a long log$/);
    writeFileSync(file, 'only\n');
    assert.equal(await localFiles().tail(file, 5), ['only']);
  });

  it('says what cannot be read', async (t) => {
    const nowhere = path.join(temporaryFolder(t), 'nowhere');
    assert.is(await codeOf(localFiles().list(nowhere)), 'UNREADABLE');
    assert.is(await codeOf(localFiles().tail(nowhere, 5)), 'UNREADABLE');
  });
});

spec('paths as people type them', (it) => {
  for (const [typed, absolute] of [
    ['~', '/home/ana'],
    ['~/work', '/home/ana/work'],
    ['work/plans', '/home/ana/work/plans'],
    ['/srv/x/../y', '/srv/y'],
    [' /srv ', '/srv'],
  ] as const) {
    it(`takes “${typed}” as ${absolute}`, () => assert.is(absolutePath(typed, '/home/ana'), absolute));
  }

  it('shows the home as ~', () => {
    assert.is(homePath('/home/ana/work', '/home/ana'), '~/work');
    assert.is(homePath('/home/ana', '/home/ana'), '~');
    assert.is(homePath('/home/anabel', '/home/ana'), '/home/anabel');
    assert.is(homePath('/srv', '/'), '/srv');
  });
});
