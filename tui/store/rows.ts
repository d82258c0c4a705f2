/**
 * The rows of each screen's list, in the order in which they are shown: tables joined, sorted, filtered.
 * Pure, and the same reference while what they are made of is the same, so that React may skip them.
 */
import type { EntryRow } from '../../protocol/local/api.js';
import type { JobRow, NoticeRow, PeerRow, PrinterRow, ShareRow, TransferRow } from '../../protocol/local/model.js';
import type { AppState, Cursor, Listing, Place, Screen, Toast } from './state.js';

export type ListRow =
  | { readonly kind: 'heading'; readonly id: string; readonly text: string; readonly note: string }
  | { readonly kind: 'peer'; readonly id: string; readonly peer: PeerRow }
  /** This PC, in the list of whose shares can be looked at. */
  | { readonly kind: 'self'; readonly id: 'self'; readonly shares: number }
  | { readonly kind: 'own-share'; readonly id: string; readonly share: ShareRow }
  | { readonly kind: 'share'; readonly id: string; readonly name: string; readonly writable: boolean }
  | { readonly kind: 'entry'; readonly id: string; readonly entry: EntryRow }
  | { readonly kind: 'transfer'; readonly id: string; readonly transfer: TransferRow }
  | { readonly kind: 'printer'; readonly id: string; readonly printer: PrinterRow }
  | { readonly kind: 'job'; readonly id: string; readonly job: JobRow }
  | { readonly kind: 'notice'; readonly id: string; readonly notice: NoticeRow };

export type RowOf<K extends ListRow['kind']> = Extract<ListRow, { readonly kind: K }>;

export const TRANSFER_OVER: ReadonlySet<TransferRow['state']> = new Set(['done', 'failed', 'cancelled']);
export const JOB_OVER: ReadonlySet<JobRow['state']> = new Set(['completed', 'canceled', 'aborted', 'uncertain']);

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

export function rowsOf(state: AppState, screen: Screen): readonly ListRow[] {
  const { tables } = state.agent;
  const filter = state.ui.filters[screen];
  switch (screen) {
    case 'peers':
      return peerRows(tables.peers, filter);
    case 'browse':
      return browseRows(state, filter);
    case 'transfers':
      return transferRows(tables.transfers, filter);
    case 'printers':
      return printerRows(tables.printers, tables.jobs, filter);
    case 'activity':
      return noticeRows(tables.notices, state.ui.log, filter);
    default:
      return screen satisfies never;
  }
}

/** How many rows there would be without the filter, headings not counted. */
export function countOf(state: AppState, screen: Screen): number {
  const { tables } = state.agent;
  if (screen === 'browse') {
    const { place, listing } = state.ui.browse;
    if (place.peer === null) return tables.peers.size + 1;
    if (place.share !== null) return listing.total;
    return isSelf(state, place.peer) ? tables.shares.size : listing.shares.length;
  }
  if (screen === 'printers') return tables.printers.size + tables.jobs.size;
  if (screen === 'activity') return tables.notices.size + state.ui.log.length;
  return tables[screen].size;
}

/** The row under the cursor: the one that was chosen, else what now stands in its place; never a heading. */
export function selectedIndex(rows: readonly ListRow[], cursor: Cursor): number {
  const isChosen = (row: ListRow | undefined): boolean => row?.id === cursor.id && row.kind !== 'heading';
  // Nearly always it stands where it stood, and a folder may have very many rows.
  if (isChosen(rows[cursor.index])) return cursor.index;
  const chosen = rows.findIndex(isChosen);
  if (chosen >= 0) return chosen;
  const from = Math.min(cursor.index, rows.length - 1);
  for (let index = Math.max(0, from); index < rows.length; index++) if (rows[index]?.kind !== 'heading') return index;
  for (let index = from; index >= 0; index--) if (rows[index]?.kind !== 'heading') return index;
  return -1;
}

export function selectedRow(state: AppState): ListRow | null {
  const rows = rowsOf(state, state.ui.screen);
  return rows[selectedIndex(rows, state.ui.cursors[state.ui.screen])] ?? null;
}

