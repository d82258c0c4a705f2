/**
 * A list of any length in a rectangle: only the rows that can be seen are made. Pure.
 */
import { fill, fitLine, inTone, line, span, wrapLine, type Line } from '../line.js';
import { visibleRange } from '../layout.js';
import type { ListRow, RowOf } from '../../store/rows.js';

export interface ListShape<R extends ListRow> {
  readonly rows: readonly ListRow[];
  readonly selected: number;
  /** Titles of the columns; null where headings carry them. */
  readonly head: Line | null;
  heading(row: RowOf<'heading'>): Line;
  /** Lines of one row, headings excepted; all rows of a list have the same number of lines. */
  readonly rowHeight: number;
  rowLines(row: R, isSelected: boolean): readonly Line[];
}

/** From this height on, parts of a list are set apart by an empty line. */
const ROWS_FOR_GAPS_MIN = 14;

/** Exactly `height` lines of `width` columns. */
export function listLines<R extends ListRow>(list: ListShape<R>, width: number, height: number): readonly Line[] {
  const head = list.head === null || height < 4 ? [] : [list.head];
  const room = height - head.length;
  const isAiry = height >= ROWS_FOR_GAPS_MIN;
  const hasGap = (index: number): boolean => isAiry && index > 0 && list.rows[index]?.kind === 'heading';
  const heightOf = (index: number): number =>
    list.rows[index]?.kind === 'heading' ? (hasGap(index) ? 2 : 1) : list.rowHeight;
  const { first, end } = visibleRange(heightOf, list.rows.length, list.selected, room);
  const body = list.rows.slice(first, end).flatMap((row, offset): readonly Line[] => {
    if (row.kind === 'heading') return hasGap(first + offset) ? [line(''), list.heading(row)] : [list.heading(row)];
    const isSelected = first + offset === list.selected;
    // The rows of one list are of the kinds that its screen draws; headings are drawn above.
    const lines = list.rowLines(row as R, isSelected).map((spans) => fitLine(spans, width));
    return isSelected ? lines.map((spans) => inTone(spans, 'cursor')) : lines;
  });
  return fill([...head, ...body], height).map((spans) => fitLine(spans, width));
}

const EMPTY_INDENT = 3;

/** A list with nothing in it says why, and what can be done. */
export function emptyLines(lines: readonly Line[], width: number, height: number): readonly Line[] {
  const wrapped = lines.flatMap((spans) => wrapLine(spans, width - EMPTY_INDENT - 1));
  const above = Math.min(2, Math.max(0, Math.floor((height - wrapped.length) / 3)));
  const indent = span(' '.repeat(EMPTY_INDENT));
  const padded = [...Array.from({ length: above }, () => line('')), ...wrapped.map((spans) => [indent, ...spans])];
  return fill(padded, height).map((spans) => fitLine(spans, width));
}
