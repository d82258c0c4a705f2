/**
 * One mDNS socket: listens and speaks at one IPv4 address of this PC. The only file that knows bonjour-service.
 *
 * The package is used for its sockets, its records and its responder, and kept from what it would do beyond them:
 *  - its browser keeps every name that anybody sends and never forgets one, so packets are read here;
 *  - it takes the addresses of all interfaces, the host's name and, for a new TXT record, a probe or a flapping
 *    announcement: a service of ours says one address, a random host, and replaces the old one silently;
 *  - it answers every question of a packet with a multicast, so one packet could ask for hundreds: answers are few;
 *  - a socket without `bind` hears nothing, one that could not join the group would speak on another network, one whose
 *    port is taken would end the process, and errors are thrown.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { EventEmitter } from 'node:events';
import BonjourService from 'bonjour-service';
import { announcementTxt, type InstanceName, SERVICE_DOMAIN, SERVICE_TYPE } from '../../protocol/discovery.js';
import {
  DISCOVERY_ANSWERS_BURST_MAX_COUNT,
  DISCOVERY_ANSWERS_PER_SECOND_MAX_COUNT,
  DISCOVERY_PACKETS_BURST_MAX_COUNT,
  DISCOVERY_PACKETS_PER_SECOND_MAX_COUNT,
} from '../../protocol/limits.js';
import { TokenBucket } from '../core/token-bucket.js';
import type { Clock } from '../platform/clock.js';
import { type Question, readQuestions } from './packet.js';

/** RFC 6762 §10: records that hold a host's name or address. */
const HOST_TTL_SECONDS = 120;
/** A goodbye that the system does not send by then is not sent. */
const CLOSE_MAX_MS = 300;
/** RFC 6763 §9: where all types of service are listed. */
const TYPES_DOMAIN = '_services._dns-sd._udp.local';
const PAUSED_ANSWER_MS = 1000 / DISCOVERY_ANSWERS_PER_SECOND_MAX_COUNT;

export interface Announcement {
  readonly instance: InstanceName;
  readonly port: number;
  readonly tag: string;
  readonly isJoinOpen: boolean;
}

export interface StationOptions {
  /** Of this PC, IPv4. */
  readonly address: string;
  /** UDP; 5353 but in tests. */
  readonly port: number;
  readonly clock: Clock;
  /** A response of anybody, also of this PC itself, not yet read. */
  onResponse(packet: unknown, source: string): void;
  /** Somebody, perhaps this PC, asked for agents. */
  onQuery(source: string): void;
  /** The socket is of no use: its port is taken, or it may not be opened. */
  onFailure(code: string): void;
  /** Something was wrong that does not matter by itself. */
  onTrouble(kind: 'packet' | 'socket' | 'send', code: string): void;
  /** More packets come than are worth reading. */
  onFlood(): void;
}

type Responder = { register(records: unknown): void; unregister(records: unknown): void };
/** What bonjour-service does not show: one cast stands for all of it. */
interface Inside {
  readonly server: Responder & { readonly mdns: Mdns; respondToQuery(query: { questions: readonly Question[] }): void };
  readonly registry: {
    announce(server: Responder, service: OwnService): void;
    teardown(server: Responder, service: OwnService, done: () => void): void;
  };
}
interface Mdns extends EventEmitter {
  query(name: string, type: string, done: (error?: Error | null) => void): void;
}

export class Station {
  readonly address: string;
  readonly #options: StationOptions;
  readonly #bonjour: BonjourService;
  readonly #inside: Inside;
  readonly #packets: TokenBucket;
  readonly #answers: TokenBucket;
  #service: OwnService | null = null;
  #announced = '';
  #stopAnswer: (() => void) | null = null;
  #closed: Promise<void> | null = null;

