/**
 * Where everything stands, computed from the size of the terminal and nothing else. Pure.
 *
 * The frame is always one row lower than the terminal: a frame as high as the terminal makes some of
 * them scroll. Rows are counted from 0.
 */

export const COLUMNS_MIN = 40;
export const ROWS_MIN = 12;
/** Below this, lists show two lines a row instead of columns. */
const COLUMNS_WIDE = 60;

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  /** `tiny`: too small for anything but the request to be made larger. */
  readonly mode: 'wide' | 'narrow' | 'tiny';
  readonly width: number;
  readonly height: number;
  /** Between the rule under the tabs and the rule above the message. */
  readonly body: Rectangle;
}

/** Title, tabs, rule; rule, message, keys. */
const ROWS_ABOVE = 3;
const ROWS_BELOW = 3;

export function layout(columns: number, rows: number): Layout {
  const width = Math.max(1, columns);
  const height = Math.max(1, rows - 1);
  const body = { x: 0, y: ROWS_ABOVE, width, height: Math.max(0, height - ROWS_ABOVE - ROWS_BELOW) };
  if (columns < COLUMNS_MIN || rows < ROWS_MIN) return { mode: 'tiny', width, height, body };
  return { mode: columns < COLUMNS_WIDE ? 'narrow' : 'wide', width, height, body };
}

/**
 * A box in the middle of the frame, no larger than it, with room for `width` × `height` inside its
 * border (one column and one space on each side, one row above and below).
 */
export function overlay(frame: Layout, width: number, height: number): Rectangle {
  const outerWidth = Math.min(frame.width, width + 4);
  const outerHeight = Math.min(frame.height, height + 2);
  return {
    x: Math.floor((frame.width - outerWidth) / 2),
    y: Math.floor((frame.height - outerHeight) / 3),
    width: outerWidth,
    height: outerHeight,
  };
}

/**
 * Which rows of a list are drawn: the selected one in the middle as far as the ends allow, and as many
 * around it as fit.
 *
 * @param heightOf  lines of the row at an index
 * @param selected  -1 when there is none
 * @returns the first row and the one after the last
 */
export function visibleRange(
  heightOf: (index: number) => number,
  count: number,
  selected: number,
  height: number,
): { readonly first: number; readonly end: number } {
  if (count === 0) return { first: 0, end: 0 };
  let first = Math.max(0, selected);
  let end = first + 1;
  let room = height - heightOf(first);
  const half = Math.floor(room / 2);
  while (first > 0 && height - room - heightOf(end - 1) + heightOf(first - 1) <= half) room -= heightOf(--first);
  while (end < count && heightOf(end) <= room) room -= heightOf(end++);
  while (first > 0 && heightOf(first - 1) <= room) room -= heightOf(--first);
  return { first, end };
}
