/** Methods of the local API about this PC, its workgroup and the coworkers in it. */
import { readFile } from 'node:fs/promises';
import { peerIdText, type PeerId } from '../../protocol/ids.js';
import { NAME_MAX_BYTES } from '../../protocol/limits.js';
import type { LocalMethod, MemberRow } from '../../protocol/local/api.js';
import type { PeerRow } from '../../protocol/local/model.js';
import { parseInviteCode } from '../../protocol/invite.js';
import { safe } from '../../protocol/text.js';
import { PotluckError } from '../../protocol/errors.js';
import type { Address } from '../../protocol/peer/info.js';
import type { Network } from '../net/network.js';
import type { Board } from '../platform/board.js';
import type { SettingsStore } from '../platform/settings.js';
import type { Invites } from '../workgroup/invites.js';
import type { Membership } from '../workgroup/membership.js';
import type { LocalHandlers } from './local-calls.js';
import type { PeopleRows } from './people-rows.js';

export interface WorkgroupApiOptions {
  readonly id: PeerId;
  readonly home: string;
  readonly logFile: string;
  readonly board: Board;
  readonly settings: SettingsStore;
  readonly membership: Membership;
  readonly invites: Invites;
  readonly network: Network;
  /** Announced PCs with an open invitation, as they are found. */
  readonly joinCandidates: (signal: AbortSignal) => AsyncIterable<Address>;
  readonly people: PeopleRows;
  /** This PC is called otherwise now. */
  readonly onRenamed: () => void;
  /** What a person typed for a coworker. @throws PotluckError PEER_UNKNOWN, PEER_AMBIGUOUS */
  readonly peerNamed: (typed: string) => PeerId;
}

type Handlers<M extends LocalMethod> = Pick<LocalHandlers, M>;

type WorkgroupMethod = Extract<LocalMethod, `agent.${string}` | `workgroup.${string}` | `peer.${string}`>;

export function workgroupHandlers(options: WorkgroupApiOptions): Handlers<WorkgroupMethod> {
  return { ...agentHandlers(options), ...groupHandlers(options), ...peerHandlers(options) };
}

function agentHandlers(options: WorkgroupApiOptions): Handlers<Extract<LocalMethod, `agent.${string}`>> {
  const { board, settings, membership, network, people } = options;
  const startedMs = Date.now();
  return {
    'agent.status': async () => ({
      ...people.self(),
      uptimeSeconds: Math.round((Date.now() - startedMs) / 1000),
      home: options.home,
      counts: {
        members: membership.members().length,
        online: network.peers.list().filter(({ state }) => state === 'online').length,
        shares: board.rows('shares').length,
        transfersActive: board.rows('transfers').filter(({ state }) => state === 'active' || state === 'hashing')
          .length,
        jobsActive: board.rows('jobs').filter(({ finishedAt }) => finishedAt === null).length,
        printersShared: board.rows('printers').filter(({ local, shared }) => local && shared).length,
      },
    }),
    'agent.rename': async ({ name }) => {
      if (
        safe(name) !== name ||
        name.trim() !== name ||
        Buffer.byteLength(name) > NAME_MAX_BYTES ||
        name.includes('/')
      ) {
        throw new PotluckError('NAME_INVALID', `a PC's name has 1 to ${NAME_MAX_BYTES} bytes of plain text and no /`);
      }
      await settings.change({ name });
      network.peers.infoChanged();
      people.showSelf();
      options.onRenamed();
      return people.self();
    },
    'agent.log': async ({ lines, after }) => {
      const text = await readFile(options.logFile, 'utf8').catch(() => '');
      const offset = Buffer.byteLength(text);
      const rest = after === undefined || after > offset ? text : Buffer.from(text).subarray(after).toString('utf8');
      const all = rest.split('\n').filter((line) => line !== '');
      return { lines: lines === 0 ? [] : all.slice(-lines), offset };
    },
  };
}

function groupHandlers(options: WorkgroupApiOptions): Handlers<Extract<LocalMethod, `workgroup.${string}`>> {
  const { settings, membership, invites, network, people, peerNamed } = options;
  return {
    'workgroup.create': async ({ name }) => {
      await membership.create(name, settings.get().name);
      return people.self();
    },
    'workgroup.invite': async ({ lifeMs }) => {
      const { code, link, endsAt } = invites.open(lifeMs);
      return { code, link, expiresAt: new Date(endsAt).toISOString() };
    },
    'workgroup.join': async ({ code, address }, signal) => {
      const parsed = parseInviteCode(code);
      // Nobody is looked for any more once one has let this PC in.
      const over = new AbortController();
      try {
        const candidates = options.joinCandidates(AbortSignal.any([signal, over.signal]));
        await network.join(parsed, candidates, address ?? null, signal);
      } finally {
        over.abort();
      }
      return people.self();
    },
    'workgroup.members': async () => ({ members: membership.members().map((member) => memberRow(options, member.id)) }),
    'workgroup.remove': async ({ peer, keep }) => {
      const kept = keep?.map((typed) => peerNamed(typed));
      const removed = await membership.remove(peerNamed(peer), kept);
      return { removed: removed.map(peerIdText) };
    },
    'workgroup.leave': async () => {
      await membership.leave((pages) => network.peers.spread(pages));
      return people.self();
    },
  };
}

function memberRow({ id, membership, network, settings }: WorkgroupApiOptions, member: PeerId): MemberRow {
  const members = membership.members();
  const entry = members.find((each) => each.id === member);
  const state = network.peers.get(member);
  const adder = members.find((each) => each.id === entry?.addedBy);
  const nameOf = (peer: { readonly id: PeerId; readonly name: string }): string =>
    peer.id === id ? settings.get().name : (network.peers.get(peer.id)?.name ?? peer.name);
  return {
    id: peerIdText(member),
    name: entry === undefined ? '' : nameOf(entry),
    self: member === id,
    addedBy: adder === undefined || adder.id === member ? null : nameOf(adder),
    addedAt: entry === undefined || entry.addedAt === null ? null : new Date(entry.addedAt).toISOString(),
    state: member === id ? 'online' : (state?.state ?? 'offline'),
  };
}

function peerHandlers(options: WorkgroupApiOptions): Handlers<Extract<LocalMethod, `peer.${string}`>> {
  const { board, network, settings, peerNamed, people } = options;
  const row = (peer: PeerId): PeerRow => {
    const found = people.row(peer);
    if (found === null) throw new PotluckError('PEER_UNKNOWN', 'this PC is no member any more');
    return found;
  };
  const setBlocked = async (typed: string, isBlocked: boolean): Promise<PeerRow> => {
    const peer = peerNamed(typed);
    const others = settings.get().blocked.filter((each) => each !== peer);
    await settings.change({ blocked: isBlocked ? [...others, peer] : others });
    network.peers.blockedChanged();
    return row(peer);
  };
  return {
    'peer.list': async () => ({ peers: board.rows('peers') }),
    'peer.connect': async ({ address }, signal) => row(await network.connect(address, signal)),
    'peer.block': ({ peer }) => setBlocked(peer, true),
    'peer.unblock': ({ peer }) => setBlocked(peer, false),
  };
}
