/**
 * Pages of the folders of this PC's shares.
 *
 * A folder is read once, names only, and its sorted names are kept for a minute, so that the next page needs
 * no second reading and nothing is shown twice or left out when files come and go between two pages. Sizes
 * and times are looked up for the entries of one page when it is asked for.
 *
 * A cursor says where to go on and after which name. When the names are kept no longer, the folder is read
 * again and the page goes on behind that name; if that name is gone too, the asker has to begin anew.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Slots } from '../net/slots.js';
import type { Clock } from '../platform/clock.js';
import { type EntryFacts, listShareFolder, lookAtEntries } from '../platform/share-files.js';
import { PotluckError } from '../../protocol/errors.js';
import {
  BROWSE_CACHE_MAX_COUNT,
  BROWSE_CACHE_MS,
  BROWSE_FRESH_MS,
  BROWSE_PAGE_MAX_BYTES,
  FOLDER_ENTRIES_MAX_COUNT,
  LISTINGS_MAX_COUNT,
} from '../../protocol/limits.js';
import type { WirePath } from '../../protocol/path.js';

/** One page; shorter than asked for where names are long. */
export interface FolderPage<E> {
  readonly entries: E[];
  readonly next: string | null;
  /** Entries in the whole folder. */
  readonly total: number;
}

interface Listing {
  readonly id: string;
  readonly key: string;
  readonly readAtMs: number;
  /** Folders first. */
  readonly names: readonly string[];
}

interface Cursor {
  readonly listing: string;
  readonly offset: number;
  /** Of the name before `offset`. */
  readonly mark: string;
}

const CURSOR = /^([0-9a-f]{12})-([0-9]{1,6})-([0-9a-f]{12})$/;
/** Up to here names are sorted as people expect it, 2 before 10; for more that takes too long. */
const SORTED_FOR_PEOPLE_MAX_COUNT = 10_000;
const collator = new Intl.Collator('en', { numeric: true });

export class FolderPages {
  readonly #clock: Clock;
  readonly #slots = new Slots(LISTINGS_MAX_COUNT);
  /** In the order of their last use, the oldest first. */
  readonly #kept = new Map<string, Listing>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param root   the shared folder, absolute
   * @param shape  an entry as it is sent
   * @throws PotluckError PATH_UNKNOWN, UNREADABLE, TOO_LARGE; GONE: the cursor leads nowhere any more
   */
  async page<E>(
    root: string,
    folder: WirePath,
    cursor: string | null,
    limit: number,
    shape: (entry: EntryFacts) => E,
    signal: AbortSignal,
  ): Promise<FolderPage<E>> {
    const { listing, offset } = await this.#find(root, folder, cursor, signal);
    const names = listing.names.slice(offset, offset + limit);
    const entries: E[] = [];
    let used = 0;
    let bytes = 0;
    const facts = new Map(lookAtEntries(root, folder, names).map((entry) => [entry.name, entry]));
    for (const name of names) {
      const entry = facts.get(name);
      const shaped = entry === undefined ? null : shape(entry);
      bytes += shaped === null ? 0 : Buffer.byteLength(JSON.stringify(shaped)) + 1;
      if (bytes > BROWSE_PAGE_MAX_BYTES && used > 0) break;
      // One that is gone since the folder was read is left out.
      if (shaped !== null) entries.push(shaped);
      used += 1;
    }
    const end = offset + used;
    const next = end < listing.names.length ? cursorAt(listing, end) : null;
    return { entries, next, total: listing.names.length };
  }

  async #find(
    root: string,
    folder: WirePath,
    cursor: string | null,
    signal: AbortSignal,
  ): Promise<{ listing: Listing; offset: number }> {
    const key = `${root}\0${folder}`;
    if (cursor === null) {
      const fresh = [...this.#kept.values()].findLast((listing) => listing.key === key);
      const isFresh = fresh !== undefined && this.#clock.nowMs() - fresh.readAtMs < BROWSE_FRESH_MS;
      return { listing: isFresh ? fresh : await this.#read(key, root, folder, signal), offset: 0 };
    }
    const at = parseCursor(cursor);
    const kept = this.#kept.get(at.listing);
    if (kept?.key === key && at.offset <= kept.names.length) {
      this.#keep(kept);
      return { listing: kept, offset: at.offset };
    }
    const listing = await this.#read(key, root, folder, signal);
    const isBefore = (offset: number): boolean => markOf(listing.names[offset - 1]) === at.mark;
    if (isBefore(at.offset)) return { listing, offset: at.offset };
    const offset = listing.names.findIndex((name) => markOf(name) === at.mark) + 1;
    if (offset === 0) throw new PotluckError('GONE', 'the folder has changed since it was read');
    return { listing, offset };
  }

  async #read(key: string, root: string, folder: WirePath, signal: AbortSignal): Promise<Listing> {
    const leave = await this.#slots.take(signal);
    try {
      const { folders, files } = await listShareFolder(root, folder, signal);
      const names = [...sorted(folders), ...sorted(files)];
      const listing = { id: randomBytes(6).toString('hex'), key, readAtMs: this.#clock.nowMs(), names };
      this.#keep(listing);
      return listing;
    } finally {
      leave();
    }
  }

  /** Keeps a listing as the newest and lets go of what is old or too much. */
  #keep(newest: Listing): void {
    this.#kept.delete(newest.id);
    this.#kept.set(newest.id, newest);
    let entries = 0;
    for (const listing of this.#kept.values()) entries += listing.names.length;
    const tooOldMs = this.#clock.nowMs() - BROWSE_CACHE_MS;
    for (const listing of this.#kept.values()) {
      const isTooMuch = this.#kept.size > BROWSE_CACHE_MAX_COUNT || entries > FOLDER_ENTRIES_MAX_COUNT;
      if (listing === newest || (listing.readAtMs > tooOldMs && !isTooMuch)) continue;
      this.#kept.delete(listing.id);
      entries -= listing.names.length;
    }
  }
}

function sorted(names: readonly string[]): string[] {
  if (names.length > SORTED_FOR_PEOPLE_MAX_COUNT) return names.toSorted(plainly);
  return names.toSorted((a, b) => collator.compare(a, b) || plainly(a, b));
}

function plainly(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function cursorAt(listing: Listing, offset: number): string {
  return `${listing.id}-${offset}-${markOf(listing.names[offset - 1])}`;
}

function parseCursor(cursor: string): Cursor {
  const [, listing = '', offset = '', mark = ''] = CURSOR.exec(cursor) ?? [];
  if (listing === '') throw new PotluckError('GONE', 'this place in the folder is not known');
  return { listing, offset: Number(offset), mark };
}

function markOf(name: string | undefined): string {
  return createHash('sha256')
    .update(name ?? '')
    .digest('hex')
    .slice(0, 12);
}
