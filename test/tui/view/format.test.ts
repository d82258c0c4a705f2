/** Text of a known width, whatever somebody else put into it. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { bar, cut, cutStart, fit, shown, widthOf, wrap } from '../../../tui/view/format.js';
import { asciiOf, themeOf } from '../../../tui/view/theme.js';
import { hostileText } from '../../support/hostile-text.js';
import { spec } from '../../support/spec.js';

const HIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u;

spec('format', (it) => {
  it('lets nothing hidden through, and changes nothing the second time', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const once = shown(text);
        assert.not.match(once, HIDDEN);
        assert.is(shown(once), once);
      }),
    );
  });

  it('gives exactly the width that was asked for', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 0, max: 40 }), (text, width) => {
        assert.is(widthOf(fit(text, width)), width);
        assert.is(widthOf(fit(text, width, 'right')), width);
        assert.ok(widthOf(cut(text, width)) <= width);
        assert.ok(widthOf(cutStart(text, width)) <= width);
      }),
    );
  });

  it('wraps within the width and loses no letter', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii', maxLength: 80 }),
        fc.integer({ min: 2, max: 30 }),
        (text, width) => {
          const lines = wrap(text, width);
          for (const line of lines) assert.ok(widthOf(line) <= width);
          assert.is(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
        },
      ),
    );
  });

  it('marks what was cut off, at the end or at the beginning', () => {
    assert.is(cut('site-video.mp4', 8), 'site-vi…');
    assert.is(cutStart('/home/ana/Downloads', 10), '…Downloads');
    assert.is(cut('港の計画', 4), '港…');
    assert.is(cut('abc', 0), '');
  });

  it('draws a bar in halves of a column', () => {
    assert.is(bar(0, 100, 4), '····');
    assert.is(bar(13, 100, 4), '▌···');
    assert.is(bar(50, 100, 4), '██··');
    assert.is(bar(100, 100, 4), '████');
    assert.is(bar(5, 0, 4), '····');
  });
});

const colors = (env: Record<string, string>): unknown[] =>
  Object.values(themeOf(env).tones).flatMap((style) => style.color ?? []);

spec('theme', (it) => {
  it('has a form in ASCII for every text, as wide as it', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const ascii = asciiOf(shown(text));
        assert.match(ascii, /^[ -~]*$/);
        assert.is(ascii.length, widthOf(shown(text)));
      }),
    );
  });

  it('keeps letters without their marks in ASCII', () => {
    assert.is(asciiOf('façade – reunião · 3 → 4'), 'facade - reuniao | 3 > 4');
  });

  it('uses no colour when NO_COLOR is set and not empty', () => {
    assert.equal(colors({ NO_COLOR: '1' }), []);
    assert.ok(colors({ NO_COLOR: '' }).length > 0);
  });

  it('is ASCII where the locale says so, and only there', () => {
    for (const env of [{ LANG: 'C' }, { LC_ALL: 'POSIX', LANG: 'pt_BR.UTF-8' }, { LANG: 'pt_BR.ISO-8859-1' }]) {
      assert.ok(themeOf(env).isAscii, JSON.stringify(env));
    }
    for (const env of [{}, { LANG: 'C.UTF-8' }, { LANG: 'en_US.utf8' }, { LC_ALL: '', LANG: 'pt_BR.UTF-8' }]) {
      assert.not.ok(themeOf(env).isAscii, JSON.stringify(env));
    }
  });
});
