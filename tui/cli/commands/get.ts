/** `get`: downloads files and folders, and stays until they are here. */
import path from 'node:path';
import { ERROR_CODES, isErrorCode, PotluckError, toPotluckError } from '../../../protocol/errors.js';
import type { TransferRow } from '../../../protocol/local/model.js';
import { safe } from '../../../protocol/text.js';
import { bytes, countOf, duration, percent, rate } from '../../units.js';
import type { Context } from '../context.js';
import { type End, follow } from '../follow.js';
import { readPlace, resolvePlace } from '../place.js';
import { openProgress } from '../progress.js';
import { readChoice, readDuration } from '../units.js';

interface Failure {
  readonly path: string;
  readonly code: string;
}

interface Started {
  readonly rows: readonly TransferRow[];
  /** Places of which not even the download could begin. */
  readonly refused: readonly { readonly place: string; readonly error: PotluckError }[];
}

/** Shown of the files of a folder that could not be had; all of them are in the JSON. */
const FAILURES_SHOWN_COUNT = 5;

export async function get(context: Context): Promise<number> {
  const wait = context.args.value('wait');
  const waitMs = wait === null ? null : readDuration('--wait', wait);
  const startedMs = performance.now();
  const { rows, refused } = await startAll(context);
  const [only] = refused;
  if (rows.length === 0 && only !== undefined) throw only.error;
  const { end, rows: ended } = await follow({
    context,
    table: 'transfers',
    rows,
    progress: openProgress(context.args, context.out),
    isOver: (row) => row.state === 'done' || isBad(row),
    isWaiting: ({ state }) => state === 'waiting' || state === 'paused',
    progressText,
    waitMs,
    letGoText:
      'The download goes on without this command: potluck transfers shows it. Press Ctrl+C again to cancel it.',
    cancel: ({ id }) => context.call('transfer.cancel', { id }),
  });
  await dropWhatNeverBegan(context, ended);
  return report(context, ended, refused, end, (performance.now() - startedMs) / 1000);
}

/** For what finds no room at all nobody waits, and nothing of it stays behind. */
async function dropWhatNeverBegan({ call }: Context, rows: readonly TransferRow[]): Promise<void> {
  for (const { id, state, bytes: here } of rows.filter(isBad)) {
    if (state === 'waiting' && here === 0) await call('transfer.cancel', { id });
  }
}

async function startAll(context: Context): Promise<Started> {
  const { args, call } = context;
  const to = args.value('to');
  const way = args.value('on-conflict') ?? 'rename';
  const onConflict = readChoice('--on-conflict', way, ['rename', 'skip', 'replace'] as const);
  // All are read before one is begun: a mistake in the last must not leave the first half done.
  const places = args.positionals.map((typed) => ({ typed, place: readPlace(typed) }));
  const rows: TransferRow[] = [];
  const refused: { place: string; error: PotluckError }[] = [];
  for (const { typed, place } of places) {
    try {
      const { peer, share, path: wanted } = await resolvePlace(context, place);
      if (share === null) throw new PotluckError('USAGE', `${typed}: name a share, as potluck ls ${peer} shows them`);
      const target = to === null ? {} : { to: path.resolve(to) };
      rows.push(await call('transfer.get', { peer, share, path: wanted, ...target, onConflict }));
    } catch (thrown) {
      const error = toPotluckError(thrown);
      if (error.code === 'NO_AGENT' || error.code === 'USAGE') throw error;
      refused.push({ place: typed, error });
    }
  }
  return { rows, refused };
}

async function report(
  context: Context,
  rows: readonly TransferRow[],
  refused: Started['refused'],
  end: End,
  seconds: number,
): Promise<number> {
  const { out } = context;
  const bad = rows.filter(isBad);
  const [first] = bad;
  const single = rows.length === 1 && refused.length === 0;
  if (single && first !== undefined && first.filesDone === 0) throw errorOf(first);
  const summary = { ...summaryOf(rows, refused, seconds), ...(end === 'over' ? {} : { state: end }) };
  await out.result(summary, () => (end === 'over' ? rows.map((row) => textOf(row, seconds)).join('\n') : ''));
  if (end === 'let-go') return ERROR_CODES.CANCELLED.exit;
  if (end === 'waited') return waited(context, rows);
  const problems = [
    ...refused.map(({ place, error }) => `${place}: ${error.message} (${error.code})`),
    ...bad.map((row) => `${row.name}: ${errorOf(row).message} (${errorOf(row).code})`),
    ...rows.flatMap((row) => failureLines(row)),
  ];
  if (problems.length === 0) return 0;
  if (!out.json) for (const problem of problems) out.say(`potluck: get: ${problem}`);
  return exitOf(rows, refused);
}

function waited({ out, args }: Context, rows: readonly TransferRow[]): number {
  const open = rows.filter(({ state }) => state !== 'done');
  const because = open[0]?.because || 'nobody who has it is here';
  const ids = open.map(({ id }) => id).join(' ');
  const text = `${because} for ${args.value('wait')}; it stays in potluck transfers (PEER_OFFLINE)\ntry: potluck cancel ${ids}`;
  if (!out.json) for (const line of `potluck: get: ${text}`.split('\n')) out.say(line);
  return ERROR_CODES.PEER_OFFLINE.exit;
}

