/** What the fake client's agent answers unless a test says otherwise: it changes its tables as an agent would. */
import { PotluckError } from '../../protocol/errors.js';
import type { Board } from '../../agent/platform/board.js';
import type { LocalAnswer, LocalInput, LocalMethod } from '../../protocol/local/api.js';
import type { JobRow, SelfRow, TransferRow } from '../../protocol/local/model.js';
import { download, job, NOW, share, type Folders } from './fake-office.js';

export type Answers = { [M in LocalMethod]?: (input: LocalInput<M>, signal: AbortSignal) => Promise<LocalAnswer<M>> };

/** What the answers read and change. */
interface Fake {
  readonly board: Board;
  readonly folders: Folders;
  readonly asked: readonly unknown[];
}

const HOUR_MS = 60 * 60 * 1000;

export function defaultAnswers(agent: Fake): Answers {
  return { ...groupAnswers(agent), ...browseAnswers(agent), ...transferAnswers(agent), ...printAnswers(agent) };
}

function selfRow(agent: Fake): SelfRow {
  const row = agent.board.get('self', 'self');
  if (row === undefined) throw new Error('there is no row for this PC');
  return row;
}

function putSelf(agent: Fake, change: Partial<SelfRow>): SelfRow {
  const row = { ...selfRow(agent), ...change };
  agent.board.put('self', 'self', row);
  return row;
}

function groupAnswers(agent: Fake): Answers {
  return {
    'workgroup.create': async ({ name }) => putSelf(agent, { workgroup: { id: 'f00d', name } }),
    'workgroup.join': async () => putSelf(agent, { workgroup: { id: 'f00d', name: 'Rua Nova 12' } }),
    'workgroup.leave': async () => putSelf(agent, { workgroup: null }),
    'workgroup.invite': async ({ lifeMs }) => {
      const expiresAt = new Date(NOW + lifeMs).toISOString();
      putSelf(agent, { inviteUntil: expiresAt });
      return { code: '7K2MQ-X4T9B-0RWZC-HN5DV', link: 'potluck:join?c=7K2MQ-X4T9B-0RWZC-HN5DV', expiresAt };
    },
    'workgroup.members': async () => ({
      members: agent.board.rows('peers').map(({ id, name, state }) => ({
        id,
        name,
        self: false,
        addedBy: null,
        addedAt: null,
        state,
      })),
    }),
    'workgroup.remove': async ({ peer }) => {
      agent.board.delete('peers', peer);
      return { removed: [peer] };
    },
    'agent.rename': async ({ name }) => putSelf(agent, { name }),
    'peer.connect': async ({ address }) => {
      const peer = agent.board.rows('peers').find((row) => row.addresses.includes(address));
      if (peer === undefined) throw new PotluckError('PEER_UNREACHABLE', `${address} does not answer`);
      const online = { ...peer, state: 'online', because: '' } as const;
      agent.board.put('peers', peer.id, online);
      return online;
    },
    'share.add': async ({ folder }) => {
      const row = share(folder.split('/').at(-1) ?? folder, { folder });
      agent.board.put('shares', row.id, row);
      return row;
    },
    'share.remove': async ({ name }) => {
      const row = agent.board.rows('shares').find((known) => known.name === name);
      if (row === undefined) throw new PotluckError('SHARE_UNKNOWN', `this PC shares no ${name}`);
      agent.board.delete('shares', row.id);
      return row;
    },
  };
}

function browseAnswers(agent: Fake): Answers {
  return {
    'browse.shares': async ({ peer }) => {
      const names = [...agent.folders.keys()].flatMap((key) => {
        const [owner, name, ...path] = key.split('/');
        return owner === peer && name !== undefined && path.length === 0 ? [name] : [];
      });
      return { shares: names.map((name) => ({ name, writable: false })) };
    },
    'browse.list': async ({ peer, share: name, path, cursor, limit }) => {
      const entries = agent.folders.get([peer, name, path].filter(Boolean).join('/'));
      if (entries === undefined) throw new PotluckError('PATH_UNKNOWN', `${name}/${path} is not there any more`);
      const from = Number(cursor ?? 0);
      const next = from + limit < entries.length ? String(from + limit) : null;
      return { entry: null, entries: entries.slice(from, from + limit), next, total: entries.length };
    },
  };
}

function transferAnswers(agent: Fake): Answers {
  const change = async ({ id }: { readonly id: string }, next: Partial<TransferRow>): Promise<TransferRow> => {
    const row = agent.board.get('transfers', id);
    if (row === undefined) throw new PotluckError('TRANSFER_UNKNOWN', `there is no transfer ${id}`);
    const changed = { ...row, ...next };
    agent.board.put('transfers', id, changed);
    return changed;
  };
  return {
    'transfer.get': async ({ peer, path, share: name }) => {
      const wanted = path === '' ? name : (path.split('/').at(-1) ?? name);
      const from = agent.board.get('peers', peer)?.name ?? peer;
      const row = download(wanted, 0, { id: `t${agent.asked.length}`, sources: [{ peer, name: from, bytes: 0 }] });
      agent.board.put('transfers', row.id, row);
      return row;
    },
    'transfer.pause': (input) => change(input, { state: 'paused', rate: 0, left: null }),
    'transfer.resume': (input) => change(input, { state: 'active', error: null }),
    'transfer.cancel': (input) => change(input, { state: 'cancelled', rate: 0, left: null }),
  };
}

function printAnswers(agent: Fake): Answers {
  const printerOf = (name: string) => {
    const row = agent.board.rows('printers').find((known) => known.name === name);
    if (row === undefined) throw new PotluckError('PRINTER_UNKNOWN', `there is no printer ${name}`);
    return row;
  };
  const setShared = async (name: string, shared: boolean) => {
    const row = { ...printerOf(name), shared };
    agent.board.put('printers', row.uri, row);
    return row;
  };
  return {
    'printer.share': ({ name }) => setShared(name, true),
    'printer.unshare': ({ name }) => setShared(name, false),
    'job.print': async (input: LocalInput<'job.print'>) => {
      const title = input.file.split('/').at(-1) ?? input.file;
      const row = job(title, { id: `job-${agent.asked.length}`, printer: input.printer ?? '', copies: input.copies });
      agent.board.put('jobs', row.id, row);
      return row;
    },
    'job.cancel': async ({ id }) => {
      const row = agent.board.get('jobs', id);
      if (row === undefined) throw new PotluckError('JOB_UNKNOWN', `there is no job ${id}`);
      const changed: JobRow = { ...row, state: 'canceled', finishedAt: new Date(NOW + HOUR_MS).toISOString() };
      agent.board.put('jobs', id, changed);
      return changed;
    },
  };
}
