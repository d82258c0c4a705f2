/**
 * Two PCs that print, without a network between them: what one asks goes through the schemas of the wire to the
 * other, and either can be cut off, killed at any write, and started again from its disk.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import * as v from 'valibot';
import { Board } from '../../agent/platform/board.js';
import type { Clock } from '../../agent/platform/clock.js';
import { Events } from '../../agent/platform/events.js';
import { silentLog } from '../../agent/platform/log.js';
import { PRINT_TABLES } from '../../agent/printing/print-store.js';
import { Printing } from '../../agent/printing/printing.js';
import { type Database, openDatabase } from '../../agent/storage/database.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { JobRow } from '../../protocol/local/model.js';
import { PEER_METHODS, type PeerCall, type PeerMethod } from '../../protocol/peer/messages.js';
import { JobReport } from '../../protocol/peer/printing.js';
import type { StreamOpen } from '../../protocol/peer/stream-open.js';
import { until } from '../support/process.js';
import type { Case } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';
import { fastClock } from './fast-clock.js';

export interface SideOptions {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

class Killed extends Error {
  override readonly name = 'Killed';
}

/** One PC. */
export class Side {
  readonly id: PeerId;
  readonly folder: string;
  readonly tray: string;
  readonly #options: SideOptions;
  #board = new Board();
  #events = new Events(() => undefined);
  #printing: Printing | null = null;
  #database: Database | null = null;
  #peer: Side | null = null;
  /** Writes until it dies; Infinity for never. */
  #killAt = { write: Number.POSITIVE_INFINITY, before: false };
  #writes = 0;
  #isDead = false;
  #isCut = false;
  readonly #streams = new Set<Duplex>();
  readonly died: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(t: Case, options: SideOptions) {
    this.#options = options;
    this.id = (options.name === 'ana' ? 'a' : 'b').repeat(64) as PeerId;
    this.folder = temporaryFolder(t);
    this.tray = path.join(this.folder, 'tray');
    mkdirSync(path.join(this.folder, 'home'), { mode: 0o700 });
    t.defer(() => this.stop());
  }

