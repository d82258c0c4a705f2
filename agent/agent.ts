/**
 * One agent: everything opened in its order, each part given what it needs of the others, and closed in reverse.
 *
 * Only wiring. A part that needs another one gets a function of it here.
 */
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { PotluckError } from '../protocol/errors.js';
import { type PeerId, peerIdText } from '../protocol/ids.js';
import { ADDRESSES_PER_PEER_MAX_COUNT } from '../protocol/limits.js';
import type { LocalPaths } from '../protocol/local/paths.js';
import type { Address } from '../protocol/peer/info.js';
import type { PeerCall } from '../protocol/peer/messages.js';
import type { StreamOpen } from '../protocol/peer/stream-open.js';
import { PROGRAM_VERSION } from '../protocol/version.js';
import { openLocalServer } from './api/local-server.js';
import { filesHandlers } from './api/local-files.js';
import { printingHandlers } from './api/local-printing.js';
import { Notices } from './api/notices.js';
import { PeopleRows } from './api/people-rows.js';
import { workgroupHandlers } from './api/local-workgroup.js';
import { countPrintersFor, mayStillPrint, peerNotes, peerRequests, sharesFor } from './api/peer-api.js';
import { pieceDoor, streamDoor } from './api/stream-api.js';
import { type NamedPeer, resolvePeer } from './core/peer-name.js';
import { JoinWatch } from './discovery/join-watch.js';
import { openDiscovery } from './discovery/mdns.js';
import { openRememberedPeers } from './discovery/remembered-peers.js';
import type { ByteStream } from './net/byte-stream.js';
import { Network } from './net/network.js';
import type { OwnInfo } from './net/peer-notes.js';
import type { HandleRequest } from './net/requests.js';
import { DEFAULT_PORTS } from './net/server.js';
import { Board } from './platform/board.js';
import { systemClock as clock } from './platform/clock.js';
import { Events } from './platform/events.js';
import { createHasher } from './platform/hasher.js';
import { claimHome } from './platform/instance.js';
import { openInterfaces } from './platform/interfaces.js';
import { type LogLevel, openLog } from './platform/log.js';
import { type Closable, Scope } from './platform/scope.js';
import { openSettings } from './platform/settings.js';
import { PRINT_TABLES } from './printing/print-store.js';
import { Printing } from './printing/printing.js';
import { LocalShares, SHARE_TABLES } from './shares/local-shares.js';
import { RemoteShares } from './shares/remote-shares.js';
import { Contents } from './storage/contents.js';
import { openDatabase } from './storage/database.js';
import { Reservations } from './storage/reservations.js';
import { TRANSFER_TABLES, TransferStore } from './storage/transfers.js';
import { Downloads } from './transfer/downloads.js';
import { UploadRows } from './transfer/upload-rows.js';
import { Uploads } from './transfer/uploads.js';
import { openIdentity } from './workgroup/identity.js';
import { openInvites } from './workgroup/invites.js';
import { openMembership } from './workgroup/membership.js';

export interface AgentOptions {
  readonly paths: LocalPaths;
  /** The name from now on; null to leave it. */
  readonly name: string | null;
  /** 0 for any free one; null for the remembered or a default one. */
  readonly port: number | null;
  /** Listen on this address only. */
  readonly listen: string | null;
  readonly discovery: boolean;
  /** Coworkers to dial, HOST[:PORT]. */
  readonly peers: readonly string[];
  /** This PC alone: peers on 127.0.0.1, announced there only. */
  readonly loopback: boolean;
  readonly logLevel: LogLevel;
}

export interface Agent extends Closable {
  readonly ready: {
    readonly id: string;
    readonly name: string;
    readonly port: number;
    readonly addresses: readonly string[];
  };
  /** Resolves when this PC has given up its key (it left, or was removed): the agent is to be opened anew. */
  readonly rekeyed: Promise<void>;
  /** Logs what nobody caught. */
  trouble(event: string, thrown: unknown): void;
}

