/** Wire paths are refused or taken as they are; names for the disk are legal on every system. */
import * as fc from 'fast-check';
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import {
  collisionKey,
  isComponent,
  joinPath,
  nameOf,
  numberedName,
  parentOf,
  parseTypedPath,
  safeName,
  SHARE_ROOT,
  splitPath,
  WirePath,
} from '../../protocol/path.js';
import { spec } from '../support/spec.js';

const utf8 = (text: string): number => Buffer.byteLength(text);

spec('wire path', (it) => {
  const taken = ['', 'a', 'a/b', 'Ünï cödé/文件.txt', '...', '.hidden', 'a\\b', 'C:', ' ', 'x'.repeat(255), '~', '-rf'];
  for (const path of taken)
    it(`takes ${JSON.stringify(path).slice(0, 40)}`, () => assert.is(v.parse(WirePath, path), path));

  const refused: Record<string, unknown> = {
    'the folder above': '..',
    'a way up at the start': '../a',
    'a way up in the middle': 'a/../../b',
    'a way up at the end': 'a/..',
    'the folder itself': '.',
    'a dot in the middle': 'a/./b',
    'an absolute path': '/etc/passwd',
    'a separator at the end': 'a/',
    'an empty component': 'a//b',
    'a NUL': 'a\0b',
    'half a surrogate pair': 'a\ud800',
    'too deep a path': Array.from({ length: 33 }, () => 'a').join('/'),
    'too long a component': 'x'.repeat(256),
    'too many bytes in a component': 'é'.repeat(128),
    'too long a path': Array.from({ length: 20 }, () => 'x'.repeat(250)).join('/'),
    'a number': 7,
    nothing: null,
  };
  for (const [what, path] of Object.entries(refused)) {
    it(`refuses ${what}`, () => assert.throws(() => v.parse(WirePath, path)));
  }

  it('is put together and taken apart', () => {
    const path = joinPath(joinPath(SHARE_ROOT, 'a'), 'b c');
    assert.is(path, 'a/b c');
    assert.equal(splitPath(path), ['a', 'b c']);
    assert.equal(splitPath(SHARE_ROOT), []);
    assert.is(parentOf(path), 'a');
    assert.is(parentOf(parentOf(path)), SHARE_ROOT);
    assert.is(nameOf(path), 'b c');
    assert.is(nameOf(SHARE_ROOT), '');
  });

  it('is not put together from what is no component, nor too deep', () => {
    for (const name of ['..', '.', '', 'a/b', 'a\0', '\udc00', 'x'.repeat(256)]) {
      assert.throws(() => joinPath(SHARE_ROOT, name), /cannot be part of a path/);
    }
    let deep = SHARE_ROOT;
    for (let depth = 0; depth < 32; depth++) deep = joinPath(deep, 'd');
    assert.throws(() => joinPath(deep, 'd'));
  });

  it('is read from what a person typed, without its spare separators', () => {
    assert.is(parseTypedPath('/a//b/'), 'a/b');
    assert.is(parseTypedPath(''), SHARE_ROOT);
    assert.is(parseTypedPath('a/../b'), null);
  });
});

