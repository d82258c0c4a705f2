/** The columns of Browse, one set a level: whose folders, own shares, a coworker's shares, a folder. */
import type { EntryRow } from '../../../protocol/local/api.js';
import type { ShareRow } from '../../../protocol/local/model.js';
import { isSelf, TRANSFER_OVER, type ListRow } from '../../store/rows.js';
import { fetchedKey, peerName, selfOf } from '../../store/select.js';
import type { AppState } from '../../store/state.js';
import { bytes, day, percent } from '../../units.js';
import { cutStart } from '../format.js';
import { line, span, type Line } from '../line.js';
import { TRANSFER_SIGNS } from '../signs.js';
import type { Column } from '../widgets/table.js';
import { stateCell } from './peers.js';

export function browseColumns(state: AppState): readonly Column<ListRow>[] {
  const { place } = state.ui.browse;
  if (place.peer === null) return rootColumns(state);
  if (place.share !== null) return entryColumns(state);
  return isSelf(state, place.peer) ? ownShareColumns(state) : SHARE_COLUMNS;
}

function rootColumns(state: AppState): readonly Column<ListRow>[] {
  return [
    {
      title: 'WHOSE FOLDERS',
      width: 16,
      grows: true,
      weight: 9,
      cell: (row) => line(row.kind === 'peer' ? row.peer.name : `This PC (${selfOf(state)?.name ?? ''})`),
    },
    {
      title: 'STATE',
      width: 14,
      weight: 8,
      cell: (row) => (row.kind === 'peer' ? stateCell(row.peer, state.ui.now) : line('–', 'faint')),
    },
    {
      title: 'SHARES',
      width: 8,
      weight: 7,
      cell: (row) => line(shareCount(row) === 0 ? '–' : String(shareCount(row))),
    },
  ];
}

function shareCount(row: ListRow): number {
  if (row.kind === 'self') return row.shares;
  return row.kind === 'peer' ? row.peer.shares : 0;
}

function ownShareColumns(state: AppState): readonly Column<ListRow>[] {
  return [
    {
      title: 'SHARED BY THIS PC',
      width: 18,
      grows: true,
      weight: 9,
      cell: (row) => ownCell(row, (share) => line(`${share.name}/`)),
    },
    {
      title: 'FOLDER',
      width: 36,
      weight: 5,
      cell: (row, width) => ownCell(row, (share) => line(cutStart(share.folder, width), 'faint')),
    },
    { title: 'SEEN BY', width: 20, weight: 7, cell: (row) => ownCell(row, (share) => seenByCell(state, share)) },
  ];
}

function ownCell(row: ListRow, cell: (share: ShareRow) => Line): Line {
  return row.kind === 'own-share' ? cell(row.share) : [];
}

function seenByCell(state: AppState, share: ShareRow): Line {
  const names = (ids: readonly string[]): string => ids.map((id) => peerName(state, id)).join(', ');
  if (share.state === 'missing') return line('! folder is missing', 'bad');
  if (share.only.length > 0) return line(names(share.only));
  return line(share.except.length > 0 ? `all but ${names(share.except)}` : 'every coworker');
}

const SHARE_COLUMNS: readonly Column<ListRow>[] = [
  {
    title: 'SHARE',
    width: 20,
    grows: true,
    weight: 9,
    cell: (row) => line(row.kind === 'share' ? `${row.name}/` : ''),
  },
  {
    title: 'YOU MAY',
    width: 16,
    weight: 5,
    cell: (row) => line(row.kind === 'share' && row.writable ? 'read and write' : 'read', 'faint'),
  },
];

function entryColumns(state: AppState): readonly Column<ListRow>[] {
  return [
    {
      title: 'NAME',
      width: 20,
      grows: true,
      weight: 9,
      cell: (row) => entryCell(row, (entry) => line(entry.type === 'file' ? entry.name : `${entry.name}/`)),
    },
    { title: 'SIZE', width: 8, weight: 8, align: 'right', cell: (row) => entryCell(row, sizeCell) },
    {
      title: 'CHANGED',
      width: 8,
      weight: 6,
      cell: (row) => entryCell(row, (entry) => line(day(entry.modified, state.ui.now), 'faint')),
    },
    {
      title: 'HERE',
      width: 12,
      weight: 4,
      cell: (row) => entryCell(row, (entry) => hereCell(state, entry.name)),
    },
  ];
}

function entryCell(row: ListRow, cell: (entry: EntryRow) => Line): Line {
  return row.kind === 'entry' ? cell(row.entry) : [];
}

/** Of a folder the size is known only where its owner has counted it. */
function sizeCell(entry: EntryRow): Line {
  if (entry.type === 'file') return line(bytes(entry.size));
  return line(entry.size > 0 ? bytes(entry.size) : '–', 'faint');
}

/** What this session knows of a file's download. */
function hereCell(state: AppState, name: string): Line {
  const { place } = state.ui.browse;
  if (isSelf(state, place.peer)) return line('on this PC', 'faint');
  const transfer = state.agent.tables.transfers.get(state.ui.fetched.get(fetchedKey(place, name)) ?? '');
  if (transfer === undefined) return line('–', 'faint');
  const { sign, word, tone } = TRANSFER_SIGNS[transfer.state];
  if (transfer.state === 'done') return [span('✓ ', 'good'), span('have it')];
  return TRANSFER_OVER.has(transfer.state)
    ? [span(`${sign} `, tone), span(word)]
    : line(`${percent(transfer.bytes, transfer.size)} ↓`, 'accent');
}
