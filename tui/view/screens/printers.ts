/** Printers of coworkers and of this PC, and the jobs on them with what they wait for. */
import type { JobRow, PrinterRow } from '../../../protocol/local/model.js';
import { JOB_OVER, type RowOf } from '../../store/rows.js';
import type { AppState } from '../../store/state.js';
import { ago, bytes, countOf, percent } from '../../units.js';
import type { Layout } from '../layout.js';
import { line, span, spread, type Line } from '../line.js';
import { JOB_SIGNS, PRINTER_SIGNS } from '../signs.js';
import { headLine, rowLine, tableOf, type Column } from '../widgets/table.js';
import { rowMark } from './peers.js';
import { keysLine, listScreen, type ScreenView } from './screen.js';

type Row = RowOf<'printer'> | RowOf<'job'>;

export function printersView(state: AppState, frame: Layout): ScreenView {
  const { now, pending } = state.ui;
  const { width } = frame.body;
  const printers = tableOf(printerColumns(), width);
  const jobs = tableOf(jobColumns(now), width);
  const isNarrow = frame.mode === 'narrow';
  return listScreen<Row>(state, frame, {
    screen: 'printers',
    head: null,
    heading: (row) => {
      if (isNarrow) return line(` ${row.text}`, 'strong');
      return row.text === 'PRINTERS' ? headLine(printers, row.text) : headLine(jobs, row.text);
    },
    rowHeight: isNarrow ? 2 : 1,
    rowLines: (row, isSelected) => {
      const mark = line(rowMark(isSelected, pending.has(row.id)));
      if (isNarrow) return narrowLines(row, mark, now, width);
      return [row.kind === 'printer' ? rowLine(printers, row.printer, mark) : rowLine(jobs, row.job, mark)];
    },
    empty: [
      line('No printer is shared in this workgroup yet.', 'strong'),
      line(''),
      keysLine('', ':', ' and “network printer” adds a printer that is in this network.'),
      keysLine('', ':', ' and “tray” makes one that prints into a folder of this PC.'),
      line('Printers that are set up on this PC appear here by themselves.', 'faint'),
    ],
    hint: (row) => (row.kind === 'printer' ? printerHint(row.printer) : jobHint(row.job)),
  });
}

function printerColumns(): readonly Column<PrinterRow>[] {
  return [
    { title: 'NAME', width: 18, grows: true, weight: 9, cell: (row) => line(row.name) },
    { title: 'AT', width: 19, weight: 8, cell: (row) => placeCell(row) },
    { title: 'STATE', width: 20, weight: 9, cell: (row) => printerState(row) },
    {
      title: 'JOBS',
      width: 4,
      weight: 6,
      align: 'right',
      cell: (row) => line(row.queued === 0 ? '–' : String(row.queued)),
    },
    { title: 'PAPER', width: 22, weight: 4, cell: (row) => line(paper(row), 'faint') },
  ];
}

function placeCell(row: PrinterRow): Line {
  if (!row.local) return line(row.peerName);
  return [span('this PC'), span(row.shared ? ', shared' : ', not shared', row.shared ? 'good' : 'faint')];
}

function printerState(row: PrinterRow): Line {
  const { sign, word, tone } = PRINTER_SIGNS[row.state];
  const isAsUsual = row.state === 'idle' && row.reasons.length === 0;
  return [
    span(`${sign} `, row.reasons.length > 0 && tone === 'good' ? 'warn' : tone),
    span(isAsUsual ? word : row.because || word),
  ];
}

function paper(row: PrinterRow): string {
  const size = /^[a-z]+_([a-z0-9-]+)_/.exec(row.mediaDefault ?? '')?.[1] ?? row.mediaDefault ?? '';
  const parts = [size.toUpperCase(), row.color ? 'colour' : '', row.duplex ? 'both sides' : ''];
  return parts.filter(Boolean).join(', ') || '–';
}

function jobColumns(now: number): readonly Column<JobRow>[] {
  return [
    { title: 'TITLE', width: 18, grows: true, weight: 9, cell: (job) => line(job.title) },
    {
      title: 'PRINTER',
      width: 19,
      weight: 8,
      cell: (job) => line(job.mine ? printerName(job) : `from ${job.owner}`, 'faint'),
    },
    { title: 'STATE', width: 31, weight: 9, cell: (job) => jobState(job) },
    {
      title: 'PAGES',
      width: 5,
      weight: 4,
      align: 'right',
      cell: (job) => line(job.pages === null ? '–' : String(job.pages)),
    },
    {
      title: 'WHEN',
      width: 10,
      weight: 5,
      align: 'right',
      cell: (job) => line(ago(job.finishedAt ?? job.createdAt, now), 'faint'),
    },
  ];
}

/** `PEER/NAME` without the peer: a name may hold no slash. */
function printerName(job: JobRow): string {
  return job.printer.slice(job.printer.indexOf('/') + 1);
}

function jobState(job: JobRow): Line {
  const { sign, word, tone } = JOB_SIGNS[job.state];
  const far = job.state === 'sending' ? ` ${percent(job.sent, job.size)}` : '';
  const why = job.because === '' || job.because === word ? '' : `: ${job.because}`;
  return [
    span(`${sign} `, tone),
    span(`${word}${far}`),
    span(JOB_OVER.has(job.state) && tone === 'good' ? '' : why, 'faint'),
  ];
}

function narrowLines(row: Row, mark: Line, now: number, width: number): readonly Line[] {
  if (row.kind === 'printer') {
    return [
      spread([...mark, span(row.printer.name)], [...printerState(row.printer), span(' ')], width),
      [
        span('     '),
        ...placeCell(row.printer),
        span(row.printer.queued === 0 ? '' : `, ${countOf(row.printer.queued, 'job')}`, 'faint'),
      ],
    ];
  }
  return [
    spread(
      [...mark, span(row.job.title)],
      [span(`${ago(row.job.finishedAt ?? row.job.createdAt, now)} `, 'faint')],
      width,
    ),
    [span('     '), ...jobState(row.job)],
  ];
}

function printerHint(row: PrinterRow): Line {
  if (row.local && !row.shared) return line('Coworkers cannot see this printer; o shares it', 'faint');
  const isWell = row.state === 'idle' || row.state === 'printing';
  const about = [row.because, row.info, row.location].filter(Boolean).join(' · ');
  return line(
    isWell ? about : `${row.because || row.state}; a job that is sent now waits and goes on by itself`,
    isWell ? 'faint' : 'warn',
  );
}

function jobHint(job: JobRow): Line {
  const on = `${printerName(job)}, ${bytes(job.size)}`;
  const why = job.because === '' ? JOB_SIGNS[job.state].word : job.because;
  return line(`${on}: ${why}${JOB_OVER.has(job.state) ? '' : ' · x cancels it'}`, 'faint');
}
