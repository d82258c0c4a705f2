/** `printers`, `printer …`: what can be printed on, and what this PC lends. */
import path from 'node:path';
import type { PrinterRow } from '../../../protocol/local/model.js';
import { safe } from '../../../protocol/text.js';
import type { Context } from '../context.js';
import { shownName } from '../place.js';
import type { Cell } from '../table.js';

const COLUMNS = [
  { head: 'PRINTER' },
  { head: 'AT' },
  { head: 'STATE' },
  { head: 'JOBS', right: true },
  { head: 'CAN' },
  { head: 'SHARED' },
  { head: '' },
];

export async function printers({ call, out }: Context): Promise<void> {
  const { printers: rows } = await call('printer.list', {});
  await out.result(rows, () =>
    rows.length === 0
      ? 'no printers: potluck printer add ipp://HOST/ipp/print, or tray:FOLDER'
      : out.table(COLUMNS, rows.map(cells)),
  );
}

export async function share(context: Context): Promise<void> {
  const only = context.args.values('only');
  const input = { name: context.args.at(0), ...(only.length > 0 ? { only } : {}) };
  await changed(context, await context.call('printer.share', input), 'is shared');
}

export async function unshare(context: Context): Promise<void> {
  await changed(context, await context.call('printer.unshare', { name: context.args.at(0) }), 'is no longer shared');
}

export async function add(context: Context): Promise<void> {
  const name = context.args.value('name');
  const uri = absolute(context.args.at(0));
  await changed(context, await context.call('printer.add', { uri, ...(name === null ? {} : { name }) }), 'was added');
}

export async function remove(context: Context): Promise<void> {
  await changed(context, await context.call('printer.remove', { name: context.args.at(0) }), 'was forgotten');
}

async function changed({ out }: Context, row: PrinterRow, what: string): Promise<void> {
  await out.result(row, () => safe(`${row.name} ${what}`));
}

/** A tray's folder is meant from where the person is, and the agent is elsewhere. */
function absolute(uri: string): string {
  const match = /^tray:(?!\/\/)(.+)$/.exec(uri);
  return match?.[1] === undefined ? uri : `tray:${path.resolve(match[1])}`;
}

function cells(row: PrinterRow): (string | Cell)[] {
  const bad = row.state === 'stopped' || row.state === 'offline';
  const can = [row.color ? 'colour' : 'black', ...(row.duplex ? ['both sides'] : [])];
  const shared = row.shared ? (row.only.length > 0 ? `to ${row.only.length}` : 'yes') : 'no';
  return [
    shownName(row.name),
    row.local ? 'this PC' : row.peerName,
    { text: row.state, style: bad ? 'bad' : 'good' },
    String(row.queued),
    can.join(', '),
    row.local ? shared : '–',
    { text: row.because, style: 'faint' },
  ];
}
