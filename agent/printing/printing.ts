/**
 * Printing as a whole: the printers of this PC, those of coworkers, and the jobs on both sides, put together.
 *
 * The doors call this. A job on a printer of this PC's own goes the way of every job, from the requester's
 * spool to the owner's, without leaving the PC: there is one way of printing and not two.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import type { Board } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import type { Events } from '../platform/events.js';
import type { Log } from '../platform/log.js';
import { openPrivateFolder } from '../platform/paths.js';
import { type Closable, Scope } from '../platform/scope.js';
import type { Database } from '../storage/database.js';
import { isFinal } from '../core/print-job.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobId, PeerId } from '../../protocol/ids.js';
import type { LocalRequest } from '../../protocol/local/api.js';
import type { JobRow, PrinterRow } from '../../protocol/local/model.js';
import type { PeerCall } from '../../protocol/peer/messages.js';
import type { JobReport } from '../../protocol/peer/printing.js';
import type { StreamOpen } from '../../protocol/peer/stream-open.js';
import { safe } from '../../protocol/text.js';
import { choosePrinter, refuseFormat, ticketOf } from './choose-printer.js';
import { LocalPrinters } from './local-printers.js';
import { PeerPrinters } from './peer-printers.js';
import { PrintStore } from './print-store.js';
import { RemotePrinting } from './remote-printing.js';
import { SpoolFiles } from './spool-files.js';
import { Spooler } from './spooler.js';
import { Cups } from './systems/cups.js';

export interface PrintingOptions {
  /** The agent's own folder; the spools are in it. */
  readonly home: string;
  /** Opened with PRINT_TABLES. */
  readonly database: Database;
  readonly board: Board;
  readonly clock: Clock;
  readonly events: Events;
  readonly log: Log;
  readonly self: PeerId;
  readonly ownName: () => string;
  readonly nameOf: (peer: PeerId) => string;
  /** The coworkers that are online now. */
  readonly online: () => readonly PeerId[];
  /** Milliseconds since 1970; null when the peer was never seen. */
  readonly lastSeen: (peer: PeerId) => number | null;
  readonly peerNamed: (typed: string) => PeerId;
  /** Also answers for this PC itself. */
  readonly call: PeerCall;
  /** To coworkers. */
  readonly openStream: (peer: PeerId, open: StreamOpen, signal: AbortSignal) => Promise<Duplex>;
  /** Sends the note `job.report`. */
  readonly report: (peer: PeerId, report: JobReport) => void;
  /** What coworkers see of this PC's printers may have changed. */
  readonly onChanged: () => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userHome: string;
  /** The user of this PC, whose the jobs are in its print system. */
  readonly user: string;
  /** Where `potluck printer share tray` puts its tray, absolute. */
  readonly trayFolder: () => string;
  /** Told after each change of what is kept: see PrintStore. */
  readonly written?: () => void;
}

export class Printing implements Closable {
  readonly printers: LocalPrinters;
  readonly spooler: Spooler;
  readonly #options: PrintingOptions;
  readonly #scope = new Scope();
  readonly #remotePrinters: PeerPrinters;
  readonly #sent: RemotePrinting;
  readonly #files: SpoolFiles;