/** The cursor `by` rows further, over headings, stopping at both ends. */
export function movedCursor(rows: readonly ListRow[], cursor: Cursor, by: number): Cursor {
  const step = Math.sign(by);
  let index = selectedIndex(rows, cursor);
  if (index < 0) return cursor;
  let left = Math.min(Math.abs(by), rows.length);
  for (let next = index + step; left > 0 && next >= 0 && next < rows.length; next += step) {
    if (rows[next]?.kind === 'heading') continue;
    index = next;
    left -= 1;
  }
  return { id: rows[index]?.id ?? null, index };
}

/** The first row of the next section, round to the first. */
export function nextSection(rows: readonly ListRow[], cursor: Cursor): Cursor {
  const starts = rows.flatMap((row, index) =>
    row.kind !== 'heading' && rows[index - 1]?.kind === 'heading' ? [index] : [],
  );
  const at = selectedIndex(rows, cursor);
  const index = starts.find((start) => start > at) ?? starts[0];
  return index === undefined ? cursor : { id: rows[index]?.id ?? null, index };
}

/** Where the selected row is among the rows that are no headings, counted from 1, and how many these are. */
export function positionIn(
  rows: readonly ListRow[],
  selected: number,
): { readonly position: number; readonly count: number } {
  let above = 0;
  let headings = 0;
  for (const [index, row] of rows.entries()) {
    if (row.kind !== 'heading') continue;
    headings += 1;
    if (index <= selected) above += 1;
  }
  return { position: selected + 1 - above, count: rows.length - headings };
}

export function isSelf(state: AppState, peer: string | null): boolean {
  return peer !== null && peer === state.agent.tables.self.get('self')?.id;
}

const peerRows = remembered((peers: ReadonlyMap<string, PeerRow>, filter: string): readonly ListRow[] =>
  [...peers.values()]
    .filter((peer) => matches(filter, peer.name, ...peer.addresses))
    .toSorted((one, other) => byName.compare(one.name, other.name) || byName.compare(one.id, other.id))
    .map((peer) => ({ kind: 'peer', id: peer.id, peer })),
);

function browseRows(state: AppState, filter: string): readonly ListRow[] {
  const { peers, shares } = state.agent.tables;
  const { place, listing } = state.ui.browse;
  if (place.peer === null) return rootRows(peers, shares, filter);
  return isSelf(state, place.peer) && place.share === null
    ? ownShareRows(shares, filter)
    : listingRows(place, listing, filter);
}

const rootRows = remembered(
  (peers: ReadonlyMap<string, PeerRow>, shares: ReadonlyMap<string, ShareRow>, filter: string): readonly ListRow[] => [
    ...(matches(filter, 'this PC') ? [{ kind: 'self', id: 'self', shares: shares.size } as const] : []),
    ...peerRows(peers, filter),
  ],
);

const ownShareRows = remembered((shares: ReadonlyMap<string, ShareRow>, filter: string): readonly ListRow[] =>
  [...shares.values()]
    .filter((share) => matches(filter, share.name, share.folder))
    .toSorted((one, other) => byName.compare(one.name, other.name))
    .map((share) => ({ kind: 'own-share', id: share.name, share })),
);

const listingRows = remembered((place: Place, listing: Listing, filter: string): readonly ListRow[] => {
  if (place.share === null) {
    return listing.shares
      .filter((share) => matches(filter, share.name))
      .map((share) => ({ kind: 'share', id: share.name, name: share.name, writable: share.writable }));
  }
  // In the order of the answering PC: sorting a page anew would move rows when the next one comes.
  return listing.entries
    .filter((entry) => matches(filter, entry.name))
    .map((entry) => ({ kind: 'entry', id: entry.name, entry }));
});

const transferRows = remembered((transfers: ReadonlyMap<string, TransferRow>, filter: string): readonly ListRow[] => {
  const all = [...transfers.values()]
    .filter((row) => matches(filter, row.name, ...row.sources.map((source) => source.name)))
    .toSorted(runningThenNewest);
  const down = all.filter((row) => row.direction === 'down');
  const up = all.filter((row) => row.direction === 'up');
  return [
    ...section('down', 'DOWNLOADS', progressNote(down), down.map(transferRow)),
    ...section('up', 'UPLOADS', progressNote(up), up.map(transferRow)),
  ];
});

