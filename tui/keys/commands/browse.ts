/**
 * Commands of Browse: opening places, marks, downloads, and the folders of this PC that are shared.
 *
 * A place is shown when its first page is here, not before: until then the old one stays and the row says
 * `…`, so nothing flickers and a place that cannot be opened is never entered.
 */
import { BROWSE_PAGE_MAX_COUNT } from '../../../protocol/limits.js';
import { EMPTY_FIELD } from '../../store/field.js';
import { isSelf, rowsOf, selectedRow } from '../../store/rows.js';
import { fetchedKey, pathText, peerName, remoteText, selfOf } from '../../store/select.js';
import { EMPTY_LISTING, ROOT_PLACE, type Listing, type Place } from '../../store/state.js';
import { countOf } from '../../units.js';
import { homePath } from '../local-files.js';
import { readToEnd } from '../pager.js';
import type { Shell } from '../shell.js';
import { stopReading } from './navigate.js';

/** How many entries one key may set going: more is a whole folder, which is one transfer. */
const DOWNLOADS_AT_ONCE_MAX_COUNT = 200;

/** @param from  id of the row that gets the cursor there, and the row that shows `…` until then */
export async function openPlace(
  shell: Shell,
  place: Place,
  cursorId: string | null,
  rowId: string | null,
): Promise<void> {
  const signal = shell.begin('browse');
  shell.stop('page');
  const label = place.share === null ? peerName(shell.state, place.peer ?? '') : remoteText(shell.state, place, null);
  if (place.peer !== null) shell.do({ type: 'opening', what: label });
  try {
    const read = (): Promise<Listing> => readPlace(shell, place, signal);
    const listing = await (rowId === null ? read() : shell.pending(rowId, 'opening', read));
    if (signal.aborted) return;
    shell.do({ type: 'arrived', place, listing, cursor: { id: cursorId, index: 0 } });
    shell.do({ type: 'screen', screen: 'browse' });
  } finally {
    if (!signal.aborted) {
      shell.stop('browse');
      shell.do({ type: 'opening', what: null });
    }
  }
}

async function readPlace(shell: Shell, place: Place, signal: AbortSignal): Promise<Listing> {
  const { peer, share, path } = place;
  const readAt = shell.now();
  if (peer === null || (share === null && isSelf(shell.state, peer))) return { ...EMPTY_LISTING, readAt };
  if (share === null) {
    const { shares } = await shell.call('browse.shares', { peer }, signal);
    return { ...EMPTY_LISTING, shares, total: shares.length, readAt };
  }
  const input = { peer, share, path: pathText(path), cursor: null, limit: BROWSE_PAGE_MAX_COUNT };
  const { entries, next, total } = await shell.call('browse.list', input, signal);
  return { ...EMPTY_LISTING, entries, next, total, readAt };
}

/** Opens what is selected on Peers or in Browse. */
export async function openSelected(shell: Shell): Promise<void> {
  const row = selectedRow(shell.state);
  const { place } = shell.state.ui.browse;
  switch (row?.kind) {
    case 'self':
      return openPlace(shell, { ...ROOT_PLACE, peer: selfOf(shell.state)?.id ?? null }, null, row.id);
    case 'peer':
      return openPlace(shell, { ...ROOT_PLACE, peer: row.id }, null, row.id);
    case 'share':
    case 'own-share':
      return openPlace(shell, { ...place, share: row.id }, null, row.id);
    case 'entry':
      return openPlace(shell, { ...place, path: [...place.path, row.entry.name] }, null, row.id);
    case 'heading':
    case 'transfer':
    case 'printer':
    case 'job':
    case 'notice':
    case undefined:
      return undefined;
    default:
      return row satisfies never;
  }
}

/** One step towards the list of all coworkers; what is being opened is stopped first. */
export async function goUp(shell: Shell): Promise<void> {
  const { browse, filters } = shell.state.ui;
  const { place } = browse;
  if (stopReading(shell)) return;
  if (filters.browse !== '') shell.do({ type: 'filter', screen: 'browse', text: '' });
  else if (browse.marked.size > 0) shell.do({ type: 'marked', names: new Set() });
  else if (place.path.length > 0) {
    await openPlace(shell, { ...place, path: place.path.slice(0, -1) }, place.path.at(-1) ?? null, null);
  } else if (place.share !== null) await openPlace(shell, { ...place, share: null }, place.share, null);
  else if (place.peer === null) shell.do({ type: 'screen', screen: 'peers' });
  else await openPlace(shell, ROOT_PLACE, isSelf(shell.state, place.peer) ? 'self' : place.peer, null);
}

export async function reload(shell: Shell): Promise<void> {
  const { browse, cursors } = shell.state.ui;
  await openPlace(shell, browse.place, cursors.browse.id, null);
}

