/** `transfers`, `pause`, `resume`, `cancel`: downloads and uploads. */
import { type PotluckError, toPotluckError } from '../../../protocol/errors.js';
import type { TransferRow } from '../../../protocol/local/model.js';
import { safe } from '../../../protocol/text.js';
import { bytes, duration, percent, rate } from '../../units.js';
import type { Command, Context } from '../context.js';
import type { Cell } from '../table.js';
import { watchTable } from '../watch-table.js';

const COLUMNS = [
  { head: 'ID' },
  { head: '' },
  { head: 'NAME' },
  { head: 'STATE' },
  { head: 'DONE', right: true },
  { head: 'SIZE', right: true },
  { head: 'RATE', right: true },
  { head: 'LEFT', right: true },
  { head: 'WITH' },
  { head: '' },
];

export async function transfers(context: Context): Promise<void> {
  if (context.args.has('watch')) {
    await watchTable(context, 'transfers', { value: (row) => row, text: lineOf });
    return;
  }
  const { transfers: rows } = await context.call('transfer.list', {});
  await context.out.result(rows, () =>
    rows.length === 0 ? 'no transfers' : context.out.table(COLUMNS, rows.map(cells)),
  );
}

/** One ID prints its transfer, several print them all; those that cannot be changed are told, and the rest is done. */
export function change(action: 'pause' | 'resume' | 'cancel'): Command {
  return async (context) => {
    const { args, call, out } = context;
    const rows: TransferRow[] = [];
    const failures: PotluckError[] = [];
    for (const id of args.positionals) {
      try {
        rows.push(await call(`transfer.${action}`, { id }));
      } catch (thrown) {
        failures.push(toPotluckError(thrown));
      }
    }
    const [failure] = failures;
    if (failure !== undefined && rows.length === 0) throw failure;
    await out.result(args.positionals.length === 1 ? rows[0] : rows, () => rows.map(lineOf).join('\n'));
    for (const { message, code } of failures) out.say(`potluck: ${action}: ${message} (${code})`);
    return failures.length === 0 ? 0 : 1;
  };
}

export function lineOf(row: TransferRow): string {
  const why = row.error === null ? row.because : `${row.error.message} (${row.error.code})`;
  const done = row.state === 'done' ? bytes(row.size) : `${percent(row.bytes, row.size)} of ${bytes(row.size)}`;
  const speed = row.state === 'active' ? `, ${rate(row.rate)}` : '';
  return safe(`${row.id} ${row.name}: ${row.state}, ${done}${speed}${why === '' ? '' : `: ${why}`}`);
}

function cells(row: TransferRow): (string | Cell)[] {
  const bad = row.state === 'failed';
  const good = row.state === 'done';
  const active = row.state === 'active';
  return [
    row.id,
    row.direction === 'down' ? 'from' : 'to',
    row.name,
    { text: row.state, ...(bad ? { style: 'bad' as const } : good ? { style: 'good' as const } : {}) },
    percent(row.bytes, row.size),
    bytes(row.size),
    active ? rate(row.rate) : '–',
    active && row.left !== null ? duration(row.left) : '–',
    row.sources.map(({ name }) => name).join(', ') || '–',
    { text: row.error === null ? row.because : `${row.error.message} (${row.error.code})`, style: 'faint' },
  ];
}