  get printing(): Printing {
    if (this.#printing === null) throw new Error(`${this.#options.name} does not run`);
    return this.#printing;
  }

  get board(): Board {
    return this.#board;
  }

  /** Dies at its `write`th write from now on, before or after it is on the disk; what it does then reaches nobody. */
  killAt(write: number, before: boolean): void {
    this.#writes = 0;
    this.#killAt = { write, before };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  async start(): Promise<void> {
    this.#isDead = false;
    this.#killAt = { write: Number.POSITIVE_INFINITY, before: false };
    this.#board = new Board();
    this.#events = new Events(() => undefined);
    this.#database = openDatabase(path.join(this.folder, 'state.db'), [PRINT_TABLES], silentLog);
    const peer = (): Side => {
      if (this.#peer === null) throw new Error('there is no peer');
      return this.#peer;
    };
    this.#printing = await Printing.open({
      home: path.join(this.folder, 'home'),
      database: this.#mortal(this.#database),
      board: this.#board,
      clock: this.#options.clock ?? fastClock,
      events: this.#events,
      log: silentLog,
      self: this.id,
      ownName: () => this.#options.name,
      nameOf: (id) => (id === this.id ? this.#options.name : peer().#options.name),
      online: () => (this.#canReach(peer()) ? [peer().id] : []),
      lastSeen: () => null,
      peerNamed: (typed) => (typed === this.#options.name ? this.id : peer().id),
      call: this.#call.bind(this) as PeerCall,
      openStream: (_peer, open, signal) => this.#openStream(open, signal),
      report: (_peer, report) => this.#tell(report),
      onChanged: () => undefined,
      env: { CUPS_SERVER: '/nowhere', ...this.#options.env },
      userHome: this.folder,
      user: 'tester',
      trayFolder: () => this.tray,
    });
  }

  /** Also the end of one that died: nothing of it goes on. */
  async stop(): Promise<void> {
    const wasAlive = !this.#isDead && this.#printing !== null;
    if (wasAlive) this.#peer?.lose(this);
    this.#isDead = true;
    for (const stream of this.#streams) stream.destroy();
    await this.#printing?.close();
    this.#printing = null;
    await this.#database?.close();
    this.#database = null;
  }

  meet(peer: Side): void {
    this.#peer = peer;
    peer.#peer = this;
    this.#see();
    peer.#see();
  }

  /** The cable is pulled out, for both, until `join`. */
  cut(): void {
    this.#isCut = true;
    for (const stream of this.#streams) stream.destroy(new PotluckError('PEER_OFFLINE', 'the link broke'));
    const peer = this.#peer;
    if (peer === null) return;
    this.lose(peer);
    peer.lose(this);
  }

  join(): void {
    this.#isCut = false;
    this.#see();
    if (this.#peer !== null) this.#peer.#see();
  }

  lose(peer: Side): void {
    if (this.#printing !== null) this.#events.emit('peer.offline', { peer: peer.id });
  }

  /** The row of a job here, once it is as wanted. */
  job(id: string, fits: (row: JobRow) => boolean, limitMs?: number): Promise<JobRow> {
    const last = (): JobRow | undefined => this.#board.get('jobs', id);
    return until(`job at ${this.#options.name}`, () => (fits(last() ?? EMPTY) ? last() : null), limitMs, 5).catch(
      () => {
        throw new Error(`the job at ${this.#options.name} is ${JSON.stringify(last())}`);
      },
    );
  }

  #see(): void {
    const peer = this.#peer;
    if (peer !== null && this.#printing !== null && this.#canReach(peer))
      this.#events.emit('peer.online', { peer: peer.id });
  }

  #canReach(peer: Side): boolean {
    return !this.#isCut && !peer.#isCut && !this.#isDead && !peer.#isDead && peer.#printing !== null;
  }

  async #call(peer: PeerId, method: PeerMethod, body: unknown, signal: AbortSignal): Promise<unknown> {
    const other = peer === this.id ? this : this.#peer;
    const isThere = (): boolean => other !== null && (other === this ? !this.#isDead : this.#canReach(other));
    if (other === null || !isThere()) throw offline();
    signal.throwIfAborted();
    const { input, output } = PEER_METHODS[method];
    const asked = v.parse(input, JSON.parse(JSON.stringify(body)));
    const answered = await other.#answer(this.id, method, asked, signal);
    if (!isThere()) throw offline();
    return v.parse(output, JSON.parse(JSON.stringify(answered)));
  }

  async #answer(peer: PeerId, method: PeerMethod, body: unknown, signal: AbortSignal): Promise<unknown> {
    const { spooler, printers } = this.printing;
    const { job, jobs } = body as { job: never; jobs: never };
    if (method === 'printers.list') return { printers: await printers.shared(() => true, signal) };
    if (method === 'job.offer') return spooler.offer(peer, body as never, signal);
    if (method === 'job.commit') return { report: await spooler.commit(job) };
    if (method === 'job.cancel') return { report: await spooler.cancel(job, 'requester', signal) };
    if (method === 'job.states') return { reports: spooler.states(peer, jobs) };
    throw new PotluckError('UNSUPPORTED', method);
  }

  async #openStream({ job, offset }: StreamOpen, signal: AbortSignal): Promise<Duplex> {
    const peer = this.#peer;
    if (peer === null || !this.#canReach(peer)) throw offline();
    const [near, far] = duplexPair();
    for (const [side, end] of [
      [this, near],
      [peer, far],
    ] as const) {
      side.#streams.add(end);
      end.on('error', () => undefined);
      end.once('close', () => {
        side.#streams.delete(end);
        near.destroy();
        far.destroy();
      });
    }
    signal.addEventListener('abort', () => near.destroy(), { once: true });
    peer.printing.spooler.receive(job, offset, far).catch((thrown: unknown) => far.destroy(thrown as Error));
    return near;
  }

  #tell(report: JobReport): void {
    const peer = this.#peer;
    const told = v.parse(JobReport, JSON.parse(JSON.stringify(report)));
    if (peer === null || !this.#canReach(peer)) return;
    try {
      peer.printing.onReport(this.id, told);
    } catch (thrown) {
      // Whether the other PC can take a note is nothing that this one would hear of.
      if (!(thrown instanceof Killed)) throw thrown;
    }
  }

  /** The database, until this PC dies: then nothing reaches the disk any more. */
  #mortal(database: Database): Database {
    const prepare = (statement: string): unknown => {
      const real = database.sql.prepare(statement);
      return {
        get: (...values: never[]) => real.get(...values),
        all: (...values: never[]) => real.all(...values),
        run: (...values: never[]) => this.#write(() => real.run(...values)),
      };
    };
    return { ...database, sql: { prepare } as never };
  }

  #write(write: () => unknown): unknown {
    if (this.#isDead) throw new Killed();
    this.#writes += 1;
    const isLast = this.#writes >= this.#killAt.write;
    if (isLast && this.#killAt.before) return this.#die();
    const result = write();
    return isLast ? this.#die() : result;
  }

  #die(): never {
    this.#isDead = true;
    for (const stream of this.#streams) stream.destroy(new PotluckError('PEER_OFFLINE', 'the PC died'));
    this.#peer?.lose(this);
    this.died.resolve();
    throw new Killed();
  }
}

const EMPTY = {} as JobRow;

function offline(): PotluckError {
  return new PotluckError('PEER_OFFLINE', 'the coworker is offline');
}

/** Ana, who prints, and Bruno, whose printers they are. */
export async function openSides(
  t: Case,
  bruno: Omit<SideOptions, 'name'> = {},
  ana: Omit<SideOptions, 'name'> = {},
): Promise<{ ana: Side; bruno: Side }> {
  const sides = { ana: new Side(t, { name: 'ana', ...ana }), bruno: new Side(t, { name: 'bruno', ...bruno }) };
  await sides.bruno.start();
  await sides.ana.start();
  sides.ana.meet(sides.bruno);
  return sides;
}