export function toggleMark(shell: Shell): void {
  const row = selectedRow(shell.state);
  if (row?.kind !== 'entry') return;
  const names = new Set(shell.state.ui.browse.marked);
  if (!names.delete(row.entry.name)) names.add(row.entry.name);
  shell.do({ type: 'marked', names });
}

/** Marks what the filter shows of the whole folder; when all of it is marked, unmarks it. */
export async function toggleAllMarks(shell: Shell): Promise<void> {
  if (!(await readToEnd(shell))) return;
  const { marked } = shell.state.ui.browse;
  const names = rowsOf(shell.state, 'browse').flatMap((row) => (row.kind === 'entry' ? [row.entry.name] : []));
  const isAll = names.every((name) => marked.has(name));
  shell.do({ type: 'marked', names: isAll ? new Set() : new Set(names) });
}

/** The marked entries, else the one under the cursor; among shares, the whole share. */
export async function download(shell: Shell): Promise<void> {
  const row = selectedRow(shell.state);
  const { place, marked } = shell.state.ui.browse;
  if (row?.kind === 'share') {
    const transfer = await shell.pending(row.id, 'starting', () =>
      startDownload(shell, { ...place, share: row.name }, null),
    );
    sayWhere(shell, row.name, transfer.to);
    return;
  }
  if (row?.kind !== 'entry') return;
  const names = marked.size > 0 ? [...marked] : [row.entry.name];
  if (names.length > DOWNLOADS_AT_ONCE_MAX_COUNT) {
    shell.hint(`At most ${DOWNLOADS_AT_ONCE_MAX_COUNT} at once: go up and download the whole folder instead`);
    return;
  }
  let to = '';
  for (const name of names) {
    const transfer = await shell.pending(name, 'starting', () => startDownload(shell, place, name));
    to = transfer.to;
  }
  shell.do({ type: 'marked', names: new Set() });
  if (names.length === 1) sayWhere(shell, names[0] ?? '', to);
  else sayWhere(shell, countOf(names.length, 'download'), selfOf(shell.state)?.downloads ?? '');
}

function sayWhere(shell: Shell, what: string, to: string): void {
  shell.say('good', `${what} → ${homePath(to, shell.files.home)} · 3 shows how far it is`);
}

/**
 * @param name  the entry at this place; null for the place itself
 * @returns the transfer as it was when it began
 */
export async function startDownload(
  shell: Shell,
  place: Place,
  name: string | null,
): Promise<{ readonly id: string; readonly to: string }> {
  const path = pathText(name === null ? place.path : [...place.path, name]);
  const from = { peer: place.peer ?? '', share: place.share ?? '' };
  const transfer = await shell.call('transfer.get', { ...from, path, onConflict: 'rename' });
  if (name !== null) shell.do({ type: 'fetched', key: fetchedKey(place, name), transfer: transfer.id });
  return transfer;
}

/** The path, to be read, selected with the mouse, or typed into a shell. */
export function showPath(shell: Shell): void {
  const row = selectedRow(shell.state);
  const { place } = shell.state.ui.browse;
  if (row === null) return;
  if (row.kind === 'own-share') {
    shell.open({ type: 'text', title: row.share.name, lines: [row.share.folder], index: 0 });
    return;
  }
  const target = row.kind === 'peer' ? row.peer.name : remoteText(shell.state, place, row.id);
  const verb = row.kind === 'entry' && !isSelf(shell.state, place.peer) ? 'get' : 'ls';
  shell.open({
    type: 'text',
    title: 'On the command line',
    lines: [target, '', `potluck ${verb} ${quoted(target)}`],
    index: 0,
  });
}

/** As a shell of Unix takes it. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export async function askFolder(shell: Shell): Promise<void> {
  shell.open({
    type: 'prompt',
    purpose: 'share.add',
    title: 'Share a folder of this PC',
    lines: ['Every coworker can see it and download from it; nobody can change it.'],
    label: 'Folder',
    field: EMPTY_FIELD,
    suggestions: [],
    isBusy: false,
    problem: null,
  });
  const { place } = shell.state.ui.browse;
  const self = selfOf(shell.state);
  if (place.peer === null && self !== null) await openPlace(shell, { ...ROOT_PLACE, peer: self.id }, null, null);
}

export function askToStopSharing(shell: Shell): void {
  const row = selectedRow(shell.state);
  if (row?.kind !== 'own-share') return;
  const { name, folder } = row.share;
  shell.open({
    type: 'confirm',
    title: `Stop sharing ${name}?`,
    lines: [
      'Coworkers lose sight of it at once, and downloads from it stop.',
      `The folder itself stays as it is: ${homePath(folder, shell.files.home)}`,
    ],
    ticks: [],
    choices: [
      { label: 'Keep sharing', call: null, done: '' },
      { label: 'Stop sharing', call: { method: 'share.remove', input: { name } }, done: `${name} is no longer shared` },
    ],
    index: 0,
  });
}
