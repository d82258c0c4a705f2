/**
 * Reads the next page of a folder before the cursor reaches the end of what is here, and all pages while a
 * filter would otherwise show too little. The decision is pure; `followCursor` acts on it.
 */
import { BROWSE_PAGE_MAX_COUNT } from '../../protocol/limits.js';
import { rowsOf, selectedIndex } from '../store/rows.js';
import { pathText } from '../store/select.js';
import type { AppState } from '../store/state.js';
import type { Shell } from './shell.js';

/** Rows below the cursor that shall be here. */
const ROWS_AHEAD_COUNT = 64;

export function wantsPage(state: AppState): boolean {
  const { browse, cursors, screen } = state.ui;
  if (screen !== 'browse' || browse.opening !== null || browse.paging !== 'idle' || browse.listing.next === null)
    return false;
  const rows = rowsOf(state, 'browse');
  return rows.length - selectedIndex(rows, cursors.browse) <= ROWS_AHEAD_COUNT;
}

/** @returns the function that stops it */
export function followCursor(shell: Shell): () => void {
  return shell.store.subscribe(() => {
    if (wantsPage(shell.state)) void readPage(shell, 'busy');
  });
}

/**
 * Reads the folder to its end; esc stops it.
 * @returns whether all of it is here
 */
export async function readToEnd(shell: Shell): Promise<boolean> {
  let page = shell.state.ui.browse.listing.next;
  while (page !== null) {
    if (!(await readPage(shell, 'toEnd'))) return false;
    page = shell.state.ui.browse.listing.next;
  }
  return true;
}

/** @returns whether the page is here; what went wrong is shown */
async function readPage(shell: Shell, paging: 'busy' | 'toEnd'): Promise<boolean> {
  const { place, listing } = shell.state.ui.browse;
  const { peer, share, path } = place;
  if (peer === null || share === null) return false;
  const signal = shell.begin('page');
  shell.do({ type: 'paging', paging });
  try {
    const input = { peer, share, path: pathText(path), cursor: listing.next, limit: BROWSE_PAGE_MAX_COUNT };
    const page = await shell.call('browse.list', input, signal);
    if (signal.aborted) return false;
    shell.stop('page');
    shell.do({ type: 'page', place, page });
    return true;
  } catch (thrown) {
    if (signal.aborted) return false;
    shell.stop('page');
    shell.do({ type: 'paging', paging: 'failed' });
    shell.fail(thrown);
    return false;
  }
}
