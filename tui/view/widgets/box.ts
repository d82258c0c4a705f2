/** A frame around lines, for what covers the screen. Pure. */
import type { Rectangle } from '../layout.js';
import { fill, fitLine, span, type Line } from '../line.js';
import { cut, widthOf } from '../format.js';

/** Columns of the frame at both sides together, the spaces inside included. */
const FRAME_COLUMNS = 4;

/** Exactly as large as `outer`; what does not fit into it is cut. */
export function boxLines(title: string, content: readonly Line[], outer: Rectangle): readonly Line[] {
  const inner = Math.max(0, outer.width - FRAME_COLUMNS);
  const name = cut(title, Math.max(0, inner - 2));
  const rest = '─'.repeat(Math.max(0, outer.width - widthOf(name) - 5));
  const body = fill(content, Math.max(0, outer.height - 2)).map((spans): Line => [
    span('│ ', 'accent'),
    ...fitLine(spans, inner),
    span(' │', 'accent'),
  ]);
  return [
    [span('┌─ ', 'accent'), span(name, 'strong'), span(` ${rest}┐`, 'accent')],
    ...body,
    [span(`└${'─'.repeat(Math.max(0, outer.width - 2))}┘`, 'accent')],
  ];
}