const LOOPBACK = '127.0.0.1';

/** @throws PotluckError AGENT_RUNNING, UNSAFE_FILES, FAILED */
export async function openAgent(options: AgentOptions): Promise<Agent> {
  const scope = new Scope();
  try {
    const ground = await openGround(options, scope);
    const files = openShares(ground);
    const wire = new Wire();
    const printing = await openPrinting(ground, wire);
    const network = await openNetwork(ground, { files, printing, wire });
    return await openDoors(ground, { files, printing, wire, network });
  } catch (thrown) {
    await scope.close();
    throw thrown;
  }
}

type Ground = Awaited<ReturnType<typeof openGround>>;
type Files = ReturnType<typeof openShares>;

/**
 * The way to coworkers for what is opened before the network: it offers things to the network, and asks through it
 * later. Until then everybody is offline.
 */
class Wire {
  peers: Network['peers'] | null = null;
  /** Answers what this PC asks of itself, as coworkers are answered: one sees what they see. */
  own: { readonly id: PeerId; readonly handle: HandleRequest } | null = null;

  readonly call: PeerCall = async (peer, method, body, signal, onProgress = () => undefined) => {
    if (this.own?.id === peer) return (await this.own.handle(peer, method, body, signal, onProgress)) as never;
    return this.#mustPeers().call(peer, method, body, signal, onProgress);
  };

  openStream(peer: PeerId, open: StreamOpen, signal: AbortSignal): Promise<ByteStream> {
    return this.#mustPeers().openStream(peer, open, signal);
  }

  online(): PeerId[] {
    const list = this.peers?.list() ?? [];
    return list.filter(({ state }) => state === 'online').map(({ id }) => id);
  }

  #mustPeers(): Network['peers'] {
    if (this.peers === null) throw new PotluckError('PEER_OFFLINE', 'the agent is still starting');
    return this.peers;
  }
}

interface Parts {
  readonly files: Files;
  readonly printing: Printing;
  readonly wire: Wire;
}

/** This machine, this PC's key, its workgroup, and what is kept. */
async function openGround(options: AgentOptions, scope: Scope) {
  const { paths } = options;
  const { home } = paths;
  scope.own(claimHome(paths));
  const log = scope.own(openLog(paths.log, options.logLevel));
  const trouble = (event: string, thrown: unknown): void => log.error(event, troubleFields(thrown));
  const events = new Events((thrown) => trouble('listener.fault', thrown));
  const settings = openSettings(home, log);
  if (options.name !== null) await settings.change({ name: options.name });
  const identity = await openIdentity(home);
  const membership = scope.own(await openMembership({ folder: home, identity, events, log, clock }));
  const invites = scope.own(await openInvites({ folder: home, clock, events, log, workgroup: () => membership.id }));
  const remembered = scope.own(await openRememberedPeers({ folder: home, clock, log }));
  const only = options.loopback ? LOOPBACK : options.listen;
  const interfaces = scope.own(openInterfaces({ clock, only }));
  const database = scope.own(
    openDatabase(path.join(home, 'state.db'), [SHARE_TABLES, TRANSFER_TABLES, PRINT_TABLES], log),
  );
  const board = new Board();
  const nameOf = (peer: PeerId): string => {
    const id = peerIdText(peer);
    return peer === identity.id ? settings.get().name : (board.get('peers', id)?.name ?? id.slice(0, 7));
  };
  const kept = { identity, membership, invites, remembered, database, settings };
  return { ...kept, options, scope, home, log, trouble, events, interfaces, only, board, nameOf };
}

/** What this PC offers. */
function openShares({ scope, home, log, database, board, events, nameOf }: Ground) {
  const contents = scope.own(new Contents(path.join(home, 'index.db'), log));
  const hasher = scope.own(createHasher());
  const onChanged = (): void => events.emit('offer.changed', { what: 'shares' });
  const shares = scope.own(new LocalShares({ database, contents, hasher, board, clock, home, onChanged }));
  const uploadRows = scope.own(new UploadRows({ board, clock, nameOf }));
  return { hasher, shares, uploadRows, uploads: new Uploads(uploadRows, clock) };
}

