/**
 * What every screen with a list has in common. A screen is a function from the state and the layout to
 * lines; pure, so that it can be tested as a table.
 */
import { countOf, positionIn, rowsOf, selectedIndex, type ListRow, type RowOf } from '../../store/rows.js';
import type { AppState, Screen } from '../../store/state.js';
import type { Layout } from '../layout.js';
import { fill, span, type Line } from '../line.js';
import { emptyLines, listLines } from '../widgets/list.js';

export interface ScreenView {
  /** Exactly as many lines as the body of the layout is high. */
  readonly body: readonly Line[];
  /** Stands in the rule under the body: where the cursor is, what is marked. */
  readonly status: string;
  /** Why the selected row is as it is; shown while there is no toast. */
  readonly hint: Line;
}

export interface ListScreen<R extends ListRow> {
  readonly screen: Screen;
  readonly head: Line | null;
  heading(row: RowOf<'heading'>): Line;
  /** Lines a row takes in this layout. */
  readonly rowHeight: number;
  rowLines(row: R, isSelected: boolean): readonly Line[];
  /** Said when there is nothing: what, why, and which key helps. */
  readonly empty: readonly Line[];
  /** Lines above the list, such as where one is. */
  readonly above?: readonly Line[];
  /** Lines below the list that explain the selected row, where there is room. */
  below?(row: R): readonly Line[];
  hint(row: R): Line;
  readonly note?: string;
}

/** Under fewer rows a list is worth more than the explanation of one row. */
const BODY_FOR_DETAILS_MIN = 12;

export function listScreen<R extends ListRow>(state: AppState, frame: Layout, shape: ListScreen<R>): ScreenView {
  const { width, height } = frame.body;
  const rows = rowsOf(state, shape.screen);
  const selected = selectedIndex(rows, state.ui.cursors[shape.screen]);
  // Only rows of the screen's own kinds are in its list, and headings are never selected.
  const row = (rows[selected] ?? null) as R | null;
  const above = shape.above ?? [];
  const below = row === null || height < BODY_FOR_DETAILS_MIN ? [] : (shape.below?.(row) ?? []);
  const room = height - above.length - below.length;
  const list =
    rows.length === 0
      ? emptyLines(
          state.ui.filters[shape.screen] === '' ? shape.empty : nothingMatches(state, shape.screen),
          width,
          room,
        )
      : listLines({ ...shape, rows, selected }, width, room);
  return {
    body: fill([...above, ...list, ...below], height),
    status: [shape.note ?? '', positionText(state, shape.screen, rows, selected)].filter(Boolean).join(' · '),
    hint: row === null ? [] : shape.hint(row),
  };
}

function nothingMatches(state: AppState, screen: Screen): readonly Line[] {
  return [
    [span(`Nothing matches “${state.ui.filters[screen]}”.`)],
    [span('esc', 'strong'), span(' shows every row again.')],
  ];
}

/** `4 of 61`, and with a filter how many there are without it. */
function positionText(state: AppState, screen: Screen, rows: readonly ListRow[], selected: number): string {
  const { position, count } = positionIn(rows, selected);
  const all = countOf(state, screen);
  const filter = state.ui.filters[screen];
  if (filter !== '') return `“${filter}” ${outOf(count, all)}`;
  return selected < 0 ? '' : outOf(position, all);
}

function outOf(count: number, all: number): string {
  return `${count.toLocaleString('en')} of ${all.toLocaleString('en')}`;
}

/** A sentence with keys in it: odd parts are keys. `keysLine('Press ', 'i', ' to invite.')` */
export function keysLine(...parts: readonly string[]): Line {
  return parts.map((text, index) => span(text, index % 2 === 1 ? 'strong' : 'plain'));
}
