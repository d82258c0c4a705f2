/** Peers, the home: what each coworker has for this PC, and whether it can be reached. */
import type { PeerRow } from '../../../protocol/local/model.js';
import { selfOf } from '../../store/select.js';
import type { RowOf } from '../../store/rows.js';
import type { AppState } from '../../store/state.js';
import { ago, bytes, countOf } from '../../units.js';
import type { Layout } from '../layout.js';
import { line, span, spread, type Line } from '../line.js';
import { PEER_SIGNS } from '../signs.js';
import { headLine, rowLine, tableOf, type Column } from '../widgets/table.js';
import { keysLine, listScreen, type ScreenView } from './screen.js';

export function peersView(state: AppState, frame: Layout): ScreenView {
  const { now, pending } = state.ui;
  const table = tableOf(columns(now), frame.body.width);
  const isNarrow = frame.mode === 'narrow';
  return listScreen<RowOf<'peer'>>(state, frame, {
    screen: 'peers',
    head: isNarrow ? null : headLine(table),
    heading: (row) => line(row.text),
    rowHeight: isNarrow ? 2 : 1,
    rowLines: ({ peer }, isSelected) => {
      const mark = line(rowMark(isSelected, pending.has(peer.id)));
      return isNarrow ? narrowLines(peer, mark, now, frame.width) : [rowLine(table, peer, mark)];
    },
    empty: [
      line('Nobody else is here yet.', 'strong'),
      line(''),
      keysLine('', 'i', ' shows a code that lets a coworker in.'),
      keysLine('There, Potluck asks for it at its first start; or type ', 'potluck workgroup join CODE', '.'),
      line(''),
      keysLine('', ':', ' and “connect” reaches a PC that this network hides.'),
    ],
    hint: ({ peer }) => hint(state, peer),
  });
}

/** The margin of a row: the sign of the selected one; `…` while something is done with it. */
export function rowMark(isSelected: boolean, isPending: boolean): string {
  if (isPending) return ' … ';
  return isSelected ? ' ▸ ' : '   ';
}

/** State in a word; for a coworker that is away, since when. */
export function stateCell(peer: PeerRow, now: number): Line {
  const { sign, word, tone } = PEER_SIGNS[peer.state];
  const isAway = peer.state === 'offline' && peer.lastSeen !== null;
  return [
    span(`${sign} `, tone),
    span(isAway ? ago(peer.lastSeen ?? '', now) : word, peer.state === 'offline' ? 'faint' : 'plain'),
  ];
}

function columns(now: number): readonly Column<PeerRow>[] {
  return [
    { title: 'COWORKER', width: 16, grows: true, weight: 9, cell: (peer) => line(peer.name) },
    { title: 'STATE', width: 14, weight: 9, cell: (peer) => stateCell(peer, now) },
    { title: 'SHARES', width: 8, weight: 7, cell: (peer) => told(peer, countOrNone(peer.shares)) },
    { title: 'PRINTERS', width: 8, weight: 6, cell: (peer) => told(peer, countOrNone(peer.printers)) },
    {
      title: 'DISK FREE',
      width: 10,
      weight: 5,
      cell: (peer) => told(peer, peer.disk === null ? '–' : bytes(peer.disk.free)),
    },
    { title: 'ADDRESS', width: 21, weight: 3, cell: (peer) => told(peer, peer.addresses[0] ?? '–') },
  ];
}

/** What a coworker that is away told when it was here is shown faintly. */
function told(peer: PeerRow, text: string): Line {
  return line(text, peer.state === 'online' ? 'plain' : 'faint');
}

function countOrNone(count: number): string {
  return count === 0 ? '–' : String(count);
}

function narrowLines(peer: PeerRow, mark: Line, now: number, width: number): readonly Line[] {
  const parts = [
    peer.shares > 0 ? countOf(peer.shares, 'share') : '',
    peer.printers > 0 ? countOf(peer.printers, 'printer') : '',
    peer.disk === null ? '' : `${bytes(peer.disk.free)} free`,
  ];
  const has = parts.filter(Boolean).join(', ') || 'nothing shared yet';
  return [
    spread([...mark, span(peer.name)], [...stateCell(peer, now), span(' ')], width),
    line(`     ${has}`, 'faint'),
  ];
}

function hint(state: AppState, peer: PeerRow): Line {
  if (peer.because !== '') return line(`${peer.name}: ${peer.because}`, 'faint');
  const about = [peer.platform, peer.version === null ? null : `Potluck ${peer.version}`].filter(
    (part) => part !== null,
  );
  const other =
    peer.version !== null && peer.version !== selfOf(state)?.version ? ' (this PC has another version)' : '';
  return about.length === 0 ? [] : line(`${peer.name}: ${about.join(', ')}${other}`, 'faint');
}
