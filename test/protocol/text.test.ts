/** What a stranger's text may do to a screen: nothing. */
import * as fc from 'fast-check';
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import { isShortId, matchesShortId, needsShortId, peerText, safe, shortId } from '../../protocol/text.js';
import { spec } from '../support/spec.js';

spec('safe', (it) => {
  const shown: Record<string, [string, string]> = {
    'an escape that sets the title': ['a\u001b]0;owned\u0007b', 'a·]0;owned·b'],
    'an escape that fills the clipboard': ['\u001b]52;c;cm0=\u001b\\', '·]52;c;cm0=·\\'],
    'a control sequence of one byte': ['\u009b31mred', '·31mred'],
    'a carriage return and backspaces': ['harmless\rrm\b\b', 'harmless·rm··'],
    'a new line and a tab': ['a\nb\tc', 'a·b·c'],
    delete: ['a\u007f', 'a·'],
    'a right-to-left override': ['photo\u202egpj.exe', 'photo·gpj.exe'],
    isolates: ['\u2066a\u2069', '·a·'],
    'characters without a width': ['pay\u200bpal\ufeff\u2060', 'pay·pal··'],
    'soft hyphens and fillers': ['a\u00adb\u3164', 'a·b·'],
    'line and paragraph separators': ['a\u2028b\u2029', 'a·b·'],
    'a lone surrogate': ['a\ud800b', 'a·b'],
    'tags that nobody sees': ['a\u{e0041}b', 'a·b'],
    'a selector where it selects nothing': ['a\ufe0f', 'a·'],
  };
  for (const [what, [text, expected]] of Object.entries(shown)) {
    it(`shows ${what} as dots`, () => assert.is(safe(text), expected));
  }

  for (const text of ['Grüße aus Köln.pdf', '設計図 2026.dwg', 'عقد.docx', '❤️ 🎉.png', 'e\u0301 a b', '']) {
    it(`leaves ${JSON.stringify(text)} as it is`, () => assert.is(safe(text), text));
  }

  it('lets nothing through that a terminal obeys, keeps the rest, and is done after once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const out = safe(text);
        assert.not.match(out, /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b-\u200f\u2060-\u2064\ufeff]/u);
        assert.is(safe(out), out);
        assert.is(Array.from(out).length, Array.from(text).length);
      }),
      { numRuns: 2000 },
    );
  });
});

spec('short id', (it) => {
  it('is the beginning of the SHA-256 of the name', () => {
    assert.is(shortId('a'), '@ca97');
    assert.ok(matchesShortId('@ca97', 'a') && matchesShortId('@ca978112ca1b', 'a'));
    assert.not(matchesShortId('@ca98', 'a'));
  });

  it('grows until it is no neighbour’s', () => {
    const taken = new Map<string, string>();
    for (let n = 0; ; n++) {
      const id = shortId(`${n}`);
      const other = taken.get(id);
      taken.set(id, `${n}`);
      if (other === undefined) continue;
      const longer = shortId(`${n}`, [other, `${n}`]);
      assert.ok(longer.length > id.length && matchesShortId(longer, `${n}`));
      assert.not(matchesShortId(longer, other));
      return;
    }
  });

  it('is needed for what cannot be typed and for nothing else', () => {
    for (const name of ['a\u001bb', ' a', 'a ', 'a\u200b', 'a\nb']) assert.ok(needsShortId(name), JSON.stringify(name));
    for (const name of ['a b', 'Ä', '@home', '-rf', '$HOME']) assert.not(needsShortId(name));
  });

  it('is told from names', () => {
    for (const id of ['@ca97', '@ca978112']) assert.ok(isShortId(id));
    for (const name of ['ca97', '@ca9', '@home', '@CA97', '']) assert.not(isShortId(name));
  });
});

spec('peerText', (it) => {
  it('bounds the bytes and not the characters', () => {
    const schema = peerText(4);
    assert.is(v.parse(schema, 'éé'), 'éé');
    assert.throws(() => v.parse(schema, 'ééé'));
    assert.throws(() => v.parse(schema, 7));
    assert.is(v.parse(schema, ''), '');
  });
});
