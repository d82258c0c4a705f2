/**
 * The printers of this PC: the queues of its print system, network printers and trays that were added, and
 * which of them are lent to whom.
 *
 * Nothing found in the network becomes a printer by itself: a person adds it. How each printer is, is looked
 * at while somebody looks or a job is on its way, and at no other time. Who may print is only kept here; the
 * peer doors decide by it.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Board } from '../platform/board.js';
import { type Clock, withDeadline } from '../platform/clock.js';
import type { Closable } from '../platform/scope.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId, PrinterId } from '../../protocol/ids.js';
import { PRINTERS_MAX_COUNT } from '../../protocol/limits.js';
import type { PrinterRow } from '../../protocol/local/model.js';
import { collisionKey } from '../../protocol/path.js';
import type { PeerPrinter } from '../../protocol/peer/printing.js';
import { safe } from '../../protocol/text.js';
import type { OwnPrinter, PrintStore } from './print-store.js';
import { freePrinterName, printerRow, UNKNOWN_FACTS } from './printer-row.js';
import type { Cups } from './systems/cups.js';
import { NetworkPrinter } from './systems/network-ipp.js';
import type { PrinterFacts, SystemPrinter } from './systems/system.js';
import { Tray } from './systems/tray.js';

export interface LocalPrintersOptions {
  readonly store: PrintStore;
  readonly cups: Pick<Cups, 'printers' | 'printer'>;
  readonly board: Board;
  readonly clock: Clock;
  readonly self: PeerId;
  /** How this PC is called. */
  readonly ownName: () => string;
  /** Whose jobs are in the print systems. */
  readonly user: string;
  /** Where a tray is made unless told, absolute. */
  readonly trayFolder: () => string;
  /** Told when what coworkers see of the shared printers may have changed. */
  readonly onChanged: () => void;
}

/** A printer of this PC, for the doors: `only` names who may print when it is not empty. */
export interface LocalPrinter {
  readonly id: PrinterId;
  readonly name: string;
  readonly uri: string;
  readonly shared: boolean;
  readonly only: readonly PeerId[];
  readonly except: readonly PeerId[];
}

interface Entry {
  readonly system: SystemPrinter;
  stored: OwnPrinter | null;
  /** Null until the first look, and while it cannot be reached. */
  facts: PrinterFacts | null;
}

const LOOK_INTERVAL_MS = 2000;
/** How old a look may be that still answers. */
const FRESH_MS = 1000;
/** How long one look keeps the next ones coming. */
const INTEREST_MS = 20_000;
const LOOK_MAX_MS = 6000;
/** Whoever asks for the list gets what is known by then. */
const LIST_MAX_MS = 2500;
const ADD_MAX_MS = 15_000;

export class LocalPrinters implements Closable {
  readonly #options: LocalPrintersOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new AbortController();
  #looking: Promise<void> | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #interestMs = Number.NEGATIVE_INFINITY;
  #attending = 0;
  #cancelLook: (() => void) | null = null;

  constructor(options: LocalPrintersOptions) {
    this.#options = options;
    for (const stored of options.store.ownPrinters()) this.#entries.set(stored.uri, this.#entryOf(stored));
    this.#show();
  }

  async close(): Promise<void> {
    this.#cancelLook?.();
    this.#cancelLook = null;
    this.#closing.abort();
    await this.#looking;
  }

  /** Somebody looks at printers, or a job is on its way: they are looked at every other second until released. */
  attend(): () => void {
    this.#attending += 1;
    this.#keepLooking();
    let isOver = false;
    return () => {
      if (!isOver) this.#attending -= 1;
      isOver = true;
    };
  }

