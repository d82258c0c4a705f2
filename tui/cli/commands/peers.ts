/** `peers`, `connect`, `block`, `unblock`: coworkers. */
import type { PeerRow } from '../../../protocol/local/model.js';
import { safe } from '../../../protocol/text.js';
import { ago, bytes } from '../../units.js';
import type { Context } from '../context.js';
import type { Cell } from '../table.js';
import { watchTable } from '../watch-table.js';

const COLUMNS = [
  { head: 'COWORKER' },
  { head: 'ID' },
  { head: 'STATE' },
  { head: 'SHARES', right: true },
  { head: 'PRINTERS', right: true },
  { head: 'FREE', right: true },
  { head: 'ADDRESS' },
  { head: '' },
];

export async function peers(context: Context): Promise<void> {
  const { args, call, out } = context;
  if (args.has('watch')) {
    await watchTable(context, 'peers', { value: peerValue, text: peerLine });
    return;
  }
  const { peers: rows } = await call('peer.list', {});
  await out.result(rows.map(peerValue), () =>
    rows.length === 0
      ? 'nobody here yet: potluck workgroup invite lets a PC in'
      : out.table(COLUMNS, rows.map(peerCells)),
  );
}

export async function connect(context: Context): Promise<void> {
  await changed(context, await context.call('peer.connect', { address: context.args.at(0) }));
}

export async function block(context: Context): Promise<void> {
  await changed(context, await context.call('peer.block', { peer: context.args.at(0) }));
}

export async function unblock(context: Context): Promise<void> {
  await changed(context, await context.call('peer.unblock', { peer: context.args.at(0) }));
}

async function changed({ out }: Context, row: PeerRow): Promise<void> {
  await out.result(peerValue(row), () => peerLine(row));
}

/** For scripts a peer that is being dialled is not there yet. */
function peerValue(row: PeerRow): object {
  return { ...row, state: row.state === 'connecting' ? 'offline' : row.state };
}

function peerLine(row: PeerRow): string {
  const why = row.because === '' ? '' : `: ${row.because}`;
  return safe(`${row.name} (${row.id.slice(0, 7)}) is ${row.state}${why}`);
}

function peerCells(row: PeerRow): (string | Cell)[] {
  const style =
    row.state === 'online' ? ('good' as const) : row.state === 'blocked' ? ('bad' as const) : ('faint' as const);
  const seen = row.lastSeen === null ? 'never seen' : `seen ${ago(row.lastSeen, Date.now())}`;
  return [
    row.name,
    row.id.slice(0, 7),
    { text: row.state, style },
    String(row.shares),
    String(row.printers),
    row.disk === null ? '–' : bytes(row.disk.free),
    row.addresses[0] ?? '–',
    { text: row.state === 'online' ? '' : row.because || seen, style: 'faint' },
  ];
}
