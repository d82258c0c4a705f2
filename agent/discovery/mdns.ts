/**
 * Discovery: announces this agent on every network it is on, and tells who else of its workgroup, or who with an open
 * invitation, announces itself there.
 *
 * What is found is a hint where to dial and nothing more: everything here may be forged, so it is bounded, rated and
 * never a reason to end a link. Of this PC it shows a random name, new every day. SPEC.md, "Discovery".
 */
import { randomBytes } from 'node:crypto';
import { discoveryKey, discoveryTag, type InstanceName, makeInstanceName } from '../../protocol/discovery.js';
import { DISCOVERY_ADDRESSES_MAX_COUNT, DISCOVERY_PAUSE_MS, DISCOVERY_ROTATE_MS } from '../../protocol/limits.js';
import { sameMac } from '../../protocol/mac.js';
import type { Clock } from '../platform/clock.js';
import { type Interfaces, type OwnAddress, plainAddress } from '../platform/interfaces.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';
import { type Candidate, Candidates } from './candidates.js';
import { readResponse } from './packet.js';
import { QuerySchedule } from './query-schedule.js';
import { QuietLog } from './quiet-log.js';
import { type Announcement, Station } from './station.js';

const MDNS_PORT = 5353;
const TICK_MS = 500;
/** A port that another program holds alone is tried again after so long. */
const RETRY_MS = 10_000;
/** A socket that hears not even its own queries has lost its membership of the multicast group (or a firewall acts). */
const DEAF_QUERIES_COUNT = 3;
const DEAF_RETRY_MS = 5 * 60_000;

export interface DiscoveryOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Announced is each IPv4 address of these; also loopback, when they are opened for that address only. */
  readonly interfaces: Interfaces;
  /** What is to be said now; asked at the start and at each `refresh`. Nothing is said while `group` is null. */
  announce(): { readonly port: number; readonly group: Uint8Array | null; readonly joinOpen: boolean };
  /** Somebody is new, or its addresses or its state changed. */
  onCandidate(candidate: Candidate): void;
  /** It said goodbye, was silent for too long, or concerns this PC no more. */
  onGone(instance: string): void;
  /** UDP; only tests use another port than mDNS. */
  readonly port?: number;
}

export interface Discovery extends Closable {
  /** The workgroup, an invitation or the port changed, or somebody wants to see who is there now. */
  refresh(): void;
  candidates(): Candidate[];
}

/** One address of this PC, and its socket while it has one. */
interface Post {
  readonly own: OwnAddress;
  station: Station | null;
  /** Monotonic ms: not opened again before. */
  notBeforeMs: number;
  /** Closed because too much came; then silence says nothing about the others. */
  isFlooded: boolean;
  queries: QuerySchedule;
  unheardQueries: number;
  /** Monotonic ms: not taken for deaf again before. */
  deafNotBeforeMs: number;
}

/** Never fails: a network that carries no multicast is one on which nobody is found. */
export function openDiscovery(options: DiscoveryOptions): Discovery {
  return new MdnsDiscovery(options);
}

