/** `jobs`, `job cancel`: what prints, what waits and why. */
import { type PotluckError, toPotluckError } from '../../../protocol/errors.js';
import type { JobRow } from '../../../protocol/local/model.js';
import { safe } from '../../../protocol/text.js';
import { ago } from '../../units.js';
import type { Context } from '../context.js';
import type { Cell } from '../table.js';

const COLUMNS = [
  { head: 'ID' },
  { head: 'DOCUMENT' },
  { head: 'PRINTER' },
  { head: 'OF' },
  { head: 'STATE' },
  { head: 'PAGES', right: true },
  { head: 'SINCE', right: true },
  { head: '' },
];
const GOOD = new Set(['completed', 'printing']);
const BAD = new Set(['blocked', 'aborted', 'uncertain']);

export async function jobs({ args, call, out }: Context): Promise<void> {
  const { jobs: rows } = await call('job.list', { all: args.has('all') });
  await out.result(rows, () => (rows.length === 0 ? 'no print jobs' : out.table(COLUMNS, rows.map(cells))));
}

export async function cancel({ args, call, out }: Context): Promise<number> {
  const rows: JobRow[] = [];
  const failures: PotluckError[] = [];
  for (const id of args.positionals) {
    try {
      rows.push(await call('job.cancel', { id }));
    } catch (thrown) {
      failures.push(toPotluckError(thrown));
    }
  }
  const [failure] = failures;
  if (failure !== undefined && rows.length === 0) throw failure;
  await out.result(args.positionals.length === 1 ? rows[0] : rows, () => rows.map(jobLine).join('\n'));
  for (const { message, code } of failures) out.say(`potluck: job cancel: ${message} (${code})`);
  return failures.length === 0 ? 0 : 1;
}

export function jobLine({ id, title, printer, state, because }: JobRow): string {
  return safe(`${id} ${title} on ${printer}: ${state}${because === '' ? '' : `: ${because}`}`);
}

function cells(row: JobRow): (string | Cell)[] {
  const style = GOOD.has(row.state) ? ('good' as const) : BAD.has(row.state) ? ('bad' as const) : null;
  return [
    row.id,
    row.title,
    row.printer,
    row.owner,
    { text: row.state, ...(style === null ? {} : { style }) },
    row.pages === null ? '–' : String(row.pages),
    ago(row.createdAt, Date.now()),
    { text: row.because, style: 'faint' },
  ];
}
