/** `ls`: coworkers, what one of them shares, and what is in it. */
import type { EntryRow } from '../../../protocol/local/api.js';
import { bytes, day } from '../../units.js';
import type { Context } from '../context.js';
import { listFolder, readPlace, resolvePlace, shownName } from '../place.js';

interface Item {
  readonly name: string;
  readonly type: 'peer' | 'share' | 'folder' | 'file';
  readonly size: number | null;
  readonly modified: string | null;
  readonly content: string | null;
}

export async function ls(context: Context): Promise<void> {
  const { args, out } = context;
  const [typed] = args.positionals;
  const items = typed === undefined ? await coworkers(context) : await at(context, typed);
  await out.result(items, () => textOf(context, items));
}

async function coworkers({ call }: Context): Promise<Item[]> {
  const { peers } = await call('peer.list', {});
  return peers.map(({ name }) => bare(name, 'peer'));
}

async function at(context: Context, typed: string): Promise<Item[]> {
  const { peer, share, path } = await resolvePlace(context, readPlace(typed));
  if (share === null) {
    const { shares } = await context.call('browse.shares', { peer });
    return shares.map(({ name }) => bare(name, 'share'));
  }
  const { entry, entries } = await listFolder(context, { peer, share, path });
  return entry === null ? entries.map(itemOf) : [itemOf(entry)];
}

function bare(name: string, type: 'peer' | 'share'): Item {
  return { name, type, size: null, modified: null, content: null };
}

function itemOf({ name, type, size, modified, content }: EntryRow): Item {
  return { name, type, size, modified, content };
}

async function textOf({ out }: Context, items: readonly Item[]): Promise<string> {
  const [first] = items;
  if (first === undefined) return '';
  if (first.type === 'peer' || first.type === 'share') {
    return out.table(
      [{ head: first.type === 'peer' ? 'COWORKER' : 'SHARE' }],
      items.map(({ name }) => [shownName(name)]),
    );
  }
  const columns = [{ head: 'SIZE', right: true }, { head: 'CHANGED', right: true }, { head: 'NAME' }];
  const rows = items.map(({ name, type, size, modified }) => [
    type === 'file' ? bytes(size ?? 0) : '–',
    modified === null ? '–' : day(modified, Date.now()),
    type === 'folder' ? { text: `${shownName(name)}/`, style: 'strong' as const } : shownName(name),
  ]);
  return out.table(columns, rows);
}
