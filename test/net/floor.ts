/** Agents of which only the network floor and what is below it are real, in one process, over loopback. */
import path from 'node:path';
import { mkdirSync } from 'node:fs';
import type { ByteStream } from '../../agent/net/byte-stream.js';
import { NET_LIMITS, type NetLimits } from '../../agent/net/net-limits.js';
import { Network } from '../../agent/net/network.js';
import type { OwnInfo } from '../../agent/net/peer-notes.js';
import type { PieceSocket } from '../../agent/net/piece-socket.js';
import type { HandleNote, HandleRequest } from '../../agent/net/requests.js';
import type { ServeStream } from '../../agent/net/stream-opening.js';
import { systemClock } from '../../agent/platform/clock.js';
import { type AgentEvent, type AgentEvents, Events } from '../../agent/platform/events.js';
import type { Log, LogFields } from '../../agent/platform/log.js';
import { type Identity, openIdentity } from '../../agent/workgroup/identity.js';
import { type Invites, openInvites } from '../../agent/workgroup/invites.js';
import { type Membership, openMembership } from '../../agent/workgroup/membership.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { StreamOpen } from '../../protocol/peer/stream-open.js';
import type { Case } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

export const HOST = '127.0.0.1';

/** What a test may replace while the agent runs. */
export interface Handlers {
  handle: HandleRequest;
  note: HandleNote;
  servePieces: (peer: PeerId, socket: PieceSocket) => void;
  serveStream: ServeStream;
  info: (peer: PeerId) => OwnInfo;
  blocked: PeerId[];
  name: string;
}

export interface FloorAgent {
  readonly name: string;
  readonly id: PeerId;
  readonly identity: Identity;
  readonly membership: Membership;
  readonly invites: Invites;
  readonly events: Events;
  readonly network: Network;
  readonly peers: Network['peers'];
  readonly port: number;
  readonly handlers: Handlers;
  /** Events of the log, newest last. */
  readonly logged: { readonly event: string; readonly fields: LogFields }[];
  close(): Promise<void>;
}

export interface FloorOptions {
  readonly limits?: Partial<NetLimits>;
  readonly random?: () => number;
  /** Called with the address of each connection that comes in or is to be dialled. */
  readonly isAcceptableRemote?: (address: string) => boolean;
  readonly ports?: readonly number[];
  /** Where it listens. Its own dials come from 127.0.0.1, so with another address it cannot be dialled back to there. */
  readonly host?: string;
  /** An agent that ran before, to be started again as the same PC. */
  readonly again?: FloorAgent;
}

let made = 0;

export async function openFloorAgent(t: Case, name: string, options: FloorOptions = {}): Promise<FloorAgent> {
  const { limits, again, host = HOST, random = Math.random, isAcceptableRemote = () => true } = options;
  const events = again?.events ?? new Events(() => undefined);
  const logged: FloorAgent['logged'] = [];
  const log = collect(logged);
  const folder = path.join(temporaryFolder(t), `${name}-${(made += 1)}`);
  mkdirSync(folder, { mode: 0o700 });
  const identity = again?.identity ?? (await openIdentity(folder));
  const membership = again?.membership ?? (await openMembership({ folder, identity, events, log, clock: systemClock }));
  const invites =
    again?.invites ?? (await openInvites({ folder, events, log, clock: systemClock, workgroup: () => membership.id }));
  if (again === undefined) {
    t.defer(() => invites.close());
    t.defer(() => membership.close());
  }
  const handlers: Handlers = {
    handle: () => Promise.reject(new PotluckError('UNSUPPORTED', 'not in this test')),
    note: () => undefined,
    servePieces: (_peer, socket) => socket.close(),
    serveStream: () => Promise.reject(new PotluckError('UNSUPPORTED', 'not in this test')),
    info: () => ({ ...INFO, addresses: [{ host, port: agent.port }] }),
    blocked: [],
    name,
  };
  const network = await Network.open({
    identity,
    membership,
    invites,
    events,
    log,
    random,
    isAcceptableRemote,
    clock: systemClock,
    limits: { ...NET_LIMITS, ...limits },
    listen: { ports: options.ports ?? [0], host },
    remembered: [],
    ownName: () => handlers.name,
    blocked: () => handlers.blocked,
    info: (peer) => handlers.info(peer),
    handle: (...request) => handlers.handle(...request),
    note: (...note) => handlers.note(...note),
    servePieces: (...pieces) => handlers.servePieces(...pieces),
    serveStream: (...stream) => handlers.serveStream(...stream),
  });
  const agent: FloorAgent = {
    name,
    id: identity.id,
    identity,
    membership,
    invites,
    events,
    network,
    handlers,
    logged,
    peers: network.peers,
    port: network.port,
    close: () => network.close(),
  };
  t.defer(() => network.close());
  return agent;
}

