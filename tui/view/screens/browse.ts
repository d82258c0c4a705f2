/** Browse: all coworkers, the shares of one, the folders of a share; and the folders that this PC shares. */
import { isSelf, type ListRow } from '../../store/rows.js';
import { peerName, peerOf, selfOf } from '../../store/select.js';
import type { AppState } from '../../store/state.js';
import { ago, bytes, countOf } from '../../units.js';
import { cutStart } from '../format.js';
import type { Layout } from '../layout.js';
import { line, lineWidth, span, spread, type Line } from '../line.js';
import { headLine, rowLine, tableOf } from '../widgets/table.js';
import { browseColumns } from './browse-columns.js';
import { rowMark } from './peers.js';
import { keysLine, listScreen, type ScreenView } from './screen.js';

export function browseView(state: AppState, frame: Layout): ScreenView {
  const { browse, pending } = state.ui;
  const table = tableOf(browseColumns(state), frame.body.width);
  return listScreen<ListRow>(state, frame, {
    screen: 'browse',
    head: frame.mode === 'narrow' ? null : headLine(table),
    heading: (row) => line(row.text),
    rowHeight: 1,
    rowLines: (row, isSelected) => {
      const isMarked = row.kind === 'entry' && browse.marked.has(row.entry.name);
      const mark = [span(rowMark(isSelected, pending.has(row.id)).slice(0, 2)), span(isMarked ? '●' : ' ', 'accent')];
      return [rowLine(table, row, mark)];
    },
    above: [crumbs(state, frame.body.width)],
    empty: emptyOf(state),
    hint: (row) => hint(state, row),
    note: markedNote(state),
  });
}

/** Where one is, and how fresh what is shown is. The end of a long path is kept. */
function crumbs(state: AppState, width: number): Line {
  const { place } = state.ui.browse;
  const peer = place.peer === null ? null : isSelf(state, place.peer) ? 'This PC' : peerName(state, place.peer);
  const text = ['All', peer, place.share, ...place.path].filter((part) => part !== null).join(' › ');
  const right = [...freshness(state), span(' ')];
  return spread([span(' '), span(cutStart(text, width - lineWidth(right) - 2), 'strong')], right, width);
}

function freshness(state: AppState): Line {
  const { browse, now } = state.ui;
  if (browse.opening !== null) return [span('opening… ', 'accent'), span('esc', 'strong'), span(' stops', 'faint')];
  const { peer, share } = browse.place;
  if (peer === null) return [];
  const owner = peerOf(state, peer);
  const readAt = new Date(browse.listing.readAt).toISOString();
  if (owner !== null && owner.state !== 'online')
    return [span(`${owner.name} is ${owner.state}; seen ${ago(readAt, now)}`, 'warn')];
  if (isSelf(state, peer) && share === null) return [];
  const { entries, total } = browse.listing;
  if (browse.paging === 'toEnd') {
    return [span(`reading ${entries.length} of ${total}… `, 'accent'), span('esc', 'strong'), span(' stops', 'faint')];
  }
  if (browse.paging === 'failed' || browse.paging === 'stopped')
    return [span('not read to its end; ', 'warn'), span('r', 'strong'), span(' reads again', 'faint')];
  return [span(`read ${ago(readAt, now)}`, 'faint')];
}

function emptyOf(state: AppState): readonly Line[] {
  const { place, opening } = state.ui.browse;
  if (opening !== null) return [line('Opening…', 'faint')];
  if (place.share !== null) return [line('This folder is empty.', 'strong')];
  if (isSelf(state, place.peer)) {
    return [
      line('This PC shares nothing yet.', 'strong'),
      line(''),
      keysLine('', 'n', ' shares a folder; every coworker can then see it.'),
    ];
  }
  return [
    line(`${peerName(state, place.peer ?? '')} shares nothing with you yet.`, 'strong'),
    line(''),
    keysLine('', 'esc', ' goes back, ', 'r', ' looks again.'),
  ];
}

function hint(state: AppState, row: ListRow): Line {
  const { place } = state.ui.browse;
  if (row.kind === 'self') return line('Folders that this PC shares with coworkers; n adds one', 'faint');
  if (row.kind === 'peer') return row.peer.because === '' ? [] : line(`${row.peer.name}: ${row.peer.because}`, 'faint');
  if (row.kind === 'own-share' && row.share.state === 'missing') {
    return line(`The folder ${row.share.folder} is not there; coworkers see nothing of it`, 'warn');
  }
  if (row.kind === 'own-share') return line('n shares another folder, x stops sharing this one', 'faint');
  if (row.kind !== 'entry' || isSelf(state, place.peer)) return [];
  return line(`d downloads to ${selfOf(state)?.downloads ?? ''}`, 'faint');
}

function markedNote(state: AppState): string {
  const { marked, listing } = state.ui.browse;
  if (marked.size === 0) return '';
  const size = listing.entries.reduce((sum, entry) => sum + (marked.has(entry.name) ? entry.size : 0), 0);
  return `${countOf(marked.size, 'entry', 'entries')} marked · ${bytes(size)}`;
}
