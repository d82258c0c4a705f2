/**
 * One agent: everything opened in its order, each part given what it needs of the others, and closed in reverse.
 *
 * Only wiring. A part that needs another one gets a function of it here.
 */
import path from 'node:path';
import { type PeerId, peerIdText } from '../protocol/ids.js';
import type { SelfRow } from '../protocol/local/model.js';
import type { LocalPaths } from '../protocol/local/paths.js';
import type { PeerCall } from '../protocol/peer/messages.js';
import { PROGRAM_VERSION } from '../protocol/version.js';
import { openLocalServer } from './api/local-server.js';
import { filesHandlers } from './api/local-files.js';
import { noPrinterHandlers } from './api/local-printing.js';
import { workgroupHandlers } from './api/local-workgroup.js';
import { peerNotes, peerRequests, sharesFor } from './api/peer-api.js';
import { peerRow } from './api/peer-row.js';
import { pieceDoor, streamDoor } from './api/stream-api.js';
import { resolvePeer } from './core/peer-name.js';
import { JoinWatch } from './discovery/join-watch.js';
import { openDiscovery } from './discovery/mdns.js';
import { openRememberedPeers } from './discovery/remembered-peers.js';
import { Network } from './net/network.js';
import { DEFAULT_PORTS } from './net/server.js';
import { Board } from './platform/board.js';
import { systemClock as clock } from './platform/clock.js';
import { diskSpace } from './platform/disk.js';
import { Events } from './platform/events.js';
import { createHasher } from './platform/hasher.js';
import { claimHome } from './platform/instance.js';
import { openInterfaces } from './platform/interfaces.js';
import { type LogLevel, openLog } from './platform/log.js';
import { Scope } from './platform/scope.js';
import { openSettings } from './platform/settings.js';
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
  /** For this start only; null for the one in the settings. */
  readonly name: string | null;
  /** 0 for any free one; null for the remembered or the default one. */
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