async function openPrinting(
  { home, database, board, events, log, identity, settings, nameOf, scope }: Ground,
  wire: Wire,
) {
  return scope.own(
    await Printing.open({
      home,
      database,
      board,
      clock,
      events,
      log,
      self: identity.id,
      ownName: () => settings.get().name,
      nameOf,
      online: () => wire.online(),
      lastSeen: (peer) => wire.peers?.get(peer)?.lastSeenMs ?? null,
      peerNamed: (typed) => resolvePeer(typed, peopleOf(wire, identity.id, settings.get().name)),
      call: wire.call,
      openStream: (peer, open, signal) => wire.openStream(peer, open, signal),
      report: (peer, report) => wire.peers?.tell(peer, 'job.report', report),
      onChanged: () => events.emit('offer.changed', { what: 'printers' }),
      env: process.env,
      userHome: homedir(),
      user: userInfo().username,
      trayFolder: () => path.join(homedir(), 'Potluck tray'),
    }),
  );
}

/** Whom a person may mean by a name. */
function peopleOf({ peers }: Wire, self: PeerId, ownName: string): NamedPeer[] {
  return [...(peers?.list() ?? []), { id: self, name: ownName }];
}

async function openNetwork(ground: Ground, { files: { shares, uploads }, printing, wire }: Parts) {
  const { identity, membership, invites, remembered, settings, options, scope, log, events, interfaces, only } = ground;
  const door = { shares, uploads, printing, self: identity.id };
  const handle = peerRequests(door);
  const space: { now: OwnInfo['disk'] } = { now: null };
  const network: Network = scope.own(
    await Network.open({
      identity,
      membership: Object.assign(membership, { recordPages: () => membership.pages() }),
      invites,
      events,
      clock,
      log,
      random: Math.random,
      listen: { ports: portsToTry(options.port, settings.get().port), host: only },
      ownName: () => settings.get().name,
      isAcceptableRemote: (address) => interfaces.isAcceptableRemote(address, options.loopback),
      blocked: () => settings.get().blocked,
      remembered: remembered.all(),
      info: (peer) => ({
        version: PROGRAM_VERSION,
        platform: process.platform,
        disk: space.now,
        shares: sharesFor(shares, peer).length,
        printers: countPrintersFor(printing, peer),
        internet: false,
        addresses: interfaces
          .addresses()
          .slice(0, ADDRESSES_PER_PEER_MAX_COUNT)
          .map(({ address }) => ({ host: address, port: network.port })),
      }),
      handle,
      note: peerNotes(door),
      servePieces: pieceDoor(door),
      serveStream: streamDoor(printing.spooler),
    }),
  );
  wire.peers = network.peers;
  wire.own = { id: identity.id, handle };
  if (options.port !== 0) await settings.change({ port: network.port });
  scope.defer(interfaces.onChange(() => network.peers.networkChanged()));
  scope.defer(
    events.on('offer.changed', ({ what }) => {
      network.peers.infoChanged();
      network.peers.tell('all', 'peer.changed', { what });
      if (what === 'printers') printing.spooler.accessChanged(mayStillPrint(printing));
    }),
  );
  return { network, space };
}

/** Announces this agent, and has those dialled who are found. */
function openAnnouncement({ options, scope, log, interfaces, invites, membership, events }: Ground, network: Network) {
  const joinWatch = new JoinWatch(clock);
  if (!options.discovery) return { discovery: null, joinWatch };
  const discovery = scope.own(
    openDiscovery({
      clock,
      log,
      interfaces,
      announce: () => ({ port: network.port, group: membership.group, joinOpen: invites.isOpen() }),
      onCandidate: ({ isMember, addresses }) => {
        if (isMember) network.peers.found(addresses);
        joinWatch.found();
      },
      onGone: () => undefined,
    }),
  );
  scope.defer(events.on('workgroup.changed', () => discovery.refresh()));
  return { discovery, joinWatch };
}

