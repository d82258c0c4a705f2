/**
 * Text of a known width. Pure.
 *
 * `fit`, `cut` and `wrap` are the only ways from a raw text (a peer's, a printer's, a disk's) to the
 * screen: they make it harmless first and measure it then, because a hidden character that became a dot
 * has a width.
 */
import stringWidth from 'string-width';
import { safe } from '../../protocol/text.js';

const ELLIPSIS = '…';
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** They ask for another form of the sign before them, and terminals disagree about its width. */
const VARIATION = /\p{Variation_Selector}/gu;
/** More marks on one letter than any language writes reach into the lines above. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** The text without anything that hides, moves or reorders. The same text again changes nothing. */
export function shown(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return safe(text.replaceAll(VARIATION, '')).replaceAll(PILED_MARKS, '$1');
}

export function widthOf(text: string): number {
  return stringWidth(text);
}

/** At most `width` columns; what was cut off is marked. */
export function cut(text: string, width: number): string {
  const clean = shown(text);
  if (widthOf(clean) <= width) return clean;
  if (width < 1) return '';
  return `${head(clean, width - 1)}${ELLIPSIS}`;
}

/** Like `cut`, but keeps the end: of a path the end says more. */
export function cutStart(text: string, width: number): string {
  const clean = shown(text);
  if (widthOf(clean) <= width) return clean;
  if (width < 1) return '';
  const kept: string[] = [];
  let room = width - 1;
  for (const { segment } of [...graphemes.segment(clean)].toReversed()) {
    room -= widthOf(segment);
    if (room < 0) break;
    kept.unshift(segment);
  }
  return `${ELLIPSIS}${kept.join('')}`;
}

/** Exactly `width` columns. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const short = cut(text, width);
  const padding = ' '.repeat(Math.max(0, width - widthOf(short)));
  return align === 'left' ? short + padding : padding + short;
}

/** Lines of at most `width` columns, broken at spaces where there are any. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of shown(text)
    .split(' ')
    .flatMap((long) => pieces(long, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

function pieces(word: string, width: number): string[] {
  if (widthOf(word) <= width || width < 2) return [word];
  const first = head(word, width);
  return first === '' ? [word] : [first, ...pieces(word.slice(first.length), width)];
}

function head(text: string, width: number): string {
  let end = 0;
  let room = width;
  for (const { segment, index } of graphemes.segment(text)) {
    room -= widthOf(segment);
    if (room < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** `width` columns of a bar; half columns tell progress of slow things. */
export function bar(done: number, all: number, width: number): string {
  const halves = all <= 0 ? 0 : Math.floor((Math.min(done, all) / all) * width * 2);
  const full = Math.floor(halves / 2);
  return ('█'.repeat(full) + (halves % 2 === 1 ? '▌' : '')).padEnd(width, '·');
}
