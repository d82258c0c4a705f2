/** Texts that nobody means well with, for properties of whatever shows them. */
import * as fc from 'fast-check';

/** Any text, with what hides and reorders more often than chance would have it. */
export const hostileText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '\u{1B}[2J',
        '\u{1B}]0;title\u{7}',
        '\u{9B}31m',
        '\r',
        '\n',
        '\b\b',
        '\u{202E}gpj.exe',
        '\u{2066}',
        '\u{200B}',
        '\u{FE0F}',
        '\u{3164}',
        '👩‍👩‍👧',
        '港の計画',
        'e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}',
        '\u{D800}',
        'plain',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