/** What this user's clients ask and see; the local door opens last, when there is an answer to everything. */
async function openDoors(
  ground: Ground,
  { files, printing, wire, network: net }: Parts & { readonly network: Awaited<ReturnType<typeof openNetwork>> },
): Promise<Agent> {
  const { options, scope, log, events, board, settings, identity, membership, remembered } = ground;
  const { network, space } = net;
  const { discovery, joinWatch } = openAnnouncement(ground, network);
  const remote = new RemoteShares(wire.call);
  const downloads = scope.own(openDownloads(ground, files, network, remote));
  const people = scope.own(
    new PeopleRows({
      ...ground,
      id: identity.id,
      clock,
      network,
      discovery: discovery !== null,
      rates: () => ({ down: downloads.rate, up: files.uploadRows.rate }),
      onDisk: (disk) => {
        space.now = disk;
        network.peers.infoChanged();
      },
      onReached: () => remembered.remember(network.peers.toRemember()),
    }),
  );
  scope.own(new Notices({ board, clock, events, membership, self: identity.id }));
  const peerNamed = (typed: string): PeerId => resolvePeer(typed, peopleOf(wire, identity.id, settings.get().name));
  const joinCandidates = (signal: AbortSignal): AsyncIterable<Address> => {
    if (discovery === null) return joinWatch.addresses(() => [], AbortSignal.abort());
    discovery.refresh();
    return joinWatch.addresses(() => discovery.candidates(), signal);
  };
  const handlers = {
    ...workgroupHandlers({
      ...ground,
      id: identity.id,
      logFile: options.paths.log,
      network,
      people,
      joinCandidates,
      peerNamed,
      onRenamed: () => printing.printers.renamed(),
    }),
    ...filesHandlers({ board, shares: files.shares, remote, downloads, peerNamed }),
    ...printingHandlers(printing, peerNamed),
  };
  scope.own(await openLocalServer({ paths: options.paths, board, handlers, clock, log }));
  for (const typed of options.peers) {
    network.connect(typed, scope.signal).catch(() => log.info('connect.failed'));
  }
  const { id, name, addresses } = people.self();
  return {
    ready: { id, name, port: network.port, addresses },
    rekeyed: whenRekeyed(ground),
    trouble: ground.trouble,
    close: () => scope.close(),
  };
}

function openDownloads(
  { database, board, events, settings, nameOf }: Ground,
  { hasher }: Files,
  network: Network,
  remote: RemoteShares,
): Downloads {
  return new Downloads({
    remote,
    openPieces: (peer, signal) => network.peers.openPieces(peer, signal),
    hasher,
    store: new TransferStore(database),
    reservations: new Reservations(),
    clock,
    board,
    events,
    nameOf,
    defaultTarget: () => settings.get().downloads,
  });
}

function whenRekeyed({ identity, events, scope }: Ground): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (identity.isRetired) resolve();
    };
    scope.defer(events.on('workgroup.changed', look));
    look();
  });
}

function portsToTry(told: number | null, remembered: number | null): number[] {
  if (told !== null) return [told];
  return [...new Set([...(remembered === null ? [] : [remembered]), ...DEFAULT_PORTS])];
}

/** Where it was thrown, without its message, which may quote a peer. */
function troubleFields(thrown: unknown): { error: string; at: string } {
  if (!(thrown instanceof Error)) return { error: typeof thrown, at: '' };
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const at = frames.slice(0, STACK_FRAMES_COUNT).map((line) => line.trim().replace(/\(?file:.*\/(?=[^/]+$)/, ''));
  return { error: thrown.name, at: at.join(' < ') };
}

const STACK_FRAMES_COUNT = 4;