export interface Agent {
  readonly ready: {
    readonly id: string;
    readonly name: string;
    readonly port: number;
    readonly addresses: readonly string[];
  };
  /** Resolves when the key of this PC was given up (it left, or was removed) and the agent must be opened anew. */
  readonly rekeyed: Promise<void>;
  /** Something that nobody caught: logged. */
  trouble(event: string, thrown: unknown): void;
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const DISK_INTERVAL_MS = 30_000;

/** @throws PotluckError AGENT_RUNNING, UNSAFE_FILES, FAILED */
export async function openAgent(options: AgentOptions): Promise<Agent> {
  const scope = new Scope();
  try {
    return await open(options, scope);
  } catch (thrown) {
    await scope.close();
    throw thrown;
  }
}

async function open(options: AgentOptions, scope: Scope): Promise<Agent> {
  const { paths } = options;
  const { home } = paths;
  scope.own(claimHome(paths));
  const log = scope.own(openLog(paths.log, options.logLevel));
  const fault = (event: string, thrown: unknown): void => {
    log.error(event, { error: thrown instanceof Error ? thrown.name : 'unknown', at: placeOf(thrown) });
  };
  const events = new Events((thrown) => fault('listener.fault', thrown));
  const board = new Board();
  const settings = openSettings(home, log);
  if (options.name !== null) await settings.change({ name: options.name });

  const identity = await openIdentity(home);
  const membership = scope.own(await openMembership({ folder: home, identity, events, log, clock }));
  const rekeyed = new Promise<void>((resolve) => {
    const check = (): void => void (identity.isRetired && resolve());
    events.on('workgroup.changed', check);
    check();
  });
  const invites = scope.own(await openInvites({ folder: home, clock, events, log, workgroup: () => membership.id }));
  const remembered = scope.own(await openRememberedPeers({ folder: home, clock, log }));
  const only = options.loopback ? LOOPBACK : options.listen;
  const interfaces = scope.own(openInterfaces({ clock, only }));

  const database = scope.own(openDatabase(path.join(home, 'state.db'), [SHARE_TABLES, TRANSFER_TABLES], log));
  const contents = scope.own(new Contents(path.join(home, 'index.db'), log));
  const hasher = scope.own(createHasher());
  const nameOf = (peer: PeerId): string =>
    peer === identity.id ? settings.get().name : (network.peers.get(peer)?.name ?? peerIdText(peer).slice(0, 7));
  const uploadRows = scope.own(new UploadRows({ board, clock, nameOf }));
  const uploads = new Uploads(uploadRows, clock);
  const shares = scope.own(
    new LocalShares({
      database,
      contents,
      hasher,
      board,
      clock,
      home,
      onChanged: () => {
        network.peers.infoChanged();
        network.peers.tell('all', 'peer.changed', { what: 'shares' });
      },
    }),
  );

  let disk: { free: number; total: number } | null = null;
  const door = { shares, uploads, self: identity.id, onChanged: () => undefined };
  const handle = peerRequests(door);
  const network = await Network.open({
    identity,
    membership: Object.assign(membership, { recordPages: () => membership.pages() }),
    invites,
    events,
    clock,
    log,
    random: Math.random,
    listen: { ports: portsOf(options.port, settings.get().port), host: only },
    ownName: () => settings.get().name,
    isAcceptableRemote: (address) => interfaces.isAcceptableRemote(address, options.loopback),
    blocked: () => settings.get().blocked,
    remembered: remembered.all(),
    info: (peer) => ({
      version: PROGRAM_VERSION,
      platform: process.platform,
      disk,
      shares: sharesFor(shares, peer).length,
      printers: 0,
      internet: false,
      addresses: interfaces
        .addresses()
        .slice(0, 8)
        .map(({ address }) => ({ host: address, port: network.port })),
    }),
    handle,
    note: peerNotes(door),
    servePieces: pieceDoor(door),
    serveStream: streamDoor(),
  });
  scope.own(network);
  if (options.port !== 0) await settings.change({ port: network.port });

  const joinWatch = new JoinWatch();
  const discovery = options.discovery
    ? scope.own(
        openDiscovery({
          clock,
          log,
          interfaces,
          announce: () => ({ port: network.port, group: membership.group, joinOpen: invites.isOpen() }),
          onCandidate: (candidate) => {
            if (candidate.isMember) network.peers.found(candidate.addresses);
            joinWatch.found();
          },
          onGone: () => undefined,
        }),
      )
    : null;

  const call: PeerCall = async (peer, method, body, signal, onProgress) =>
    peer === identity.id
      ? ((await handle(peer, method, body, signal, onProgress ?? (() => undefined))) as never)
      : network.peers.call(peer, method, body, signal, onProgress);
  const remote = new RemoteShares(call);
  const downloads = scope.own(
    new Downloads({
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
    }),
  );

  const addresses = (): string[] => interfaces.addresses().map(({ address }) => `${address}:${network.port}`);
  const startedAt = new Date().toISOString();
  const self = (): SelfRow => ({
    id: peerIdText(identity.id),
    name: settings.get().name,
    workgroup: membership.id === null ? null : { id: membership.id, name: membership.name ?? '' },
    version: PROGRAM_VERSION,
    platform: process.platform,
    port: network.port,
    addresses: addresses(),
    startedAt,
    discovery: discovery !== null,
    inviteUntil: dateOf(invites.endsAt()),
    downloads: settings.get().downloads,
    disk,
    rateDown: downloads.rate,
    rateUp: uploadRows.rate,
  });
  const showSelf = (): void => board.put('self', 'self', self());
  const rowOf = (peer: PeerId) => {
    const state = network.peers.get(peer);
    return state === null ? null : peerRow(state);
  };
  const showPeer = (peer: PeerId): void => {
    const row = rowOf(peer);
    if (row === null) board.delete('peers', peerIdText(peer));
    else board.put('peers', row.id, row);
    remembered.remember(network.peers.toRemember());
  };
  for (const { id } of network.peers.list()) showPeer(id);
  for (const event of ['peer.online', 'peer.offline', 'peer.changed'] as const) {
    scope.defer(events.on(event, ({ peer }) => showPeer(peer)));
  }
  const regrouped = (): void => {
    discovery?.refresh();
    showSelf();
  };
  scope.defer(events.on('workgroup.changed', regrouped));
  scope.defer(
    interfaces.onChange(() => {
      network.peers.networkChanged();
      network.peers.infoChanged();
      showSelf();
    }),
  );
  let cancelDisk: (() => void) | null = null;
  const lookAtDisk = async (): Promise<void> => {
    const space = await diskSpace(settings.get().downloads, scope.signal).catch(() => null);
    disk = space === null ? null : { free: space.free, total: space.total };
    network.peers.infoChanged();
    showSelf();
    if (!scope.isClosed) cancelDisk = clock.after(DISK_INTERVAL_MS, () => void lookAtDisk());
  };
  scope.defer(() => cancelDisk?.());
  void lookAtDisk();

  const peerNamed = (typed: string): PeerId =>
    resolvePeer(typed, [...network.peers.list(), { id: identity.id, name: settings.get().name }]);
  const handlers = {
    ...workgroupHandlers({
      id: identity.id,
      home,
      logFile: paths.log,
      board,
      settings,
      membership,
      invites,
      network,
      joinCandidates: (signal) => {
        discovery?.refresh();
        return joinWatch.addresses(() => discovery?.candidates() ?? [], signal);
      },
      self,
      rowOf,
      peerNamed,
      renamed: () => {
        network.peers.infoChanged();
        showSelf();
      },
    }),
    ...filesHandlers({ board, shares, remote, downloads, peerNamed }),
    ...noPrinterHandlers(),
  };
  showSelf();
  scope.own(await openLocalServer({ paths, board, handlers, clock, log }));
  for (const typed of options.peers) {
    network.connect(typed, scope.signal).catch(() => log.info('connect.failed'));
  }
  return {
    ready: { id: peerIdText(identity.id), name: settings.get().name, port: network.port, addresses: addresses() },
    rekeyed,
    trouble: fault,
    close: () => scope.close(),
  };
}

function portsOf(told: number | null, remembered: number | null): number[] {
  if (told !== null) return [told];
  return remembered === null ? [...DEFAULT_PORTS] : [remembered, ...DEFAULT_PORTS];
}

/** Where it was thrown, without the message, which may quote a peer. */
function placeOf(thrown: unknown): string {
  const frames = thrown instanceof Error ? (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  return frames
    .slice(0, 4)
    .map((line) => line.trim().replace(/\(?file:.*\/(?=[^/]+$)/, ''))
    .join(' < ');
}

function dateOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
