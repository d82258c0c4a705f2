/** Transfers: what comes and goes, how far it is, and why it waits. The selected row explains itself. */
import type { TransferRow } from '../../../protocol/local/model.js';
import type { RowOf } from '../../store/rows.js';
import type { AppState } from '../../store/state.js';
import { ago, bytes, countOf, duration, percent, rate } from '../../units.js';
import { bar, cut, fit } from '../format.js';
import type { Layout } from '../layout.js';
import { line, span, spread, type Line } from '../line.js';
import { TRANSFER_SIGNS } from '../signs.js';
import { headLine, rowLine, tableOf, type Column } from '../widgets/table.js';
import { rowMark } from './peers.js';
import { keysLine, listScreen, type ScreenView } from './screen.js';

const BAR_COLUMNS = 14;

export function transfersView(state: AppState, frame: Layout): ScreenView {
  const { now, pending } = state.ui;
  const { width } = frame.body;
  const table = tableOf(columns(now), width);
  const isNarrow = frame.mode === 'narrow';
  return listScreen<RowOf<'transfer'>>(state, frame, {
    screen: 'transfers',
    head: null,
    heading: (row) =>
      isNarrow ? [span(` ${row.text}`, 'strong'), span(`  ${row.note}`, 'faint')] : headLine(table, row.text, row.note),
    rowHeight: isNarrow ? 2 : 1,
    rowLines: ({ transfer }, isSelected) => {
      const mark = line(rowMark(isSelected, pending.has(transfer.id)));
      return isNarrow ? narrowLines(transfer, mark, now, width) : [rowLine(table, transfer, mark)];
    },
    below: ({ transfer }) => details(transfer, width),
    empty: [
      line('Nothing is being transferred.', 'strong'),
      line(''),
      keysLine('', '2', ' opens Browse: choose a file or a folder there, ', 'd', ' downloads it.'),
    ],
    hint: ({ transfer }) => hint(transfer),
  });
}

function columns(now: number): readonly Column<TransferRow>[] {
  return [
    { title: 'NAME', width: 18, grows: true, weight: 9, cell: (row) => line(nameOf(row)) },
    {
      title: 'WITH',
      width: 16,
      weight: 5,
      cell: (row) => line(row.sources.map((source) => source.name).join(' ') || '–', 'faint'),
    },
    { title: 'PROGRESS', width: BAR_COLUMNS + 7, weight: 9, cell: (row, width) => progressCell(row, width, now) },
    {
      title: 'RATE',
      width: 9,
      weight: 7,
      align: 'right',
      cell: (row) => line(row.state === 'active' ? rate(row.rate) : ''),
    },
    {
      title: 'LEFT',
      width: 8,
      weight: 8,
      align: 'right',
      cell: (row) => line(row.state === 'active' && row.left !== null ? duration(row.left) : ''),
    },
  ];
}

function nameOf(row: TransferRow): string {
  return row.files > 1 ? `${row.name}/ (${countOf(row.files, 'file')})` : row.name;
}

/** A bar while bytes flow; else the state in a word, and when it ended. */
function progressCell(row: TransferRow, width: number, now: number): Line {
  const { sign, word, tone } = TRANSFER_SIGNS[row.state];
  const far = percent(row.bytes, row.size);
  if (row.state === 'active') {
    return [span(bar(row.bytes, row.size, BAR_COLUMNS), 'bar'), span(` ${fit(far, 5, 'right')}`)];
  }
  const when = row.finishedAt === null ? (row.bytes > 0 ? far : '') : ago(row.finishedAt, now);
  const saying = row.state === 'done' && row.direction === 'up' ? 'sent' : word;
  return [span(`${sign} `, tone), span(cut(`${saying} ${when}`.trim(), width - 2))];
}

function narrowLines(row: TransferRow, mark: Line, now: number, width: number): readonly Line[] {
  const left = row.left === null ? '' : `${duration(row.left)} left`;
  return [
    spread([...mark, span(nameOf(row))], line(row.state === 'active' ? ` ${rate(row.rate)} ` : ' '), width),
    spread(
      [span('     '), ...progressCell(row, width - 20, now)],
      line(row.state === 'active' ? `${left} ` : ' ', 'faint'),
      width,
    ),
  ];
}

function details(row: TransferRow, width: number): readonly Line[] {
  const parts = [
    `${bytes(row.bytes)} of ${bytes(row.size)}`,
    row.files > 1 ? `${row.filesDone.toLocaleString('en')} of ${countOf(row.files, 'file')}` : '',
    row.sources.map((source) => `${source.name} ${bytes(source.bytes)}`).join(', '),
    row.wrong > 0 ? `${bytes(row.wrong)} wrong, fetched again` : '',
  ];
  return [
    line('─'.repeat(width), 'faint'),
    line(` ${row.name}: ${parts.filter(Boolean).join(' · ')}`),
    line(row.to === '' ? '' : ` to ${row.to}`, 'faint'),
  ];
}

function hint(row: TransferRow): Line {
  if (row.error !== null)
    return line(`${row.error.message} [${row.error.code}]${row.state === 'failed' ? ' · r tries again' : ''}`, 'bad');
  if (row.failedCount > 0)
    return line(`${countOf(row.failedCount, 'file')} could not be had · enter shows which`, 'warn');
  return row.because === '' ? [] : line(row.because, row.state === 'waiting' ? 'warn' : 'faint');
}
