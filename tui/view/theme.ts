/**
 * How things look: nine tones by meaning, made of the terminal's own 16 colours so that they fit a dark
 * and a light background, and the ASCII form of every sign that the screens use.
 *
 * With NO_COLOR set and not empty (no-color.org) no colour is used; bold, dim and inverse stay. No state
 * is told by colour alone: each has a sign and a word.
 */
import stringWidth from 'string-width';

export type Tone = 'plain' | 'faint' | 'strong' | 'accent' | 'good' | 'warn' | 'bad' | 'bar' | 'cursor';

/** Properties of Ink's Text. */
export interface TextStyle {
  readonly color?: 'cyan' | 'green' | 'blue' | 'yellow' | 'red';
  readonly bold?: boolean;
  readonly dimColor?: boolean;
  readonly inverse?: boolean;
}

export interface Theme {
  readonly tones: Readonly<Record<Tone, TextStyle>>;
  /** Only characters that any terminal has. */
  readonly isAscii: boolean;
}

const COLOR: Theme['tones'] = {
  plain: {},
  faint: { dimColor: true },
  strong: { bold: true },
  accent: { color: 'cyan' },
  good: { color: 'green' },
  warn: { color: 'yellow' },
  bad: { color: 'red', bold: true },
  bar: { color: 'cyan' },
  cursor: { inverse: true },
};

const NO_COLOR: Theme['tones'] = {
  plain: {},
  faint: { dimColor: true },
  strong: { bold: true },
  accent: { bold: true },
  good: {},
  warn: { bold: true },
  bad: { bold: true },
  bar: {},
  cursor: { inverse: true },
};

export type Environment = Readonly<Record<string, string | undefined>>;

export function themeOf(env: Environment): Theme {
  const isPlain = (env['NO_COLOR'] ?? '') !== '';
  return { tones: isPlain ? NO_COLOR : COLOR, isAscii: saysNoUnicode(env) };
}

/** The first of the three that is set names the character set; where none is, terminals of today take UTF-8. */
function saysNoUnicode(env: Environment): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'UTF-8';
  return !/utf-?8/i.test(locale);
}

/** The signs of the screens, one column each, and what stands for them in ASCII. */
const ASCII_SIGNS: Readonly<Record<string, string>> = {
  '▸': '>',
  '●': '*',
  '◐': '~',
  '○': 'o',
  '✓': 'v',
  '✗': 'x',
  '…': '~',
  '█': '#',
  '▌': '#',
  '·': '.',
  '↓': 'v',
  '↑': '^',
  '←': '<',
  '→': '>',
  '›': '>',
  '–': '-',
  '—': '-',
  '─': '-',
  '│': '|',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
  '▏': '_',
  '“': '"',
  '”': '"',
  '’': "'",
};

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The text in ASCII, as wide as before; what has no form in it becomes question marks. */
export function asciiOf(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  const separated = text.replaceAll(' · ', ' | ');
  return Array.from(graphemes.segment(separated), ({ segment }) =>
    /^[ -~]*$/.test(segment) ? segment : (ASCII_SIGNS[segment] ?? withoutMarks(segment)),
  ).join('');
}

/** `c` for `ç`; as many question marks as it is wide for a letter that has no such form. */
function withoutMarks(segment: string): string {
  const width = stringWidth(segment);
  const bare = segment.normalize('NFKD').replaceAll(/\p{M}/gu, '');
  return /^[ -~]+$/.test(bare) && bare.length === width ? bare : '?'.repeat(width);
}
