/** Everything that is known of one thing, as lines for the detail view. Pure. */
import type { JobRow, PeerRow, PrinterRow, SelfRow, TransferRow } from '../../protocol/local/model.js';
import { ago, bytes, countOf, duration, percent, rate } from '../units.js';

/** @param now  Unix ms */
export function transferDetails(row: TransferRow, now: number): readonly string[] {
  const from = row.direction === 'down' ? 'from' : 'to';
  return lines(
    `${row.state}: ${bytes(row.bytes)} of ${bytes(row.size)} (${percent(row.bytes, row.size)})`,
    row.files > 1 ? `${row.filesDone.toLocaleString('en')} of ${countOf(row.files, 'file')}` : null,
    row.rate > 0 ? `${rate(row.rate)}${row.left === null ? '' : `, ${duration(row.left)} left`}` : null,
    row.because || null,
    ...row.sources.map((source) => `${from} ${source.name}: ${bytes(source.bytes)}`),
    row.to === '' ? null : `written to ${row.to}`,
    row.wrong > 0 ? `${bytes(row.wrong)} were not what was promised and were fetched again` : null,
    row.error === null ? null : `${row.error.message} [${row.error.code}]`,
    row.error?.hint === undefined ? null : `try: ${row.error.hint}`,
    row.failedCount > 0 ? `${countOf(row.failedCount, 'file')} could not be had:` : null,
    ...row.failed.map((file) => `  ${file.path} [${file.code}]`),
    `started ${ago(row.startedAt, now)}`,
    row.finishedAt === null ? null : `ended ${ago(row.finishedAt, now)}`,
  );
}

export function printerDetails(row: PrinterRow): readonly string[] {
  const only =
    row.only.length === 0 ? 'shared with every coworker' : `shared with ${countOf(row.only.length, 'coworker')} only`;
  return lines(
    row.local ? 'a printer of this PC' : `a printer of ${row.peerName}`,
    row.local ? (row.shared ? only : 'not shared: o shares it') : null,
    [row.state, row.because].filter(Boolean).join(': '),
    row.info || null,
    row.location === '' ? null : `stands: ${row.location}`,
    row.media.length === 0 ? null : `paper: ${row.media.join(', ')}`,
    [
      row.color ? 'colour' : 'black and white',
      row.duplex ? 'both sides' : 'one side',
      `up to ${countOf(row.copiesMax, 'copy', 'copies')}`,
    ].join(', '),
    `takes: ${row.formats.join(', ') || 'nothing that is known'}`,
    `${countOf(row.queued, 'job')} in its queue`,
    `on the command line: ${row.peerName}/${row.name}`,
    row.uri,
  );
}

/** @param now  Unix ms */
export function jobDetails(row: JobRow, now: number): readonly string[] {
  return lines(
    [row.state, row.because].filter(Boolean).join(': '),
    `on ${row.printer}`,
    row.mine ? null : `from ${row.owner}`,
    row.sent < row.size ? `${bytes(row.sent)} of ${bytes(row.size)} are at the printer's PC` : bytes(row.size),
    row.pages === null ? null : `${countOf(row.pages, 'page')} printed`,
    row.copies > 1 ? countOf(row.copies, 'copy', 'copies') : null,
    row.format,
    `asked for ${ago(row.createdAt, now)}`,
    row.finishedAt === null ? null : `ended ${ago(row.finishedAt, now)}`,
  );
}

/** @param now  Unix ms */
export function selfDetails(row: SelfRow, peers: readonly PeerRow[], now: number): readonly string[] {
  return lines(
    `${row.name}, in ${row.workgroup === null ? 'no workgroup' : row.workgroup.name}`,
    `id ${row.id}`,
    `version ${row.version} on ${row.platform}, running since ${ago(row.startedAt, now)}`,
    `reached at ${row.addresses.map((address) => `${address}:${row.port}`).join(', ') || 'no address yet'}`,
    row.discovery ? 'announces itself in this network' : 'does not announce itself: coworkers need its address',
    `downloads go to ${row.downloads}`,
    row.disk === null ? null : `${bytes(row.disk.free)} of ${bytes(row.disk.total)} free`,
    ...peers.map(peerLine),
  );
}

function peerLine(peer: PeerRow): string {
  const parts = [peer.state, peer.version, peer.platform, ...peer.addresses].filter((part) => part !== null);
  return `${peer.name}: ${parts.join(', ')}`;
}

function lines(...parts: readonly (string | null)[]): readonly string[] {
  return parts.filter((part) => part !== null);
}
