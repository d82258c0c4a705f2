/**
 * The printers that coworkers lend: asked for when a coworker comes, when it says that something changed, and
 * while somebody looks. The last answer is kept, so that a job can be given to a PC that is off for now.
 */
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import type { Closable } from '../platform/scope.js';
import { type PeerId, peerIdText } from '../../protocol/ids.js';
import type { PrinterRow } from '../../protocol/local/model.js';
import type { PeerCall } from '../../protocol/peer/messages.js';
import type { PeerPrinter } from '../../protocol/peer/printing.js';
import type { PrintStore } from './print-store.js';
import { printerRow } from './printer-row.js';

export interface PeerPrintersOptions {
  readonly store: PrintStore;
  readonly board: Board;
  readonly clock: Clock;
  readonly call: PeerCall;
  /** The coworkers that are online. */
  readonly online: () => readonly PeerId[];
  readonly nameOf: (peer: PeerId) => string;
  /** Milliseconds since 1970; null when it was never seen. */
  readonly lastSeen: (peer: PeerId) => number | null;
}

const ASK_INTERVAL_MS = 3000;
/** Whoever asks for the list gets what is known by then. */
const LIST_MAX_MS = 2500;

export class PeerPrinters implements Closable {
  readonly #options: PeerPrintersOptions;
  readonly #printers = new Map<PeerId, readonly PeerPrinter[]>();
  readonly #shown = new Map<PeerId, ReadonlySet<string>>();
  readonly #asking = new Map<PeerId, Promise<void>>();
  readonly #closing = new AbortController();
  #attending = 0;
  #cancelAsk: (() => void) | null = null;

  constructor(options: PeerPrintersOptions) {
    this.#options = options;
    for (const [peer, printers] of options.store.peerPrinters()) {
      this.#printers.set(peer as PeerId, printers);
      this.show(peer as PeerId);
    }
  }

  async close(): Promise<void> {
    this.#cancelAsk?.();
    this.#closing.abort();
    await Promise.allSettled(this.#asking.values());
  }

  /** Somebody looks: coworkers are asked every few seconds until released. */
  attend(): () => void {
    this.#attending += 1;
    void this.refreshAll().catch(() => undefined);
    this.#keepAsking();
    let isOver = false;
    return () => {
      if (!isOver) this.#attending -= 1;
      isOver = true;
    };
  }

  of(peer: PeerId): readonly PeerPrinter[] {
    return this.#printers.get(peer) ?? [];
  }

  all(): { readonly peer: PeerId; readonly printer: PeerPrinter }[] {
    return [...this.#printers].flatMap(([peer, printers]) => printers.map((printer) => ({ peer, printer })));
  }

  rows(): PrinterRow[] {
    return this.all().map(({ peer, printer }) => this.#rowOf(peer, printer));
  }

  /** Asks every coworker that is online; waits no longer than a person does. */
  async refreshAll(): Promise<void> {
    const asked = this.#options.online().map((peer) => this.refresh(peer));
    const isOver = new AbortController();
    const enough = this.#options.clock.sleep(LIST_MAX_MS, AbortSignal.any([this.#closing.signal, isOver.signal]));
    await Promise.race([Promise.all(asked), enough]).finally(() => isOver.abort());
  }

  /** Asks one coworker. What it does not answer stays as it was. */
  refresh(peer: PeerId): Promise<void> {
    const asking = this.#asking.get(peer) ?? this.#ask(peer).finally(() => this.#asking.delete(peer));
    this.#asking.set(peer, asking);
    return asking;
  }

  /** It is no member any more. */
  forget(peer: PeerId): void {
    if (this.#printers.delete(peer)) this.#options.store.removePeerPrinters(peer);
    this.show(peer);
  }

  /** Puts the printers of a coworker on the board as they are now. */
  show(peer: PeerId): void {
    const rows = this.of(peer).map((printer) => this.#rowOf(peer, printer));
    const uris = new Set(rows.map(({ uri }) => uri));
    for (const uri of this.#shown.get(peer) ?? []) if (!uris.has(uri)) this.#options.board.delete('printers', uri);
    for (const row of rows) this.#options.board.put('printers', row.uri, row);
    this.#shown.set(peer, uris);
  }

  async #ask(peer: PeerId): Promise<void> {
    try {
      const { printers } = await this.#options.call(peer, 'printers.list', {}, this.#closing.signal);
      const before = JSON.stringify(this.of(peer));
      this.#printers.set(peer, printers);
      if (JSON.stringify(printers) !== before) this.#options.store.putPeerPrinters(peer, printers);
      this.show(peer);
    } catch {
      // It is offline, or of a version without printers: what it told last is shown as it is.
      if (!this.#closing.signal.aborted) this.show(peer);
    }
  }

  #keepAsking(): void {
    if (this.#cancelAsk !== null || this.#closing.signal.aborted) return;
    this.#cancelAsk = this.#options.clock.after(ASK_INTERVAL_MS, () => {
      this.#cancelAsk = null;
      if (this.#attending === 0) return;
      void this.refreshAll()
        .catch(() => undefined)
        .finally(() => this.#keepAsking());
    });
  }

  #rowOf(peer: PeerId, printer: PeerPrinter): PrinterRow {
    const { online, nameOf, lastSeen } = this.#options;
    const owner = {
      peer,
      peerName: nameOf(peer),
      name: printer.name,
      uri: `potluck:${peerIdText(peer)}/${printer.name}`,
      local: false,
      shared: true,
      only: [],
    };
    if (online().includes(peer)) return printerRow(printer, owner);
    return printerRow({ ...printer, state: 'offline', reasons: [] }, owner, offlineWords(nameOf(peer), lastSeen(peer)));
  }
}

/** `ana-laptop is offline since 2026-11-21 14:02`, in the time zone of this PC. */
export function offlineWords(name: string, lastSeenMs: number | null): string {
  if (lastSeenMs === null) return `${name} is offline`;
  const at = new Date(lastSeenMs);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return `${name} is offline since ${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
