/** `print`: documents of this PC on a printer of anybody in the workgroup. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { ERROR_CODES, PotluckError } from '../../../protocol/errors.js';
import { COPIES_MAX_COUNT } from '../../../protocol/limits.js';
import type { LocalInput } from '../../../protocol/local/api.js';
import type { JobRow } from '../../../protocol/local/model.js';
import { countOf, percent } from '../../units.js';
import type { Arguments } from '../arguments.js';
import type { Context } from '../context.js';
import { type End, follow } from '../follow.js';
import { openProgress } from '../progress.js';
import { readChoice, readCount, readDuration, readPages } from '../units.js';
import { jobLine } from './jobs.js';

const OVER = new Set(['completed', 'canceled', 'aborted', 'uncertain']);

export async function print(context: Context): Promise<number> {
  const { args, call, out } = context;
  const ticket = ticketOf(args);
  const wait = args.value('wait');
  const waitMs = wait === null ? null : readDuration('--wait', wait);
  const files = args.positionals.map(existing);
  const rows: JobRow[] = [];
  for (const file of files) rows.push(await call('job.print', { file, ...ticket }));
  if (!args.has('wait')) {
    await out.result(valuesOf(rows), () => rows.map(jobLine).join('\n'));
    return 0;
  }
  const { end, rows: ended } = await follow({
    context,
    table: 'jobs',
    rows,
    progress: openProgress(args, out),
    isOver: ({ state }) => OVER.has(state),
    // However it is held up: paper, an owner who is away, others before it.
    isWaiting: ({ state }) => !OVER.has(state),
    progressText,
    waitMs,
    letGoText: 'The job goes on without this command: potluck jobs shows it. Press Ctrl+C again to cancel it.',
    cancel: ({ id }) => call('job.cancel', { id }),
  });
  await out.result(valuesOf(ended), () => ended.map(jobLine).join('\n'));
  return endOf(context, ended, end);
}

function ticketOf(args: Arguments): Omit<LocalInput<'job.print'>, 'file'> {
  if (args.has('color') && args.has('mono')) throw new PotluckError('USAGE', '--color and --mono exclude each other');
  const [printer, title, media] = [args.value('printer'), args.value('title'), args.value('media')];
  const [copies, pages, duplex] = [args.value('copies'), args.value('pages'), args.value('duplex')];
  return {
    copies: copies === null ? 1 : readCount('--copies', copies, COPIES_MAX_COUNT),
    ...(printer === null ? {} : { printer }),
    ...(title === null ? {} : { title }),
    ...(media === null ? {} : { media }),
    ...(pages === null ? {} : { pages: readPages('--pages', pages) }),
    ...(duplex === null ? {} : { duplex: readChoice('--duplex', duplex, ['long', 'short', 'off'] as const) }),
    ...(args.has('color') ? { color: true } : args.has('mono') ? { color: false } : {}),
  };
}

/** Looked at before anything is printed: of three documents with one mistyped none comes out. */
function existing(typed: string): string {
  const file = path.resolve(typed);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new PotluckError('PATH_UNKNOWN', `${typed}: there is no such file`);
  if (!found.isFile()) throw new PotluckError('USAGE', `${typed}: is not a file`);
  return file;
}

function valuesOf(rows: readonly JobRow[]): unknown {
  const values = rows.map(({ id, printer, state, because }) => ({ job: id, printer, state, because }));
  return values.length === 1 ? values[0] : values;
}

function endOf({ out, args }: Context, rows: readonly JobRow[], end: End): number {
  const say = (text: string): void => {
    if (!out.json) out.say(`potluck: print: ${text}`);
  };
  if (end === 'let-go') return ERROR_CODES.CANCELLED.exit;
  if (end === 'waited') {
    say(`not printed within ${args.value('wait')}; it stays in potluck jobs (TIMEOUT)`);
    return ERROR_CODES.TIMEOUT.exit;
  }
  const bad = rows.filter(({ state }) => state !== 'completed');
  for (const row of bad) {
    const code = row.state === 'canceled' ? 'CANCELLED' : 'PRINTER_FAILED';
    say(`${row.title}: ${row.because || row.state} (${code})`);
  }
  if (bad.length === 0) return 0;
  return bad.every(({ state }) => state === 'canceled') ? ERROR_CODES.CANCELLED.exit : ERROR_CODES.PRINTER_FAILED.exit;
}

function progressText(rows: readonly JobRow[]): string {
  const open = rows.filter(({ state }) => !OVER.has(state));
  const [first] = open;
  if (first === undefined) return '';
  if (open.length > 1) return countOf(open.length, 'job');
  const how = first.state === 'sending' ? ` ${percent(first.sent, first.size)}` : '';
  return `${first.title} on ${first.printer}: ${first.state}${how}${first.because === '' ? '' : `: ${first.because}`}`;
}
