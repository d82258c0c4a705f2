/**
 * `PEER/SHARE/PATH` as it is typed. A name with characters that cannot be typed is written as the short id
 * that `ls` shows for it: `@` and the beginning of the SHA-256 of the name.
 */
import { createHash } from 'node:crypto';
import { PotluckError } from '../../protocol/errors.js';
import { BROWSE_PAGE_MAX_COUNT } from '../../protocol/limits.js';
import type { EntryRow } from '../../protocol/local/api.js';
import { safe } from '../../protocol/text.js';
import type { Context } from './context.js';

export interface Place {
  readonly peer: string;
  /** Null for the coworker itself. */
  readonly share: string | null;
  /** Empty for the share itself. */
  readonly path: string;
}

const SHORT_ID = /^@[0-9a-f]{4}$/;
const SHORT_ID_DIGITS = 4;

/** @throws PotluckError USAGE */
export function readPlace(typed: string): Place {
  const [peer = '', share = '', ...path] = typed.replace(/\/+$/, '').split('/');
  if (peer === '' || (share === '' && path.length > 0) || path.includes('')) {
    throw new PotluckError('USAGE', `${typed}: not a place, which is PEER, PEER/SHARE or PEER/SHARE/PATH`);
  }
  return { peer, share: share === '' ? null : share, path: path.join('/') };
}

/** Does the name hold what a person cannot see or type? */
export function isHard(name: string): boolean {
  return safe(name) !== name;
}

export function shortIdOf(name: string): string {
  return `@${createHash('sha256').update(name).digest('hex').slice(0, SHORT_ID_DIGITS)}`;
}

/** A name for a table: as it is, or made harmless and with its short id. */
export function shownName(name: string): string {
  return isHard(name) ? `${name}  ${shortIdOf(name)}` : name;
}

/**
 * The place with every short id replaced by the name it stands for. Asks nothing where none was typed.
 * @throws PotluckError PEER_UNKNOWN, SHARE_UNKNOWN, PATH_UNKNOWN; USAGE when two names have this short id
 */
export async function resolvePlace(context: Context, { peer: typed, share, path }: Place): Promise<Place> {
  const peer = await named(typed, 'PEER_UNKNOWN', async () =>
    (await context.call('peer.list', {})).peers.map(({ id, name }) => [name, id] as const),
  );
  if (share === null) return { peer, share, path };
  const found = await named(share, 'SHARE_UNKNOWN', async () =>
    (await context.call('browse.shares', { peer })).shares.map(({ name }) => [name, name] as const),
  );
  let parent = '';
  for (const component of path === '' ? [] : path.split('/')) {
    const folder = parent;
    const name = await named(component, 'PATH_UNKNOWN', async () => {
      const { entries } = await listFolder(context, { peer, share: found, path: folder });
      return entries.map((entry) => [entry.name, entry.name] as const);
    });
    parent = parent === '' ? name : `${parent}/${name}`;
  }
  return { peer, share: found, path: parent };
}

/** A whole folder, page by page; or the file itself. */
export async function listFolder(
  { call }: Context,
  { peer, share, path }: { readonly peer: string; readonly share: string; readonly path: string },
): Promise<{ entry: EntryRow | null; entries: EntryRow[] }> {
  const entries: EntryRow[] = [];
  for (let cursor: string | null = null; ;) {
    const page: { entry: EntryRow | null; entries: EntryRow[]; next: string | null } = await call('browse.list', {
      peer,
      share,
      path,
      cursor,
      limit: BROWSE_PAGE_MAX_COUNT,
    });
    if (page.entry !== null) return { entry: page.entry, entries: [] };
    for (const entry of page.entries) entries.push(entry);
    if (page.next === null) return { entry: null, entries };
    cursor = page.next;
  }
}

async function named(
  typed: string,
  unknown: 'PEER_UNKNOWN' | 'SHARE_UNKNOWN' | 'PATH_UNKNOWN',
  list: () => Promise<readonly (readonly [name: string, use: string])[]>,
): Promise<string> {
  if (!SHORT_ID.test(typed)) return typed;
  const all = await list();
  // Somebody may really be called so.
  const exact = all.find(([name]) => name === typed);
  if (exact !== undefined) return exact[1];
  const meant = all.filter(([name]) => isHard(name) && shortIdOf(name) === typed);
  const [first] = meant;
  if (first === undefined) throw new PotluckError(unknown, `${typed}: no name here has this short id`);
  if (meant.length > 1) throw new PotluckError('USAGE', `${typed}: two names here have this short id`);
  return first[1];
}
