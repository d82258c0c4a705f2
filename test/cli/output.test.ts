/** What is written where: one document, aligned columns, colour only for a person, errors in one line. */
import * as fc from 'fast-check';
import stringWidth from 'string-width';
import * as assert from 'uvu/assert';
import { PotluckError } from '../../protocol/errors.js';
import { errorText, Output, type Stream } from '../../tui/cli/output.js';
import { isHard, readPlace, shortIdOf, shownName } from '../../tui/cli/place.js';
import { Progress } from '../../tui/cli/progress.js';
import { table } from '../../tui/cli/table.js';
import { spec } from '../support/spec.js';

class Captured implements Stream {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 40;

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

function open(options: { json?: boolean; terminal?: boolean; env?: Record<string, string> } = {}) {
  const stdout = new Captured(options.terminal);
  const stderr = new Captured(options.terminal);
  return { stdout, stderr, out: new Output({ json: options.json ?? false, stdout, stderr, env: options.env ?? {} }) };
}

const coloured = (options: Parameters<typeof open>[0]): boolean => open(options).out.paint('x', 'good') !== 'x';
const plain = (text: string): string => text;
const HOSTILE = 'a\u001b]0;evil\u0007b\u009b2Jc\rd\b\u202egpj.exe\u200b';

spec('output', (it) => {
  it('is one document with --json, and text without', async () => {
    const json = open({ json: true });
    await json.out.result({ a: 1 }, () => 'text');
    assert.is(json.stdout.text, '{"a":1}\n');
    const text = open();
    await text.out.result({ a: 1 }, () => 'text');
    assert.is(text.stdout.text, 'text\n');
  });

  it('is coloured on a terminal only, and never with NO_COLOR', () => {
    assert.ok(coloured({ terminal: true }));
    assert.ok(coloured({ terminal: true, env: { NO_COLOR: '' } }));
    assert.not(coloured({}));
    assert.not(coloured({ terminal: true, env: { NO_COLOR: '1' } }));
    assert.not(coloured({ terminal: true, env: { TERM: 'dumb' } }));
  });

  it('tells an error in one line, and in a second what mends it', () => {
    const { out, stdout, stderr } = open();
    const code = out.fail('get', new PotluckError('PEER_OFFLINE', 'bruno-pc is away', { hint: 'potluck peers' }));
    assert.is(code, 6);
    assert.is(stderr.text, 'potluck: get: bruno-pc is away (PEER_OFFLINE)\ntry: potluck peers\n');
    assert.is(stdout.text, '');
  });

  it('tells it as a document with --json', () => {
    const { out, stdout, stderr } = open({ json: true });
    assert.is(out.fail('get', new PotluckError('NO_SPACE', 'full')), 9);
    assert.equal(JSON.parse(stdout.text), { error: { code: 'NO_SPACE', message: 'full' } });
    assert.is(stderr.text, '');
  });

  it('lets nothing that others named reach the terminal', async () => {
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    const harmful = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;
    assert.not.match(await table([{ head: 'A' }], [[HOSTILE], [{ text: HOSTILE }]], plain), harmful);
    assert.not.match(errorText('x', { code: 'FAILED', message: HOSTILE, hint: HOSTILE }), harmful);
    const { out, stderr } = open();
    out.say(HOSTILE);
    new Progress(stderr, () => 0).show(HOSTILE);
    assert.not.match(stderr.text, harmful);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (name) => {
        assert.not.match(await table([{ head: 'A' }, { head: 'B' }], [[name, name]], plain), harmful);
      }),
    );
  });
});

spec('table', (it) => {
  it('aligns by what is seen, not by what is counted', async () => {
    const names = ['plan.pdf', '会議メモ', 'né', '👩‍👩‍👧 family', 'Ünïcödé'];
    const text = await table(
      [{ head: 'NAME' }, { head: 'SIZE', right: true }, { head: 'END' }],
      names.map((name, index) => [name, String(10 ** index), '|']),
      plain,
    );
    const ends = text
      .split('\n')
      .slice(1)
      .map((line) => stringWidth(line));
    assert.is(new Set(ends).size, 1, text);
  });

  it('has no blanks at the ends of its lines', async () => {
    assert.is(await table([{ head: 'A' }, { head: 'B' }], [['x', '']], plain), 'A  B\nx');
  });

  it('is as wide with colour as without', async () => {
    const painted = await table([{ head: 'A' }, { head: 'B' }], [[{ text: 'x', style: 'good' }, 'y']], (text, style) =>
      style === undefined ? text : `<${text}>`,
    );
    assert.is(painted.replaceAll(/[<>]/g, ''), 'A  B\nx  y');
  });
});

spec('places', (it) => {
  it('are a coworker, a share, a path', () => {
    assert.equal(readPlace('bruno-pc'), { peer: 'bruno-pc', share: null, path: '' });
    assert.equal(readPlace('bruno-pc/'), { peer: 'bruno-pc', share: null, path: '' });
    assert.equal(readPlace('b/My Docs/a b/c.txt'), { peer: 'b', share: 'My Docs', path: 'a b/c.txt' });
    assert.equal(readPlace('b/D/a/'), { peer: 'b', share: 'D', path: 'a' });
    for (const wrong of ['/', '/D', 'b//a', 'b/D//a', '']) assert.throws(() => readPlace(wrong), /not a place/, wrong);
  });

  it('name what cannot be typed by a short id', () => {
    assert.not(isHard('Grüße 会議.pdf'));
    assert.ok(isHard(HOSTILE));
    assert.match(shortIdOf(HOSTILE), /^@[0-9a-f]{4}$/);
    assert.is(shownName('plain'), 'plain');
    assert.ok(shownName(HOSTILE).endsWith(shortIdOf(HOSTILE)));
  });
});

spec('progress', (it) => {
  it('draws one line again and again on a terminal, no wider than it, and takes it away', () => {
    let now = 0;
    const stream = new Captured(true);
    const progress = new Progress(stream, () => now);
    progress.show('x'.repeat(100));
    progress.show('dropped: too soon');
    now += 1000;
    progress.show('second');
    progress.clear();
    const lines = stream.text.split('\r\u001b[2K');
    assert.equal(lines, ['', 'x'.repeat(39), 'second', '']);
  });

  it('writes a line now and then elsewhere', () => {
    let now = 0;
    const stream = new Captured();
    const progress = new Progress(stream, () => now);
    for (; now < 5000; now += 100) progress.show(`at ${now}`);
    progress.clear();
    assert.is(stream.text, 'at 0\nat 2000\nat 4000\n');
  });

  it('says nothing where nothing was wanted', () => {
    const progress = new Progress(null);
    progress.show('x');
    progress.clear();
  });
});