const INFO: Omit<OwnInfo, 'addresses'> = {
  version: '0.0.0',
  platform: 'linux',
  disk: null,
  shares: 0,
  printers: 0,
  internet: false,
};

/** Agents that are members of one workgroup and know each other, not yet linked. */
export async function openOffice(t: Case, names: readonly string[], options: FloorOptions = {}): Promise<FloorAgent[]> {
  const agents: FloorAgent[] = [];
  for (const name of names) agents.push(await openFloorAgent(t, name, options));
  return meet(agents);
}

/** Makes members of one workgroup of agents that are in none. */
export async function meet(agents: FloorAgent[]): Promise<FloorAgent[]> {
  const [first, ...others] = agents;
  if (first === undefined) return [];
  await first.membership.create('Office', first.name);
  for (const other of others) await admit(first, other);
  for (const agent of agents) for (const page of first.membership.pages()) agent.membership.merge(page);
  return agents;
}

/** Lets an agent in, as a join does; it knows nobody but who let it in. */
export async function admit(member: FloorAgent, newcomer: FloorAgent): Promise<void> {
  const record = await member.membership.addMember(newcomer.identity.spki, newcomer.name);
  const { group, root, name } = member.membership;
  if (group === null || root === null || name === null) throw new Error('not a member');
  await newcomer.membership.accept({ group, root, name, record });
}

/** Links two agents; resolves when both see the other. */
export async function linkUp(dialler: FloorAgent, other: FloorAgent): Promise<void> {
  const up = Promise.all([online(dialler, other), online(other, dialler)]);
  dialler.peers.found([{ host: HOST, port: other.port }]);
  await up;
}

export async function online(agent: FloorAgent, other: FloorAgent): Promise<void> {
  if (!agent.peers.isOnline(other.id)) await next(agent, 'peer.online', ({ peer }) => peer === other.id);
}

export async function offline(agent: FloorAgent, other: FloorAgent): Promise<void> {
  if (agent.peers.isOnline(other.id)) await next(agent, 'peer.offline', ({ peer }) => peer === other.id);
}

export function next<E extends AgentEvent>(
  agent: FloorAgent,
  event: E,
  which: (detail: AgentEvents[E]) => boolean = () => true,
): Promise<AgentEvents[E]> {
  return new Promise((resolve) => {
    const off = agent.events.on(event, (detail) => {
      if (!which(detail)) return;
      off();
      resolve(detail);
    });
  });
}

/** What a stream was sent, in all. */
export async function readAll(stream: ByteStream): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of stream) blocks.push(block as Buffer);
  return Buffer.concat(blocks);
}

function collect(logged: FloorAgent['logged']): Log {
  const note = (event: string, fields: LogFields = {}): void => void logged.push({ event, fields });
  return { debug: note, info: note, warn: note, error: note, part: () => collect(logged) };
}

/** The code of what an attempt ends with; 'none' when it does not fail. */
export async function failure(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'none';
  } catch (thrown) {
    return thrown instanceof PotluckError ? thrown.code : String(thrown);
  }
}

/** Two linked agents. */
export async function openPair(t: Case, limits: Partial<NetLimits> = {}): Promise<[FloorAgent, FloorAgent]> {
  const [ana, bruno] = await openOffice(t, ['ana', 'bruno'], { limits });
  await linkUp(ana!, bruno!);
  return [ana!, bruno!];
}

/** Two linked agents of which the first cannot dial the second: a firewall lets nobody in there. */
export async function openOneWay(t: Case): Promise<[FloorAgent, FloorAgent]> {
  const ana = await openFloorAgent(t, 'ana');
  const walled = await openFloorAgent(t, 'walled', { host: '127.0.0.2' });
  await meet([ana, walled]);
  await linkUp(walled, ana);
  return [ana, walled];
}

/** Waits until a count has begun and stands still. */
export async function still(count: () => number): Promise<void> {
  let last = -1;
  do {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (count() !== last || last === 0);
}

export const OPEN: StreamOpen = {
  kind: 'print.document',
  job: '01234567-89ab-cdef-0123-456789abcdef' as StreamOpen['job'],
  offset: 0,
};

/** The stream that the agent is asked for next, accepted. */
export function openAccepted(agent: FloorAgent): Promise<ByteStream> {
  return new Promise((resolve) => {
    agent.handlers.serveStream = async (_peer, _open, accept) => resolve(accept());
  });
}

/** Resolves when it is over, however. */
export function closed(stream: ByteStream): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
