/** Rows of the board about this PC and its coworkers, kept as they are now. */
import { type PeerId, peerIdText } from '../../protocol/ids.js';
import type { PeerRow, SelfRow } from '../../protocol/local/model.js';
import { PROGRAM_VERSION } from '../../protocol/version.js';
import type { PeerState } from '../net/known-peer.js';
import type { Network } from '../net/network.js';
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import { diskSpace } from '../platform/disk.js';
import type { Events } from '../platform/events.js';
import type { Interfaces } from '../platform/interfaces.js';
import { type Closable, Scope } from '../platform/scope.js';
import type { SettingsStore } from '../platform/settings.js';
import type { Invites } from '../workgroup/invites.js';
import type { Membership } from '../workgroup/membership.js';

const DISK_INTERVAL_MS = 30_000;

export interface PeopleRowsOptions {
  readonly id: PeerId;
  readonly board: Board;
  readonly clock: Clock;
  readonly events: Events;
  readonly interfaces: Interfaces;
  readonly settings: SettingsStore;
  readonly membership: Membership;
  readonly invites: Invites;
  readonly network: Network;
  /** Whether this agent announces itself. */
  readonly discovery: boolean;
  /** Bytes a second, of all transfers. */
  readonly rates: () => { readonly down: number; readonly up: number };
  /** How much room there is on the volume that downloads go to; null when it cannot be told. */
  readonly onDisk: (disk: SelfRow['disk']) => void;
  /** Where coworkers are reached changed: what is to be remembered. */
  readonly onReached: () => void;
}

export class PeopleRows implements Closable {
  readonly #options: PeopleRowsOptions;
  readonly #startedAt: string;
  readonly #scope = new Scope();
  #cancelDisk: () => void = () => undefined;
  #disk: SelfRow['disk'] = null;

  constructor(options: PeopleRowsOptions) {
    const { clock, events, network, interfaces } = options;
    this.#options = options;
    this.#startedAt = new Date(clock.wallMs()).toISOString();
    for (const event of ['peer.online', 'peer.offline', 'peer.changed'] as const) {
      this.#scope.defer(events.on(event, ({ peer }) => this.#showPeer(peer)));
    }
    this.#scope.defer(events.on('workgroup.changed', () => this.showSelf()));
    this.#scope.defer(interfaces.onChange(() => this.showSelf()));
    this.#scope.defer(() => this.#cancelDisk());
    for (const { id } of network.peers.list()) this.#showPeer(id);
    this.showSelf();
    void this.#watchDisk();
  }

  self(): SelfRow {
    const { id, settings, membership, invites, interfaces, network, discovery, rates } = this.#options;
    const { name, downloads } = settings.get();
    const endsAt = invites.endsAt();
    const { down, up } = rates();
    return {
      id: peerIdText(id),
      name,
      workgroup: membership.id === null ? null : { id: membership.id, name: membership.name ?? '' },
      version: PROGRAM_VERSION,
      platform: process.platform,
      port: network.port,
      addresses: interfaces.addresses().map(({ address }) => placeText(address, network.port)),
      startedAt: this.#startedAt,
      discovery,
      inviteUntil: endsAt === null ? null : new Date(endsAt).toISOString(),
      downloads,
      disk: this.#disk,
      rateDown: down,
      rateUp: up,
    };
  }

  /** A coworker's row; null when it is no member any more. */
  row(peer: PeerId): PeerRow | null {
    const state = this.#options.network.peers.get(peer);
    return state === null ? null : peerRow(state);
  }

  /** To be called when something of this PC's own row changed. */
  showSelf(): void {
    this.#options.board.put('self', 'self', this.self());
  }

  async close(): Promise<void> {
    await this.#scope.close();
  }

  #showPeer(peer: PeerId): void {
    const { board, onReached } = this.#options;
    const row = this.row(peer);
    if (row === null) board.delete('peers', peerIdText(peer));
    else board.put('peers', row.id, row);
    onReached();
  }

  async #watchDisk(): Promise<void> {
    const { settings, clock, onDisk } = this.#options;
    const space = await diskSpace(settings.get().downloads, this.#scope.signal).catch(() => null);
    if (this.#scope.isClosed) return;
    this.#disk = space === null ? null : { free: space.free, total: space.total };
    onDisk(this.#disk);
    this.showSelf();
    this.#cancelDisk = clock.after(DISK_INTERVAL_MS, () => void this.#watchDisk());
  }
}

function placeText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function peerRow({ id, name, state, because, addresses, lastSeenMs, info }: PeerState): PeerRow {
  return {
    id: peerIdText(id),
    name,
    state,
    because,
    addresses: [...addresses],
    lastSeen: lastSeenMs === null ? null : new Date(lastSeenMs).toISOString(),
    version: info?.version ?? null,
    platform: info?.platform ?? null,
    disk: info?.disk ?? null,
    shares: info?.shares ?? 0,
    printers: info?.printers ?? 0,
    internet: info?.internet ?? false,
  };
}
