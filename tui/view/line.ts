/**
 * One line of the screen as data: pieces of text, each with a tone. Screens are functions from the state
 * to such lines; widgets/rows.tsx is the only place that hands them to Ink.
 */
import { cut, shown, widthOf } from './format.js';
import type { Tone } from './theme.js';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: shown(text), tone };
}

/** A whole line in one tone. */
export function line(text: string, tone: Tone = 'plain'): Line {
  return [span(text, tone)];
}

export function lineWidth(spans: Line): number {
  return spans.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** Exactly `width` columns: cut with a mark, or filled with spaces. */
export function fitLine(spans: Line, width: number): Line {
  const fitted: Span[] = [];
  let room = width;
  for (const { text, tone } of spans) {
    const isLast = widthOf(text) > room;
    const short = isLast ? cut(text, room) : text;
    fitted.push({ text: short, tone });
    room -= widthOf(short);
    if (isLast) break;
  }
  return room > 0 ? [...fitted, { text: ' '.repeat(room), tone: 'plain' }] : fitted;
}

/** `left` and `right` at the two ends of `width` columns; the left side gives way. */
export function spread(left: Line, right: Line, width: number): Line {
  const rightWidth = lineWidth(right);
  if (rightWidth >= width) return fitLine(right, width);
  return [...fitLine(left, width - rightWidth), ...right];
}

/** Lines of at most `width` columns, broken between words; each word keeps its tone. */
export function wrapLine(spans: Line, width: number): readonly Line[] {
  const lines: Span[][] = [[]];
  let room = width;
  const words = spans.flatMap(({ text, tone }) =>
    (text.match(/ *[^ ]+| +$/g) ?? []).map((word) => ({ text: word, tone })),
  );
  for (const word of words) {
    const isFirst = lines.at(-1)?.length === 0;
    if (widthOf(word.text) > room && !isFirst) {
      lines.push([]);
      room = width;
      word.text = word.text.trimStart();
    }
    lines.at(-1)?.push(word);
    room -= widthOf(word.text);
  }
  return lines;
}

/** Every span in one tone; a bar keeps its own, because inverse turns its filled part into a hole. */
export function inTone(spans: Line, tone: Tone): Line {
  return spans.map((part) => (part.tone === 'bar' ? part : { text: part.text, tone }));
}

/** Lines enough to fill `height`, none too many. */
export function fill(lines: readonly Line[], height: number): readonly Line[] {
  const missing = Math.max(0, height - lines.length);
  return [...lines.slice(0, height), ...Array.from({ length: missing }, () => line(''))];
}
