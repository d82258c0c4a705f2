/** Commands that move about: screens, cursor, filter, overlays, and out of the UI. */
import { movedCursor, nextSection, rowsOf, selectedRow } from '../../store/rows.js';
import { EMPTY_FIELD, fieldOf } from '../../store/field.js';
import { goingOn } from '../../store/select.js';
import { topDialog, type Dialog, type Screen } from '../../store/state.js';
import { countOf } from '../../units.js';
import { chosenEntry, helpRows, paletteEntries } from '../catalogue.js';
import type { CommandId } from '../keymap.js';
import { readToEnd } from '../pager.js';
import type { Shell } from '../shell.js';

/** What stands above and below the list on every screen, the head of the table included. */
const ROWS_AROUND = 8;

export function showScreen(shell: Shell, screen: Screen): void {
  shell.do({ type: 'screen', screen });
}

/** @returns whether something was being opened, or read to its end */
export function stopReading(shell: Shell): boolean {
  if (shell.stop('browse')) {
    shell.do({ type: 'opening', what: null });
    return true;
  }
  if (shell.state.ui.browse.paging !== 'toEnd') return false;
  shell.stop('page');
  shell.do({ type: 'paging', paging: 'stopped' });
  return true;
}

/** Undoes what narrows the screen, a step at a time, then goes home. */
export function goBack(shell: Shell): void {
  const { screen, filters, browse } = shell.state.ui;
  if (stopReading(shell)) return;
  if (filters[screen] !== '') shell.do({ type: 'filter', screen, text: '' });
  else if (screen === 'browse' && browse.marked.size > 0) shell.do({ type: 'marked', names: new Set() });
  else shell.do({ type: 'screen', screen: 'peers' });
}

export function moveCursor(shell: Shell, by: number): void {
  const { screen, cursors } = shell.state.ui;
  shell.do({ type: 'cursor', screen, cursor: movedCursor(rowsOf(shell.state, screen), cursors[screen], by) });
}

/** Of a folder that is not read to its end, the rest is read first. */
export async function moveToLast(shell: Shell): Promise<void> {
  if (shell.state.ui.screen === 'browse') await readToEnd(shell);
  moveCursor(shell, Number.MAX_SAFE_INTEGER);
}

export function moveToSection(shell: Shell): void {
  const { screen, cursors } = shell.state.ui;
  shell.do({ type: 'cursor', screen, cursor: nextSection(rowsOf(shell.state, screen), cursors[screen]) });
}

export function pageRows(shell: Shell): number {
  return Math.max(1, shell.terminal.size().rows - ROWS_AROUND);
}

export function openFilter(shell: Shell): void {
  const before = shell.state.ui.filters[shell.state.ui.screen];
  shell.open({ type: 'filter', field: fieldOf(before), before });
}

export function closeFilter(shell: Shell, keep: boolean): void {
  shell.do({ type: 'close' });
  if (!keep) shell.do({ type: 'filter', screen: shell.state.ui.screen, text: '' });
}

export function openList(shell: Shell, type: 'help' | 'palette'): void {
  shell.open({ type, field: EMPTY_FIELD, index: 0 });
}

/** Moves in the topmost overlay, if it is one with rows. */
export function moveInDialog(shell: Shell, by: number): void {
  const dialog = topDialog(shell.state);
  if (dialog === null || !('index' in dialog) || dialog.type === 'confirm') return;
  const last = Math.max(0, rowCount(shell, dialog) - 1);
  shell.do({ type: 'swap', dialog: { ...dialog, index: Math.max(0, Math.min(last, dialog.index + by)) } });
}

function rowCount(shell: Shell, dialog: Extract<Dialog, { readonly index: number }>): number {
  switch (dialog.type) {
    case 'help':
      return helpRows(shell.state, dialog.field.value).length;
    case 'palette':
      return paletteEntries(shell.state, dialog.field.value).length;
    case 'text':
      return dialog.lines.length;
    case 'confirm':
      return dialog.ticks.length + dialog.choices.length;
    default:
      return dialog satisfies never;
  }
}

/** @returns the command that was chosen, to be run when the palette is closed; null when none can be */
export function choosePalette(shell: Shell): CommandId | null {
  const dialog = topDialog(shell.state);
  if (dialog?.type !== 'palette') return null;
  const entry = chosenEntry(shell.state, dialog);
  if (entry === null) return null;
  shell.do({ type: 'close' });
  if (entry.reason === null) return entry.binding.command;
  shell.hint(entry.reason);
  return null;
}

export function showNotice(shell: Shell): void {
  const row = selectedRow(shell.state);
  if (row?.kind !== 'notice') return;
  const { at, text, code } = row.notice;
  const lines = [text, '', code === null ? at : `${at} [${code}]`];
  shell.open({ type: 'text', title: 'What happened', lines, index: 0 });
}

export function leave(shell: Shell): void {
  const { transfers, jobs } = goingOn(shell.state);
  const parts = [
    ...(transfers > 0 ? [countOf(transfers, 'transfer')] : []),
    ...(jobs > 0 ? [countOf(jobs, 'print job')] : []),
  ];
  const verb = transfers + jobs === 1 ? 'goes' : 'go';
  shell.terminal.leave(parts.length === 0 ? '' : `${parts.join(' and ')} ${verb} on in the background.`);
}

export async function suspend(shell: Shell): Promise<void> {
  if (shell.terminal.suspend === null) shell.hint('This system cannot suspend a program');
  else await shell.terminal.suspend();
}