/** Name from outside → name on the disk. */
const HOSTILE: [string, string][] = [
  ['plan.pdf', 'plan.pdf'],
  ['', '_'],
  ['.', '_'],
  ['..', '_'],
  ['...', '_'],
  ['CON', '_CON'],
  ['con.txt', '_con.txt'],
  ['aux .txt', '_aux .txt'],
  ['COM¹', '_COM¹'],
  ['lpt9.tar.gz', '_lpt9.tar.gz'],
  ['CONIN$', '_CONIN$'],
  ['console.log', 'console.log'],
  ['a:b', 'a_b'],
  ['file.txt::$DATA', 'file.txt__$DATA'],
  ['a.', 'a_'],
  ['a. . .', 'a_'],
  ['a ', 'a_'],
  [' a', '_a'],
  ['a\\b', 'a_b'],
  ['../../etc/passwd', '.._.._etc_passwd'],
  ['a\0b', 'a_b'],
  ['a\nb\u009bc', 'a_b_c'],
  ['a\u2028b', 'a_b'],
  ['\ud800x', '\ufffdx'],
  ['photo\u202egpj.exe', 'photogpj.exe'],
  ['\ufeff\u200b', '_'],
  ['.git', '_.git'],
  ['.GI\u200bT', '_.GIT'],
  ['.gitignore', '.gitignore'],
  ['.bashrc', '.bashrc'],
  ['what?*<>|".txt', 'what______.txt'],
  ['e\u0301', 'é'],
  ['e\u200d\u0301', 'é'],
  [`${'x'.repeat(300)}.pdf`, `${'x'.repeat(196)}.pdf`],
  [`${'é'.repeat(200)}.pdf`, `${'é'.repeat(98)}.pdf`],
  [`a.${'x'.repeat(300)}`, `a.${'x'.repeat(198)}`],
  [`${'x'.repeat(199)} y`, `${'x'.repeat(199)}_`],
];

/** Legal on Linux, macOS and Windows, as their manuals have it. */
function whyIllegal(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'no name';
  if (utf8(name) > 255 || name.length > 255) return 'too long';
  if (/[\p{Cc}<>:"/\\|?*]/u.test(name)) return 'a character that is not taken';
  if (/[. ]$/.test(name)) return 'ends with a dot or a blank';
  if (/^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$) *(\.|$)/i.test(name)) return 'a device';
  if (!name.isWellFormed()) return 'half a surrogate pair';
  return null;
}

/** Any text, and text that is made of what hurts. */
const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc
    .array(
      fc.constantFrom(
        'CON',
        'nul',
        '.',
        ' ',
        '..',
        '/',
        '\\',
        ':',
        '.git',
        'a',
        'é',
        'e\u0301',
        '\ud800',
        '\u202e',
        '\0',
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
);

spec('safeName', (it) => {
  for (const [name, expected] of HOSTILE) {
    it(`makes ${JSON.stringify(expected).slice(0, 30)} of ${JSON.stringify(name).slice(0, 40)}`, () => {
      assert.is(safeName(name), expected);
    });
  }

  it('is legal on all three systems, a component of a path, short enough, and done after once', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const out = safeName(name);
        assert.is(whyIllegal(out), null, JSON.stringify(out));
        assert.ok(isComponent(out));
        assert.ok(utf8(out) <= 200);
        assert.is(safeName(out), out);
        assert.is(out.normalize('NFC'), out);
      }),
      { numRuns: 20_000 },
    );
  });

  it('is numbered without becoming too long or losing its extension', () => {
    assert.is(numberedName('plan.pdf', 2), 'plan (2).pdf');
    assert.is(numberedName('plan', 13), 'plan (13)');
    assert.is(numberedName('.bashrc', 2), '.bashrc (2)');
    fc.assert(
      fc.property(anyName, fc.integer({ min: 2, max: 100_000 }), (name, number) => {
        const out = numberedName(safeName(name), number);
        assert.is(whyIllegal(out), null, JSON.stringify(out));
        assert.ok(utf8(out) <= 200);
      }),
    );
  });
});

spec('collision key', (it) => {
  const same: [string, string][] = [
    ['A', 'a'],
    ['é', 'e\u0301'],
    ['Straße', 'STRASSE'],
    ['ﬁle', 'file'],
    ['ΣΑΣ', 'σας'],
    ['K', 'k'],
  ];
  for (const [one, other] of same) {
    it(`is one for ${one} and ${other}`, () => assert.is(collisionKey(one), collisionKey(other)));
  }

  it('tells different names apart, and is done after once', () => {
    assert.is.not(collisionKey('a'), collisionKey('b'));
    assert.is.not(collisionKey('a.txt'), collisionKey('a (2).txt'));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (name) => {
        assert.is(collisionKey(collisionKey(name)), collisionKey(name));
      }),
      { numRuns: 5000 },
    );
  });
});