  /** Every printer of this PC, after a look that takes no longer than a person waits. */
  async list(signal: AbortSignal): Promise<PrinterRow[]> {
    await this.#look(signal);
    return [...this.#entries.values()].map((entry) => this.#rowOf(entry));
  }

  /** The shared ones that `mayPrint` lets through, as coworkers are told of them. */
  async shared(mayPrint: (printer: LocalPrinter) => boolean, signal: AbortSignal): Promise<PeerPrinter[]> {
    await this.#look(signal);
    const told: PeerPrinter[] = [];
    for (const { stored, facts } of this.#entries.values()) {
      if (stored?.shared !== true || !mayPrint(forDoor(stored))) continue;
      const { formats, ...others } = facts ?? UNKNOWN_FACTS;
      told.push({ ...others, id: stored.id, name: stored.name as PeerPrinter['name'], formats: [...formats] });
    }
    return told;
  }

  /** How many a coworker sees. */
  countShared(mayPrint: (printer: LocalPrinter) => boolean): number {
    return [...this.#entries.values()].filter(({ stored }) => stored?.shared === true && mayPrint(forDoor(stored)))
      .length;
  }

  /** @returns null when this PC has no such printer */
  byId(id: PrinterId): LocalPrinter | null {
    const stored = [...this.#entries.values()].find((entry) => entry.stored?.id === id)?.stored;
    return stored ? forDoor(stored) : null;
  }

  /** What prints for this address; null when the printer was removed. */
  system(uri: string): SystemPrinter | null {
    const known = this.#entries.get(uri)?.system;
    if (known !== undefined) return known;
    return uri.startsWith('cups:') ? this.#options.cups.printer(uri.slice('cups:'.length)) : null;
  }

  /** What was last seen of it. */
  facts(uri: string): PrinterFacts | null {
    return this.#entries.get(uri)?.facts ?? null;
  }

  /** A printer by its name or address, with an id, so that it can be printed on. @throws PotluckError PRINTER_UNKNOWN */
  async byName(typed: string, signal: AbortSignal): Promise<LocalPrinter> {
    return forDoor(this.#ensure(await this.#find(typed, signal)));
  }

  /**
   * Lends a printer. `tray` makes a tray where there is none of this name.
   * @throws PotluckError PRINTER_UNKNOWN, QUOTA
   */
  async share(typed: string, only: readonly PeerId[], signal: AbortSignal): Promise<PrinterRow> {
    await this.#look(signal);
    const wantsTray = typed.toLowerCase() === 'tray' && this.#lookup(typed) === null;
    const entry = wantsTray ? this.#addTray(this.#options.trayFolder(), null) : await this.#find(typed, signal);
    this.#keep(entry, { ...this.#ensure(entry), shared: true, only: [...new Set(only)] });
    await this.#lookAt(entry, signal);
    return this.#rowOf(entry);
  }

  /** @throws PotluckError PRINTER_UNKNOWN */
  async unshare(typed: string, signal: AbortSignal): Promise<PrinterRow> {
    const entry = await this.#find(typed, signal);
    if (entry.stored !== null) this.#keep(entry, { ...entry.stored, shared: false, only: [] });
    return this.#rowOf(entry);
  }

  /**
   * Adds a network printer (`ipp://`, `ipps://`), which has to answer, or a tray (`tray:FOLDER`).
   * @throws PotluckError USAGE, NAME_INVALID, ALREADY_EXISTS, QUOTA, FORMAT_UNSUPPORTED, PRINTER_FAILED, TIMEOUT
   */
  async add(uri: string, name: string | null, signal: AbortSignal): Promise<PrinterRow> {
    if (uri.startsWith('tray:')) return this.#rowOf(this.#addTray(uri.slice('tray:'.length), name));
    const certificate: { pinned: string | null } = { pinned: null };
    const system = this.#network(uri, certificate);
    const facts = await withDeadline(ADD_MAX_MS, signal, (until) => system.facts(until));
    if (facts.formats.length === 0) {
      throw new PotluckError('FORMAT_UNSUPPORTED', 'this printer takes neither PDF nor JPEG, PNG or text as they are', {
        hint: 'add it to the print system of this PC and share it from there',
      });
    }
    const entry = this.#add(system, name);
    entry.facts = facts;
    this.#keep(entry, { ...this.#ensure(entry), certificate: certificate.pinned });
    return this.#rowOf(entry);
  }

  /** Forgets a printer that was added; a queue of the print system stays in it. @throws PotluckError PRINTER_UNKNOWN, USAGE */
  async remove(typed: string, signal: AbortSignal): Promise<PrinterRow> {
    const entry = await this.#find(typed, signal);
    if (entry.stored?.added !== true) {
      throw new PotluckError('USAGE', `${safe(typed)} belongs to the print system of this PC`, {
        hint: `potluck printer unshare '${safe(typed)}'`,
      });
    }
    const row = this.#rowOf(entry);
    this.#options.store.removeOwnPrinter(entry.system.uri);
    this.#entries.delete(entry.system.uri);
    this.#options.board.delete('printers', entry.system.uri);
    this.#options.onChanged();
    return { ...row, shared: false };
  }

  /** The name of this PC changed. */
  renamed(): void {
    this.#show();
  }

  #addTray(folder: string, name: string | null): Entry {
    if (!path.isAbsolute(folder)) throw new PotluckError('USAGE', 'a tray needs the absolute path of its folder');
    const entry = this.#add(new Tray(path.resolve(folder)), name);
    this.#keep(entry, this.#ensure(entry));
    void this.#lookAt(entry, this.#closing.signal).catch(() => undefined);
    return entry;
  }

  #add(system: SystemPrinter, name: string | null): Entry {
    if (this.#entries.has(system.uri)) throw new PotluckError('ALREADY_EXISTS', `${system.uri} was added before`);
    if (this.#entries.size >= PRINTERS_MAX_COUNT) {
      throw new PotluckError('QUOTA', `this PC has ${PRINTERS_MAX_COUNT} printers, which is the most`);
    }
    const free = freePrinterName(name, system.suggestedName, (taken) => this.#lookup(taken) !== null);
    const entry: Entry = { system, stored: null, facts: null };
    entry.stored = { ...this.#newlyStored(system, free), added: true };
    this.#entries.set(system.uri, entry);
    return entry;
  }

  #lookup(typed: string): Entry | null {
    const key = collisionKey(typed.trim());
    const all = [...this.#entries.values()];
    const named = all.find((entry) => collisionKey(nameOf(entry)) === key);
    return named ?? all.find(({ system }) => system.uri === typed.trim()) ?? null;
  }

  async #find(typed: string, signal: AbortSignal): Promise<Entry> {
    if (this.#lookup(typed) === null) await this.#look(signal);
    const found = this.#lookup(typed);
    if (found === null) {
      throw new PotluckError('PRINTER_UNKNOWN', `${safe(typed)}: this PC has no such printer`, {
        hint: 'potluck printers',
      });
    }
    return found;
  }

  #ensure(entry: Entry): OwnPrinter {
    if (entry.stored === null) this.#keep(entry, this.#newlyStored(entry.system, entry.system.suggestedName));
    return entry.stored ?? this.#newlyStored(entry.system, entry.system.suggestedName);
  }

  #newlyStored({ uri }: SystemPrinter, name: string): OwnPrinter {
    const id = randomBytes(16).toString('hex') as PrinterId;
    return { uri, id, name, added: false, shared: false, only: [], certificate: null };
  }

  #keep(entry: Entry, stored: OwnPrinter): void {
    const before = entry.stored;
    this.#options.store.putOwnPrinter(stored);
    entry.stored = stored;
    this.#showOne(entry);
    if (stored.shared || before?.shared === true) this.#options.onChanged();
  }

  #entryOf(stored: OwnPrinter): Entry {
    const { uri } = stored;
    if (uri.startsWith('cups:')) return { system: this.#options.cups.printer(uri.slice(5)), stored, facts: null };
    if (uri.startsWith('tray:')) return { system: new Tray(uri.slice(5)), stored, facts: null };
    return { system: this.#network(uri, { pinned: stored.certificate }), stored, facts: null };
  }

  /** @param certificate  filled in when the printer shows its first one */
  #network(uri: string, certificate: { pinned: string | null }): NetworkPrinter {
    const { user, clock } = this.#options;
    const pin = {
      get: () => certificate.pinned,
      set: async (fingerprint: string) => {
        certificate.pinned = fingerprint;
        const entry = this.#entries.get(uri);
        if (entry?.stored) this.#keep(entry, { ...entry.stored, certificate: fingerprint });
      },
    };
    return new NetworkPrinter({ uri, user, clock, pin });
  }

  /** Looks at all of them unless that was just done; waits no longer than a person does. */
  async #look(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#interestMs = clock.nowMs();
    this.#keepLooking();
    if (clock.nowMs() - this.#lookedMs < FRESH_MS && this.#looking === null) return;
    const isOver = new AbortController();
    const enough = clock.sleep(LIST_MAX_MS, AbortSignal.any([signal, this.#closing.signal, isOver.signal]));
    await Promise.race([this.#lookOnce(), enough]).finally(() => isOver.abort());
  }

  #keepLooking(): void {
    if (this.#cancelLook !== null || this.#closing.signal.aborted) return;
    this.#cancelLook = this.#options.clock.after(LOOK_INTERVAL_MS, () => {
      this.#cancelLook = null;
      const isRecent = this.#options.clock.nowMs() - this.#interestMs < INTEREST_MS;
      if (this.#attending === 0 && !isRecent) return;
      void this.#lookOnce().finally(() => this.#keepLooking());
    });
  }

  #lookOnce(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = null;
      this.#lookedMs = this.#options.clock.nowMs();
    });
    return this.#looking;
  }

  async #lookAtAll(): Promise<void> {
    const { signal } = this.#closing;
    await this.#findQueues(signal);
    const entries = [...this.#entries.values()];
    await Promise.all(entries.map((entry) => this.#lookAt(entry, signal).catch(() => undefined)));
  }

  /** The queues of the print system that are there now. Where it does not answer, its shared ones stay, offline. */
  async #findQueues(signal: AbortSignal): Promise<void> {
    const { cups } = this.#options;
    const queues = await withDeadline(LOOK_MAX_MS, signal, (until) => cups.printers(until)).catch(() => null);
    if (queues === null) {
      for (const [uri, entry] of this.#entries) if (uri.startsWith('cups:') && entry.stored === null) this.#drop(uri);
      return;
    }
    for (const queue of queues) {
      if (this.#entries.has(queue.uri) || this.#entries.size >= PRINTERS_MAX_COUNT) continue;
      this.#entries.set(queue.uri, { system: queue, stored: null, facts: null });
    }
    const there = new Set(queues.map(({ uri }) => uri));
    for (const [uri, { stored }] of this.#entries) {
      if (uri.startsWith('cups:') && !there.has(uri) && stored?.shared !== true) this.#drop(uri);
    }
  }

  #drop(uri: string): void {
    this.#entries.delete(uri);
    this.#options.board.delete('printers', uri);
  }

  async #lookAt(entry: Entry, signal: AbortSignal): Promise<void> {
    const facts = await withDeadline(LOOK_MAX_MS, signal, (until) => entry.system.facts(until)).catch(() => null);
    if (signal.aborted || this.#entries.get(entry.system.uri) !== entry) return;
    const before = entry.facts;
    entry.facts = facts ?? (before === null ? null : { ...before, state: 'offline', reasons: [] });
    this.#showOne(entry);
    if (entry.stored?.shared === true && !isDeepStrictEqual(before, entry.facts)) this.#options.onChanged();
  }

  #show(): void {
    for (const entry of this.#entries.values()) this.#showOne(entry);
  }

  #showOne(entry: Entry): void {
    this.#options.board.put('printers', entry.system.uri, this.#rowOf(entry));
  }

  #rowOf(entry: Entry): PrinterRow {
    return printerRow(entry.facts ?? UNKNOWN_FACTS, {
      peer: this.#options.self,
      peerName: this.#options.ownName(),
      name: nameOf(entry),
      uri: entry.system.uri,
      local: true,
      shared: entry.stored?.shared ?? false,
      only: entry.stored?.only ?? [],
    });
  }
}

function nameOf({ stored, system }: Entry): string {
  return stored?.name ?? system.suggestedName;
}

function forDoor({ id, name, uri, shared, only }: OwnPrinter): LocalPrinter {
  return { id, name, uri, shared, only, except: [] };
}