/** When all failed in one way, that way's code; otherwise part of it failed. */
function exitOf(rows: readonly TransferRow[], refused: Started['refused']): number {
  const good = rows.some(
    ({ state, failedCount, filesDone }) => state === 'done' && (failedCount === 0 || filesDone > 0),
  );
  const codes = new Set([
    ...refused.map(({ error }) => ERROR_CODES[error.code].exit),
    ...rows.filter(({ state }) => state !== 'done').map((row) => ERROR_CODES[errorOf(row).code].exit),
  ]);
  const [code] = codes;
  return !good && codes.size === 1 && code !== undefined ? code : ERROR_CODES.PARTIAL.exit;
}

/** Over without success, or held up by a full disk, which no coworker mends. */
function isBad({ state, error }: TransferRow): boolean {
  return state === 'failed' || state === 'cancelled' || (state === 'waiting' && error?.code === 'NO_SPACE');
}

function errorOf(row: TransferRow): PotluckError {
  if (row.state === 'waiting') {
    if (row.bytes === 0) return new PotluckError('NO_SPACE', `${row.name}: ${row.because}`);
    const message = `${row.name}: ${row.because}; it goes on by itself when there is room`;
    return new PotluckError('NO_SPACE', message, { hint: `potluck cancel ${row.id}` });
  }
  if (row.state === 'cancelled') return new PotluckError('CANCELLED', `${row.name}: cancelled`);
  const { code = 'FAILED', message = 'it failed', hint } = row.error ?? {};
  return new PotluckError(isErrorCode(code) ? code : 'FAILED', message, hint === undefined ? {} : { hint });
}

function summaryOf(rows: readonly TransferRow[], refused: Started['refused'], seconds: number): object {
  const sources = new Map<string, { peer: string; name: string; bytes: number }>();
  for (const { peer, name, bytes: got } of rows.flatMap((row) => row.sources)) {
    sources.set(peer, { peer, name, bytes: (sources.get(peer)?.bytes ?? 0) + got });
  }
  const targets = rows.map(({ to }) => to);
  const failed: Failure[] = [
    ...refused.map(({ place, error }) => ({ path: place, code: error.code })),
    ...rows.flatMap((row) => (row.failed.length > 0 || row.state === 'done' ? row.failed : [wholly(row)])),
  ];
  return {
    files: sum(rows.map(({ filesDone }) => filesDone)),
    bytes: sum(rows.map((row) => row.bytes)),
    seconds: Math.round(seconds * 1000) / 1000,
    sources: [...sources.values()],
    path: rows.length === 1 ? targets[0] : commonFolder(targets),
    failed,
    transfers: rows.map(({ id }) => id),
  };
}

function wholly(row: TransferRow): Failure {
  return { path: row.name, code: errorOf(row).code };
}

/** Where several downloads lie together. */
function commonFolder(targets: readonly string[]): string {
  const folders = new Set(targets.map((target) => path.dirname(target)));
  return folders.size === 1 ? ([...folders][0] ?? '') : (targets[0] ?? '');
}

function failureLines(row: TransferRow): string[] {
  if (row.failedCount === 0) return [];
  const shown = row.failed.slice(0, FAILURES_SHOWN_COUNT).map((failure) => `${failure.path} (${failure.code})`);
  const more = row.failedCount - shown.length;
  const rest = more > 0 ? ` and ${more} more` : '';
  return [
    `${row.name}: ${row.failedCount} of ${row.files} files could not be had: ${shown.join(', ')}${rest} (PARTIAL)`,
  ];
}

function textOf(row: TransferRow, seconds: number): string {
  if (row.state !== 'done') return safe(`${row.name}: ${row.state}`);
  const from = row.sources.map(({ name }) => name).join(', ');
  const what = row.files === 1 ? bytes(row.bytes) : `${countOf(row.filesDone, 'file')}, ${bytes(row.bytes)}`;
  const speed = seconds > 1 ? ` in ${duration(seconds)}, ${rate(row.bytes / seconds)}` : '';
  return safe(`${row.to}: ${what}${from === '' ? '' : ` from ${from}`}${speed}`);
}

function progressText(rows: readonly TransferRow[]): string {
  const open = rows.filter(({ state }) => state !== 'done' && state !== 'failed' && state !== 'cancelled');
  const [first] = open;
  if (first === undefined) return '';
  const [got, all] = [sum(rows.map((row) => row.bytes)), sum(rows.map(({ size }) => size))];
  const name = open.length === 1 ? first.name : countOf(open.length, 'download');
  const speed = sum(open.map((row) => row.rate));
  const left = speed > 0 ? `, ${duration((all - got) / speed)} left` : '';
  const state =
    open.length === 1 && first.state !== 'active' ? `  ${first.because || first.state}` : `  ${rate(speed)}${left}`;
  return `${name}  ${percent(got, all)} of ${bytes(all)}${state}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