const printerRows = remembered(
  (
    printers: ReadonlyMap<string, PrinterRow>,
    jobs: ReadonlyMap<string, JobRow>,
    filter: string,
  ): readonly ListRow[] => {
    const shownPrinters = [...printers]
      .filter(([, printer]) => matches(filter, printer.name, printer.peerName, printer.info, printer.location))
      .toSorted(
        ([, one], [, other]) => byName.compare(one.name, other.name) || byName.compare(one.peerName, other.peerName),
      )
      .map(([id, printer]): ListRow => ({ kind: 'printer', id: `printer ${id}`, printer }));
    const shownJobs = [...jobs.values()]
      .filter((job) => matches(filter, job.title, job.printer, job.owner))
      .toSorted(
        (one, other) =>
          Number(JOB_OVER.has(one.state)) - Number(JOB_OVER.has(other.state)) || newest(one.createdAt, other.createdAt),
      );
    return [
      ...section('printers', 'PRINTERS', '', shownPrinters),
      ...section('mine', 'MY JOBS', '', shownJobs.filter((job) => job.mine).map(jobRow)),
      ...section('theirs', 'JOBS ON MY PRINTERS', '', shownJobs.filter((job) => !job.mine).map(jobRow)),
    ];
  },
);

const noticeRows = remembered(
  (notices: ReadonlyMap<string, NoticeRow>, log: readonly Toast[], filter: string): readonly ListRow[] => {
    const session = log.map((toast, index): NoticeRow => {
      const level = toast.level === 'good' ? 'info' : toast.level;
      return {
        id: `session ${index}`,
        at: new Date(toast.at).toISOString(),
        level,
        text: toast.text,
        code: toast.code,
      };
    });
    return [...notices.values(), ...session]
      .filter((notice) => matches(filter, notice.text, notice.code ?? ''))
      .toSorted((one, other) => newest(one.at, other.at))
      .map((notice) => ({ kind: 'notice', id: notice.id, notice }));
  },
);

const transferRow = (transfer: TransferRow): ListRow => ({ kind: 'transfer', id: transfer.id, transfer });
const jobRow = (job: JobRow): ListRow => ({ kind: 'job', id: job.id, job });

function section(id: string, text: string, note: string, rows: readonly ListRow[]): readonly ListRow[] {
  return rows.length === 0 ? [] : [{ kind: 'heading', id: `heading ${id}`, text, note }, ...rows];
}

function progressNote(rows: readonly TransferRow[]): string {
  const active = rows.filter((row) => row.state === 'active' || row.state === 'hashing').length;
  const waiting = rows.filter((row) => row.state === 'waiting' || row.state === 'queued').length;
  return [active > 0 ? `${active} active` : '', waiting > 0 ? `${waiting} waiting` : ''].filter(Boolean).join(' · ');
}

/** What still runs in the order of its start, then what is over, the newest first. */
function runningThenNewest(one: TransferRow, other: TransferRow): number {
  const over = Number(TRANSFER_OVER.has(one.state)) - Number(TRANSFER_OVER.has(other.state));
  if (over !== 0) return over;
  if (!TRANSFER_OVER.has(one.state)) return newest(other.startedAt, one.startedAt);
  return newest(one.finishedAt ?? one.startedAt, other.finishedAt ?? other.startedAt);
}

/** ISO 8601 in UTC sorts as text. */
function newest(one: string, other: string): number {
  if (one === other) return 0;
  return one > other ? -1 : 1;
}

/** Does each word of the filter stand somewhere in the texts? Case does not matter. */
function matches(filter: string, ...texts: readonly string[]): boolean {
  if (filter === '') return true;
  const all = texts.join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** Keeps the last answer: the state changes in small steps, and most steps leave a list alone. */
function remembered<A extends readonly unknown[], R>(compute: (...inputs: A) => R): (...inputs: A) => R {
  let last: { readonly inputs: A; readonly result: R } | null = null;
  return (...inputs) => {
    const known = last;
    if (known !== null && known.inputs.every((input, index) => input === inputs[index])) return known.result;
    last = { inputs, result: compute(...inputs) };
    return last.result;
  };
}