  /** Opens the socket; whether that succeeds is seen later. */
  constructor(options: StationOptions) {
    const { address, port, clock } = options;
    this.address = address;
    this.#options = options;
    this.#packets = new TokenBucket(
      DISCOVERY_PACKETS_PER_SECOND_MAX_COUNT,
      DISCOVERY_PACKETS_BURST_MAX_COUNT,
      clock.nowMs(),
    );
    this.#answers = new TokenBucket(
      DISCOVERY_ANSWERS_PER_SECOND_MAX_COUNT,
      DISCOVERY_ANSWERS_BURST_MAX_COUNT,
      clock.nowMs(),
    );
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.once('listening', () => this.#speakAt(socket, address));
    // These are options of multicast-dns, which the types of bonjour-service do not know.
    const inside: object = { socket, interface: address, bind: '0.0.0.0', port };
    this.#bonjour = new BonjourService(inside, (error: unknown) => options.onTrouble('send', codeOf(error)));
    this.#inside = this.#bonjour as unknown as Inside;
    this.#listen(this.#inside.server.mdns);
  }

  /**
   * Makes packets leave at this address. The package does it only where it could join the group; otherwise they would
   * leave by the default route, where perhaps nobody is to hear of this PC.
   */
  #speakAt(socket: Socket, address: string): void {
    try {
      socket.setMulticastInterface(address);
    } catch (thrown) {
      // Until it is closed it speaks to this PC only; closed later, because the package is still setting it up.
      socket.setMulticastInterface('127.0.0.1');
      setImmediate(() => {
        if (this.#closed === null) this.#options.onFailure(codeOf(thrown));
      });
    }
  }

  /** Says this from now on, or nothing. */
  announce(announcement: Announcement | null): void {
    const wanted = announcement === null ? '' : JSON.stringify(announcement);
    if (wanted === this.#announced || this.#closed !== null) return;
    this.#announced = wanted;
    const { server, registry } = this.#inside;
    if (this.#service !== null) {
      if (announcement?.instance !== this.#service.name) this.#sayGoodbye(nothing);
      else {
        // Without a goodbye: peers see one change and no gap.
        this.#service.destroyed = true;
        server.unregister(this.#service.records());
      }
    }
    this.#service = announcement === null ? null : new OwnService(announcement, this.address);
    if (this.#service !== null) registry.announce(server, this.#service);
  }

  /** Asks who is there. */
  query(): void {
    if (this.#closed !== null) return;
    this.#inside.server.mdns.query(SERVICE_DOMAIN, 'PTR', (error) => {
      if (error) this.#trouble('send', error);
    });
  }

  /** Idempotent. @param goodbye  tell the others that this PC is gone from here */
  close(goodbye: boolean): Promise<void> {
    this.#closed ??= this.#close(goodbye);
    return this.#closed;
  }

  async #close(goodbye: boolean): Promise<void> {
    this.#stopAnswer?.();
    const { clock } = this.#options;
    await within(clock, (done) => (goodbye ? this.#sayGoodbye(done) : done()));
    if (this.#service !== null) this.#service.destroyed = true;
    await within(clock, (done) => this.#bonjour.destroy(done));
  }

  #sayGoodbye(done: () => void): void {
    if (this.#service === null) {
      done();
      return;
    }
    this.#service.isLeaving = true;
    this.#inside.registry.teardown(this.#inside.server, this.#service, done);
  }

  #listen(mdns: Mdns): void {
    mdns.on('error', (error: unknown) => {
      if (this.#closed === null) this.#options.onFailure(codeOf(error));
    });
    mdns.on('warning', (error: unknown) => {
      // Also what cannot be decoded costs time.
      this.#count();
      this.#trouble(error instanceof Error && 'syscall' in error ? 'socket' : 'packet', error);
    });
    mdns.on('packet', () => this.#count());
    this.#guarded(mdns, 'response', (packet, source) => this.#options.onResponse(packet, source));
    // The responder of the package would answer whatever it is asked, each question with a packet.
    mdns.removeAllListeners('query');
    this.#guarded(mdns, 'query', (packet, source) => this.#asked(packet, source));
  }

  /** What a packet makes go wrong stays with that packet. */
  #guarded(mdns: Mdns, event: string, read: (packet: unknown, source: string) => void): void {
    mdns.on(event, (packet: unknown, remote: { readonly address: string }) => {
      if (this.#closed !== null) return;
      try {
        read(packet, remote.address);
      } catch (thrown) {
        this.#trouble('packet', thrown);
      }
    });
  }

  #asked(packet: unknown, source: string): void {
    const service = this.#service;
    const own = service === null ? [] : [service.fqdn, service.host, TYPES_DOMAIN];
    const questions = readQuestions(packet, [SERVICE_DOMAIN, ...own.map((name) => name.toLowerCase())]);
    if (questions.some(({ name }) => name === SERVICE_DOMAIN)) this.#options.onQuery(source);
    if (service === null || questions.length === 0) return;
    if (this.#answers.take(this.#options.clock.nowMs())) {
      this.#inside.server.respondToQuery({ questions });
      return;
    }
    // Asked too often: all those who ask meanwhile are answered once, a little later.
    this.#stopAnswer ??= this.#options.clock.after(PAUSED_ANSWER_MS, () => {
      this.#stopAnswer = null;
      this.#inside.server.respondToQuery({ questions: [{ name: SERVICE_DOMAIN, type: 'PTR' }] });
    });
  }

  #count(): void {
    if (this.#closed === null && !this.#packets.take(this.#options.clock.nowMs())) this.#options.onFlood();
  }

  #trouble(kind: 'packet' | 'socket' | 'send', thrown: unknown): void {
    if (this.#closed === null) this.#options.onTrouble(kind, codeOf(thrown));
  }
}

/** Records of this PC: a random name for itself and for its host, and the one address of its station. */
class OwnService extends BonjourService.Service {
  isLeaving = false;
  readonly #address: string;

  constructor(announcement: Announcement, address: string) {
    const { instance, port, tag, isJoinOpen } = announcement;
    const txt = announcementTxt(tag, isJoinOpen);
    super({ name: instance, type: SERVICE_TYPE, port, host: `${instance}.local`, txt, probe: false }, nothing, nothing);
    this.#address = address;
    // Without this the registry takes the service for a stopped one and does not announce it.
    this.activated = true;
  }

  override records(): ReturnType<BonjourService.Service['records']> {
    // Whoever leaves does not take the type of service away from the others.
    const isOurs = (record: { type: string; name: string }): boolean =>
      record.type !== 'A' && record.type !== 'AAAA' && !(this.isLeaving && record.name === TYPES_DOMAIN);
    const address = { name: this.host, type: 'A' as const, ttl: HOST_TTL_SECONDS, data: this.#address };
    return [...super.records().filter(isOurs), address];
  }
}

const nothing = (): void => undefined;

/** Calls something that may never call back, for instance because its socket was not open yet. */
function within(clock: Clock, call: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(CLOSE_MAX_MS, resolve);
    call(() => {
      cancel();
      resolve();
    });
  });
}

/** A system's code such as EADDRINUSE; never the text, which may be a packet's. */
function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : '';
}