  private constructor(options: PrintingOptions, parts: Parts) {
    this.#options = options;
    this.printers = this.#scope.own(parts.printers);
    this.spooler = this.#scope.own(parts.spooler);
    this.#files = parts.sentFiles;
    this.#remotePrinters = this.#scope.own(new PeerPrinters({ ...options, store: parts.store }));
    const isOnline = (peer: PeerId): boolean => peer === options.self || options.online().includes(peer);
    const openStream = (peer: PeerId, open: StreamOpen, signal: AbortSignal): Promise<Duplex> =>
      peer === options.self ? this.#openOwnStream(open) : options.openStream(peer, open, signal);
    this.#sent = this.#scope.own(
      new RemotePrinting({ ...options, store: parts.store, files: parts.sentFiles, isOnline, openStream }),
    );
    this.#listen();
  }

  /** Takes up every job that was not over. @throws PotluckError UNSAFE_FILES */
  static async open(options: PrintingOptions): Promise<Printing> {
    const { home, database, written, self, report } = options;
    const store = new PrintStore(database, written);
    const spool = path.join(home, 'spool');
    openPrivateFolder(spool);
    const [sent, received] = [openIds(store.sent(0)), openIds(store.received(0))];
    const sentFiles = await SpoolFiles.open(path.join(spool, 'sent'), (id) => sent.has(id));
    const files = await SpoolFiles.open(path.join(spool, 'received'), (id) => received.has(id));
    const printers = new LocalPrinters({ ...options, store, cups: new Cups(options) });
    const ownSide: { jobs: RemotePrinting | null } = { jobs: null };
    const spooler = await Spooler.open({
      ...options,
      store,
      files,
      printers,
      // Until our own jobs are open nobody needs to be told: they ask first.
      report: (peer, told) => (peer === self ? ownSide.jobs?.onReport(self, told) : report(peer, told)),
    });
    const printing = new Printing(options, { store, printers, spooler, sentFiles });
    ownSide.jobs = printing.#sent;
    return printing;
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  /** Printers of this PC and of coworkers, as they are now. */
  async printerRows(signal: AbortSignal): Promise<PrinterRow[]> {
    const [own] = await Promise.all([this.printers.list(signal), this.#remotePrinters.refreshAll()]);
    return [...own, ...this.#remotePrinters.rows()];
  }

  /** Somebody looks at printers until the function returned is called. */
  attend(): () => void {
    const releases = [this.printers.attend(), this.#remotePrinters.attend()];
    return () => {
      for (const release of releases) release();
    };
  }

  /**
   * Prints a file of this PC. Answers when the job is safe in the spool.
   * @throws PotluckError what `choosePrinter`, `ticketOf` and `SpoolFiles.take` throw; QUOTA
   */
  async print(request: LocalRequest<'job.print'>, signal: AbortSignal): Promise<JobRow> {
    const { self, peerNamed, nameOf, online } = this.#options;
    if (!path.isAbsolute(request.file)) throw new PotluckError('USAGE', `${safe(request.file)}: not an absolute path`);
    this.#sent.refuseTooMany();
    const isOnline = (peer: PeerId): boolean => online().includes(peer);
    const services = { self, local: this.printers, remote: this.#remotePrinters, peerNamed, nameOf, isOnline };
    const printer = await choosePrinter(services, request.printer, signal);
    const fileName = path.basename(request.file);
    const ticket = ticketOf(request, fileName, printer.facts);
    const id = randomUUID() as JobId;
    const document = await this.#files.take(id, request.file, safe(fileName), signal);
    try {
      refuseFormat(document.format, safe(fileName), printer);
    } catch (thrown) {
      await this.#files.remove(id);
      throw thrown;
    }
    return this.#sent.start({
      id,
      owner: printer.owner,
      printer: printer.id,
      printerName: printer.name,
      ticket,
      document,
    });
  }

  /** @param all  also those that are over */
  jobRows(all: boolean): JobRow[] {
    const rows = [...this.#sent.rows(), ...this.spooler.rows()];
    const shown = all ? rows : rows.filter(({ state }) => !isFinal(state));
    return shown.toSorted((one, other) => one.createdAt.localeCompare(other.createdAt));
  }

  /** Cancels a job of this user, or a coworker's on a printer of this PC. @throws PotluckError JOB_UNKNOWN, USAGE */
  async cancelJob(typed: string, signal: AbortSignal): Promise<JobRow> {
    const own = await this.#sent.cancel(typed, signal);
    if (own !== null) return own;
    const found = this.spooler.rows().filter(({ id }) => id.startsWith(typed.trim().toLowerCase()));
    const [only] = found;
    if (only === undefined || typed.trim().length < 4) {
      throw new PotluckError('JOB_UNKNOWN', `${safe(typed)}: there is no such job`, { hint: 'potluck jobs --all' });
    }
    if (found.length > 1) throw new PotluckError('USAGE', `${safe(typed)}: several jobs begin with this id`);
    return this.spooler.cancelAsOwner(only.id as JobId, signal);
  }

  /** A coworker told of a job of this user. */
  onReport(peer: PeerId, report: JobReport): void {
    this.#sent.onReport(peer, report);
  }

  /** A coworker told that its printers changed. */
  peerChanged(peer: PeerId): void {
    void this.#remotePrinters.refresh(peer);
  }

  #listen(): void {
    const { events } = this.#options;
    const online = ({ peer }: { readonly peer: PeerId }): void => {
      void this.#remotePrinters.refresh(peer);
      this.#sent.peerOnline(peer);
    };
    const offline = ({ peer }: { readonly peer: PeerId }): void => {
      this.#remotePrinters.show(peer);
      this.#sent.peerOffline(peer);
    };
    this.#scope.defer(events.on('peer.online', online));
    this.#scope.defer(events.on('peer.offline', offline));
    this.#scope.defer(events.on('peer.changed', ({ peer }) => this.#remotePrinters.show(peer)));
    this.#scope.defer(
      events.on('workgroup.changed', ({ removed }) => {
        for (const peer of removed) {
          this.#remotePrinters.forget(peer);
          this.#sent.peerRemoved(peer);
        }
      }),
    );
  }

  async #openOwnStream({ job, offset }: StreamOpen): Promise<Duplex> {
    const [near, far] = duplexPair();
    for (const end of [near, far]) end.on('error', () => undefined);
    this.spooler.receive(job, offset, far).catch((thrown: unknown) => near.destroy(thrown as Error));
    return near;
  }
}

interface Parts {
  readonly store: PrintStore;
  readonly printers: LocalPrinters;
  readonly spooler: Spooler;
  readonly sentFiles: SpoolFiles;
}

function openIds(jobs: readonly { readonly id: string; readonly state: JobRow['state'] }[]): Set<string> {
  return new Set(jobs.filter(({ state }) => !isFinal(state)).map(({ id }) => id));
}
