/** Final names: given in one step, never over another file, and found again. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import {
  makePartsFolder,
  moveOverOwn,
  type OnConflict,
  place,
  removeParts,
  removeStrayParts,
  takenNames,
  writePart,
} from '../../agent/storage/placing.js';
import { PotluckError } from '../../protocol/errors.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const one = Buffer.from('1');
const posixOnly = (): string | null => (process.platform === 'win32' ? 'needs modes and links of POSIX' : null);

/** A folder with some files in it, and a part that is ready. */
function ready(t: Case, ...taken: string[]): { folder: string; part: string; say: (name: string) => string } {
  const folder = temporaryFolder(t);
  for (const name of taken) writeFileSync(path.join(folder, name), `old ${name}`);
  const part = path.join(makePartsFolder(folder, 't0001'), '0');
  writePart(part, Buffer.from('new'), 1_700_000_000_000);
  return { folder, part, say: (name) => readFileSync(path.join(folder, name), 'utf8') };
}

function code(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof PotluckError) return thrown.code;
    throw thrown;
  }
  return 'nothing was refused';
}

spec('placing', (it) => {
  it('gives a file its name, time and mode', (t) => {
    const { folder, part, say } = ready(t);
    assert.is(place(part, folder, 'plan.pdf', 'rename'), 'plan.pdf');
    assert.is(say('plan.pdf'), 'new');
    assert.is(statSync(path.join(folder, 'plan.pdf')).mtimeMs, 1_700_000_000_000);
    if (process.platform !== 'win32') assert.is(statSync(path.join(folder, 'plan.pdf')).mode & 0o777, 0o600);
    assert.not(existsSync(part));
  });

  const cases: [OnConflict, string[], string | null, string[]][] = [
    ['rename', ['a.txt'], 'a (2).txt', ['a (2).txt', 'a.txt']],
    ['rename', ['a.txt', 'a (2).txt'], 'a (3).txt', ['a (2).txt', 'a (3).txt', 'a.txt']],
    ['skip', ['a.txt'], null, ['a.txt']],
    ['replace', ['a.txt'], 'a.txt', ['a.txt']],
    ['replace', [], 'a.txt', ['a.txt']],
  ];
  for (const [onConflict, taken, name, after] of cases) {
    it(`${onConflict}: beside ${taken.join(' and ') || 'nothing'} it becomes ${name ?? 'nothing'}`, (t) => {
      const { folder, part, say } = ready(t, ...taken);
      assert.is(place(part, folder, 'a.txt', onConflict), name);
      assert.not(existsSync(part));
      removeParts(folder, 't0001');
      assert.equal(readdirSync(folder).toSorted(), after);
      for (const old of taken) assert.is(say(old), onConflict === 'replace' ? 'new' : `old ${old}`);
    });
  }

  it(
    'never replaces a folder, and replaces a link and not what it leads to',
    (t) => {
      const { folder, part } = ready(t, 'outside');
      mkdirSync(path.join(folder, 'a.txt'));
      assert.is(place(part, folder, 'a.txt', 'replace'), 'a (2).txt');
      writePart(part, Buffer.from('new'), 0);
      symlinkSync('outside', path.join(folder, 'b'));
      assert.is(place(part, folder, 'b', 'replace'), 'b');
      assert.is(readFileSync(path.join(folder, 'outside'), 'utf8'), 'old outside');
    },
    { needs: posixOnly },
  );

  it(
    'does not replace through a dangling link either',
    (t) => {
      const { folder, part } = ready(t);
      symlinkSync('nowhere', path.join(folder, 'a.txt'));
      assert.is(place(part, folder, 'a.txt', 'rename'), 'a (2).txt');
      assert.not(existsSync(path.join(folder, 'nowhere')));
    },
    { needs: posixOnly },
  );

  it('claims a name on disks without links, and never over another file', (t) => {
    const { folder, part, say } = ready(t, 'a.txt');
    assert.is(moveOverOwn(part, path.join(folder, 'a.txt')), false);
    assert.is(say('a.txt'), 'old a.txt');
    assert.is(moveOverOwn(part, path.join(folder, 'b.txt')), true);
    assert.is(say('b.txt'), 'new');
  });

  it('gives up when too many have the name', (t) => {
    const { folder, part } = ready(t, 'a');
    for (let number = 2; number <= 999; number++) writeFileSync(path.join(folder, `a (${number})`), '');
    assert.is(
      code(() => place(part, folder, 'a', 'rename')),
      'ALREADY_EXISTS',
    );
    assert.is([...takenNames(folder, 'a')].length, 999);
  });

  it('tells the names that are taken, in order', (t) => {
    const { folder } = ready(t, 'a.txt', 'a (2).txt', 'a (4).txt');
    assert.equal(
      [...takenNames(folder, 'a.txt')].map(({ name, stats }) => `${name} ${stats.size}`),
      ['a.txt 9', 'a (2).txt 13'],
    );
  });

  it(
    'keeps parts where nobody else can reach them, and refuses a place that others made',
    (t) => {
      const folder = temporaryFolder(t);
      assert.is(statSync(makePartsFolder(folder, 't0001')).mode & 0o777, 0o700);
      assert.is(statSync(path.join(folder, '.potluck-part')).mode & 0o777, 0o700);
      chmodSync(path.join(folder, '.potluck-part'), 0o777);
      assert.is(
        code(() => makePartsFolder(folder, 't0001')),
        'UNSAFE_FILES',
      );
      const other = temporaryFolder(t);
      symlinkSync(folder, path.join(other, '.potluck-part'));
      assert.is(
        code(() => makePartsFolder(other, 't0001')),
        'UNSAFE_FILES',
      );
    },
    { needs: posixOnly },
  );

  it('removes what is left of transfers that are over, and nothing that may be somebody’s', (t) => {
    const { folder } = ready(t);
    for (const transfer of ['t0002', 't0003']) writePart(path.join(makePartsFolder(folder, transfer), '0'), one, 0);
    removeStrayParts(folder, (transfer) => transfer === 't0002');
    assert.equal(readdirSync(path.join(folder, '.potluck-part')).toSorted(), ['t0001', 't0003']);
    removeStrayParts(path.join(folder, 'missing'), () => true);
    removeStrayParts(folder, () => true);
    assert.not(existsSync(path.join(folder, '.potluck-part')));
  });

  it('removes the parts of one transfer and keeps those of others', (t) => {
    const { folder } = ready(t);
    const other = makePartsFolder(folder, 't0002');
    writePart(path.join(other, '0'), Buffer.from('kept'), 0);
    removeParts(folder, 't0001');
    assert.equal(readdirSync(path.join(folder, '.potluck-part')), ['t0002']);
    removeParts(folder, 't0002');
    assert.not(existsSync(path.join(folder, '.potluck-part')));
    removeParts(folder, 't0002');
  });
});
