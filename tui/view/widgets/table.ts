/**
 * Columns of a table: which of them fit, how wide they are, and a row in them. Pure.
 *
 * Where the width does not suffice, the columns with the least weight go first, whole: half a number
 * tells nothing.
 */
import { fit } from '../format.js';
import { fitLine, span, type Line } from '../line.js';

export interface Column<R> {
  readonly title: string;
  /** Columns of the terminal; for the one that grows, the least. */
  readonly width: number;
  /** The one that takes what is left. */
  readonly grows?: boolean;
  readonly align?: 'left' | 'right';
  /** The lower, the earlier it goes; at 9 it never does. */
  readonly weight: number;
  cell(row: R, width: number): Line;
}

export interface Table<R> {
  readonly columns: readonly { readonly column: Column<R>; readonly width: number }[];
}

const GAP = 2;
/** Room for the sign of the selected row. */
export const MARGIN = 3;

export function tableOf<R>(columns: readonly Column<R>[], width: number): Table<R> {
  let kept = columns;
  while (totalWidth(kept) > width) {
    const lightest = kept.filter((column) => column.weight < 9).toSorted((one, other) => one.weight - other.weight)[0];
    if (lightest === undefined) break;
    kept = kept.filter((column) => column !== lightest);
  }
  const spare = Math.max(0, width - totalWidth(kept));
  return { columns: kept.map((column) => ({ column, width: column.width + (column.grows ? spare : 0) })) };
}

/**
 * @param section  stands where the first title would, when the list has parts
 * @param note  what there is to say about the part
 */
export function headLine<R>(table: Table<R>, section: string | null = null, note = ''): Line {
  const titles = table.columns.map(({ column, width }, index) =>
    fit(index === 0 && section !== null ? '' : column.title, width, column.align ?? 'left'),
  );
  const rest = ' '.repeat(MARGIN) + titles.join(' '.repeat(GAP));
  if (section === null) return [span(rest, 'faint')];
  const name = ` ${section}`;
  const room = MARGIN + (table.columns[0]?.width ?? 0) - name.length;
  const said = fit(note === '' ? '' : `  ${note}`, room);
  return [span(name, 'strong'), span(said, 'faint'), span(rest.slice(name.length + room), 'faint')];
}

/** @param mark  what stands in the margin, at most MARGIN columns */
export function rowLine<R>(table: Table<R>, row: R, mark: Line): Line {
  const cells = table.columns.flatMap(({ column, width }, index) => {
    const cell = column.cell(row, width);
    const aligned = column.align === 'right' ? rightAligned(cell, width) : fitLine(cell, width);
    return index === 0 ? aligned : [span(' '.repeat(GAP)), ...aligned];
  });
  return [...fitLine(mark, MARGIN), ...cells];
}

function rightAligned(cell: Line, width: number): Line {
  const text = cell.map((part) => part.text).join('');
  return [{ text: fit(text, width, 'right'), tone: cell[0]?.tone ?? 'plain' }];
}

function totalWidth<R>(columns: readonly Column<R>[]): number {
  return MARGIN + columns.reduce((sum, column) => sum + column.width, 0) + GAP * Math.max(0, columns.length - 1);
}