class MdnsDiscovery implements Discovery {
  readonly #options: DiscoveryOptions;
  readonly #quiet: QuietLog;
  readonly #candidates: Candidates;
  readonly #posts = new Map<string, Post>();
  readonly #closing = new Set<Promise<void>>();
  readonly #unsubscribe: () => void;
  #instance: InstanceName = makeInstanceName(randomBytes);
  /** Packets of the day before may still be under way. */
  #lastInstance: InstanceName | null = null;
  #rotateAtMs: number;
  #group: Uint8Array | null = null;
  #key: Uint8Array | null = null;
  #stopTick: () => void = () => undefined;
  #closed: Promise<void> | null = null;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    const { clock, log, interfaces } = options;
    this.#quiet = new QuietLog(log.part('discovery'), clock);
    this.#candidates = new Candidates((host, source) => this.#isDialable(host, source));
    this.#rotateAtMs = clock.nowMs() + DISCOVERY_ROTATE_MS;
    this.#unsubscribe = interfaces.onChange(() => this.#sync());
    this.#readGroup();
    this.#sync();
    this.#tick();
  }

  refresh(): void {
    if (this.#closed !== null) return;
    this.#readGroup();
    for (const post of this.#posts.values()) {
      post.station?.announce(this.#announcement());
      post.queries.hasten(this.#options.clock.nowMs());
    }
    this.#query();
  }

  candidates(): Candidate[] {
    return this.#candidates.list();
  }

  /** Says goodbye on every network. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#unsubscribe();
      this.#stopTick();
      for (const post of this.#posts.values()) this.#shut(post, true);
      await Promise.all(this.#closing);
      this.#candidates.clear();
    })();
    return this.#closed;
  }

  #tick(): void {
    if (this.#closed !== null) return;
    const { clock } = this.#options;
    this.#stopTick = clock.after(TICK_MS, () => this.#tick());
    const nowMs = clock.nowMs();
    if (nowMs >= this.#rotateAtMs) this.#rotate(nowMs);
    for (const post of this.#posts.values()) {
      if (post.station === null && nowMs >= post.notBeforeMs) this.#openStation(post);
    }
    this.#query();
    this.#expire(nowMs);
  }

  /** A post is an address of this PC; the same address at other hardware is another post. */
  #sync(): void {
    if (this.#closed !== null) return;
    const nowMs = this.#options.clock.nowMs();
    const wanted = this.#options.interfaces
      .addresses()
      .filter(({ family }) => family === 'ipv4')
      .slice(0, DISCOVERY_ADDRESSES_MAX_COUNT);
    for (const [key, post] of this.#posts) {
      if (wanted.some((own) => keyOf(own) === key)) continue;
      // No goodbye: there is no network any more to say it on, and the others hear the new address.
      this.#shut(post, false);
      this.#posts.delete(key);
    }
    for (const own of wanted) {
      if (this.#posts.has(keyOf(own))) continue;
      const post: Post = {
        own,
        station: null,
        notBeforeMs: nowMs,
        isFlooded: false,
        queries: new QuerySchedule(nowMs),
        unheardQueries: 0,
        deafNotBeforeMs: nowMs,
      };
      this.#posts.set(keyOf(own), post);
      this.#openStation(post);
    }
    this.#query();
  }

  #openStation(post: Post): void {
    const { clock, port = MDNS_PORT } = this.#options;
    const station: Station = new Station({
      address: post.own.address,
      port,
      clock,
      onResponse: (packet, source) => {
        post.unheardQueries = 0;
        this.#heard(packet, source);
      },
      onQuery: (source) => {
        post.unheardQueries = 0;
        // A socket also hears the packets of this PC's other networks.
        if (isInNetworkOf(post.own, source)) post.queries.heard(clock.nowMs());
      },
      onFailure: (code) => {
        this.#quiet.warn('socket.failed', code);
        this.#pause(post, station, RETRY_MS);
      },
      onTrouble: (kind, code) => this.#quiet.warn(`${kind}.trouble`, code),
      onFlood: () => {
        this.#quiet.warn('flood', '');
        if (post.station === station) post.isFlooded = true;
        this.#pause(post, station, DISCOVERY_PAUSE_MS);
      },
    });
    const nowMs = clock.nowMs();
    if (post.isFlooded) this.#candidates.forgive(nowMs);
    post.isFlooded = false;
    post.station = station;
    post.unheardQueries = 0;
    post.queries = new QuerySchedule(nowMs);
    station.announce(this.#announcement());
  }

  #pause(post: Post, station: Station, ms: number): void {
    if (post.station !== station) return;
    this.#shut(post, false);
    post.notBeforeMs = this.#options.clock.nowMs() + ms;
  }

  #shut(post: Post, goodbye: boolean): void {
    if (post.station === null) return;
    const closing = post.station.close(goodbye).catch(() => this.#quiet.warn('close.failed', ''));
    post.station = null;
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  #query(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const post of this.#posts.values()) {
      if (post.station === null || !post.queries.isDue(nowMs)) continue;
      if (post.unheardQueries >= DEAF_QUERIES_COUNT && nowMs >= post.deafNotBeforeMs) {
        this.#quiet.warn('deaf', '');
        post.deafNotBeforeMs = nowMs + DEAF_RETRY_MS;
        this.#pause(post, post.station, 0);
        continue;
      }
      post.queries.sent(nowMs, Math.random());
      post.unheardQueries += 1;
      post.station.query();
    }
  }

  #heard(packet: unknown, source: string): void {
    const { sightings, goodbyes } = readResponse(packet);
    for (const instance of goodbyes) {
      if (this.#candidates.goodbye(instance, source)) this.#options.onGone(instance);
    }
    for (const sighting of sightings) {
      if (sighting.instance === this.#instance || sighting.instance === this.#lastInstance) continue;
      const seen = this.#candidates.see(sighting, source, this.#options.clock.nowMs());
      if (seen === 'full') this.#quiet.warn('candidates.full', '');
      if (seen === 'gone') this.#options.onGone(sighting.instance);
      if (seen === 'new' || seen === 'changed') this.#tell(sighting.instance);
    }
  }

  #expire(nowMs: number): void {
    if ([...this.#posts.values()].some((post) => post.isFlooded)) return;
    const { gone, changed } = this.#candidates.expire(nowMs);
    for (const instance of gone) this.#options.onGone(instance);
    for (const instance of changed) this.#tell(instance);
  }

  #tell(instance: InstanceName): void {
    const candidate = this.#candidates.get(instance);
    if (candidate !== null) this.#options.onCandidate(candidate);
  }

  /** Another name for a new day, so that a PC cannot be followed by its announcements. */
  #rotate(nowMs: number): void {
    this.#rotateAtMs = nowMs + DISCOVERY_ROTATE_MS;
    this.#lastInstance = this.#instance;
    this.#instance = makeInstanceName(randomBytes);
    for (const post of this.#posts.values()) post.station?.announce(this.#announcement());
  }

  #readGroup(): void {
    const { group } = this.#options.announce();
    if (this.#group === group || (this.#group !== null && group !== null && sameMac(this.#group, group))) return;
    this.#group = group;
    this.#key = group === null ? null : discoveryKey(group);
    for (const instance of this.#candidates.setKey(this.#key)) this.#options.onGone(instance);
    for (const { instance } of this.#candidates.list()) this.#tell(instance);
  }

  #announcement(): Announcement | null {
    const { port, joinOpen } = this.#options.announce();
    if (this.#key === null || port === 0) return null;
    const tag = discoveryTag(this.#key, this.#instance);
    return { instance: this.#instance, port, tag, isJoinOpen: joinOpen };
  }

  /** Where a packet came from is taken as it is; an address that it claims must not be one of this PC. */
  #isDialable(host: string, source: string): boolean {
    const { interfaces } = this.#options;
    const own = interfaces.addresses();
    const onLoopback = own.some(({ address }) => address.startsWith('127.'));
    if (host !== source && own.some(({ address }) => address === host)) return false;
    return plainAddress(host) === host && interfaces.isAcceptableRemote(host, onLoopback);
  }
}

function keyOf({ address, mac }: OwnAddress): string {
  return `${address} ${mac}`;
}

function isInNetworkOf({ address, prefix }: OwnAddress, source: string): boolean {
  const size = 2 ** (32 - prefix);
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(source) / size);
}

/** An IPv4 address as the number that it is. */
function numberOf(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}
