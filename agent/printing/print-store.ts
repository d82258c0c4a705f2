/**
 * What the agent remembers of printing, so that no job is lost or printed twice when it is killed.
 *
 * A call that writes returns when the change is on the disk. Jobs that are over are kept as well: the id
 * of a job is what keeps a repeated offer from printing it again.
 */
import * as v from 'valibot';
import { type DocumentFormat, isDocumentFormat } from '../../protocol/document.js';
import { JobIdText, PeerIdHex, PrinterIdHex } from '../../protocol/ids.js';
import { JOB_IDS_KEPT_COUNT, JOB_IDS_KEPT_MS, PRINTERS_MAX_COUNT } from '../../protocol/limits.js';
import { JOB_STATES, PeerPrinter, Ticket } from '../../protocol/peer/printing.js';
import { isFinal, PHASES } from '../core/print-job.js';
import type { Database, Migrations } from '../storage/database.js';

const JOB_COLUMNS = `id TEXT PRIMARY KEY, peer TEXT NOT NULL, created INTEGER NOT NULL, finished INTEGER,
  body TEXT NOT NULL`;

/** The tables of printing, for `openDatabase`. */
export const PRINT_TABLES: Migrations = {
  feature: 'printing',
  steps: [
    `CREATE TABLE own_printer (uri TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
     CREATE TABLE peer_printers (peer TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
     CREATE TABLE received_job (${JOB_COLUMNS}) STRICT;
     CREATE INDEX received_job_by_peer ON received_job (peer, created);
     CREATE TABLE sent_job (${JOB_COLUMNS}) STRICT;`,
  ],
};

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const time = v.number();

/** A printer of this PC that has been added, shared or printed on by its own user. */
const OwnPrinter = v.object({
  uri: v.string(),
  id: PrinterIdHex,
  name: v.string(),
  /** False for a queue of the print system, which is there without us. */
  added: v.boolean(),
  shared: v.boolean(),
  /** Who may print; everybody when empty. */
  only: v.array(PeerIdHex),
  /** SHA-256 of the certificate that a printer with TLS showed first. */
  certificate: v.nullable(v.string()),
});
export type OwnPrinter = v.InferOutput<typeof OwnPrinter>;

const format = v.pipe(
  v.string(),
  v.check(isDocumentFormat, 'no type that can be printed'),
  v.transform((text) => text as DocumentFormat),
);
const document = v.object({ format, size: count, sha256: v.string() });
const seen = {
  state: v.picklist(JOB_STATES),
  reasons: v.array(v.string()),
  because: v.string(),
  pages: v.nullable(count),
};

/** A job that was handed to a printer of this PC. */
const ReceivedJob = v.object({
  id: JobIdText,
  requester: PeerIdHex,
  printer: PrinterIdHex,
  printerUri: v.string(),
  printerName: v.string(),
  ticket: Ticket,
  document,
  ...seen,
  /** Grows with each change that the requester is told of. */
  seq: count,
  phase: v.picklist(PHASES),
  /** How the print system calls it. */
  ref: v.nullable(v.string()),
  /** Who wants it to end. */
  cancelledBy: v.nullable(v.picklist(['requester', 'owner'])),
  createdMs: time,
  finishedMs: v.nullable(time),
});
export type ReceivedJob = v.InferOutput<typeof ReceivedJob>;

/** A job of this PC's user, on whatever printer. */
const SentJob = v.object({
  id: JobIdText,
  /** Whose printer it is; may be this PC. */
  owner: PeerIdHex,
  ownerName: v.string(),
  printer: PrinterIdHex,
  printerName: v.string(),
  ticket: Ticket,
  document,
  ...seen,
  /** Of the newest report of the owner; -1 before the first. */
  seq: v.number(),
  /** The owner may have been told that the document is whole: from then on only it can end the job. */
  committing: v.boolean(),
  cancelWanted: v.boolean(),
  createdMs: time,
  finishedMs: v.nullable(time),
});
export type SentJob = v.InferOutput<typeof SentJob>;

const PeerPrinters = v.pipe(v.array(PeerPrinter), v.maxLength(PRINTERS_MAX_COUNT));

type JobTable = 'received_job' | 'sent_job';

export class PrintStore {
  readonly #database: Database;
  readonly #written: () => void;

  /** @param written  told after each change; a test stops everything in it, as a crash would */
  constructor(database: Database, written: () => void = () => undefined) {
    this.#database = database;
    this.#written = written;
  }

  ownPrinters(): OwnPrinter[] {
    return this.#bodies('SELECT body FROM own_printer').map((body) => v.parse(OwnPrinter, body));
  }

  putOwnPrinter(printer: OwnPrinter): void {
    this.#run('INSERT OR REPLACE INTO own_printer (uri, body) VALUES (?, ?)', printer.uri, JSON.stringify(printer));
  }

  removeOwnPrinter(uri: string): void {
    this.#run('DELETE FROM own_printer WHERE uri = ?', uri);
  }

  /** The printers that each coworker told of last. What cannot be read any more is told again. */
  peerPrinters(): Map<string, PeerPrinter[]> {
    const rows = this.#database.sql.prepare('SELECT peer, body FROM peer_printers').all();
    const found = new Map<string, PeerPrinter[]>();
    for (const row of rows) {
      const printers = v.safeParse(PeerPrinters, JSON.parse(String(row['body'])));
      if (printers.success) found.set(String(row['peer']), printers.output);
    }
    return found;
  }

  putPeerPrinters(peer: string, printers: readonly PeerPrinter[]): void {
    const body = JSON.stringify(printers);
    this.#run('INSERT OR REPLACE INTO peer_printers (peer, body) VALUES (?, ?)', peer, body);
  }

  removePeerPrinters(peer: string): void {
    this.#run('DELETE FROM peer_printers WHERE peer = ?', peer);
  }

  putReceived(job: ReceivedJob): void {
    this.#putJob('received_job', job.requester, job);
  }

  putSent(job: SentJob): void {
    this.#putJob('sent_job', job.owner, job);
  }

  receivedJob(id: string): ReceivedJob | null {
    const row = this.#database.sql.prepare('SELECT body FROM received_job WHERE id = ?').get(id);
    return row === undefined ? null : v.parse(ReceivedJob, JSON.parse(String(row['body'])));
  }

  /** Those that are not over and the newest of the others, the oldest first. */
  received(finishedMax: number): ReceivedJob[] {
    return this.#jobs('received_job', finishedMax).map((body) => v.parse(ReceivedJob, body));
  }

  sent(finishedMax: number): SentJob[] {
    return this.#jobs('sent_job', finishedMax).map((body) => v.parse(SentJob, body));
  }

  /** How many jobs a peer has handed over since then. */
  countReceivedSince(peer: string, sinceMs: number): number {
    const select = 'SELECT count(*) AS n FROM received_job WHERE peer = ? AND created >= ?';
    return Number(this.#database.sql.prepare(select).get(peer, sinceMs)?.['n']);
  }

  /** Forgets jobs that have been over for long. */
  prune(nowMs: number): void {
    for (const table of ['received_job', 'sent_job'] as const) {
      this.#run(`DELETE FROM ${table} WHERE finished < ?`, nowMs - JOB_IDS_KEPT_MS);
      const newest = `SELECT id FROM ${table} WHERE finished IS NOT NULL ORDER BY finished DESC LIMIT -1 OFFSET ?`;
      this.#run(`DELETE FROM ${table} WHERE id IN (${newest})`, JOB_IDS_KEPT_COUNT);
    }
  }

  #putJob(table: JobTable, peer: string, job: ReceivedJob | SentJob): void {
    const finished = isFinal(job.state) ? (job.finishedMs ?? job.createdMs) : null;
    this.#run(
      `INSERT OR REPLACE INTO ${table} (id, peer, created, finished, body) VALUES (?, ?, ?, ?, ?)`,
      job.id,
      peer,
      Math.round(job.createdMs),
      finished === null ? null : Math.round(finished),
      JSON.stringify(job),
    );
  }

  #jobs(table: JobTable, finishedMax: number): unknown[] {
    const open = this.#bodies(`SELECT body FROM ${table} WHERE finished IS NULL ORDER BY created, id`);
    const select = `SELECT body FROM ${table} WHERE finished IS NOT NULL ORDER BY finished DESC LIMIT ?`;
    const over = this.#database.sql.prepare(select).all(finishedMax);
    return [...over.toReversed().map((row) => JSON.parse(String(row['body'])) as unknown), ...open];
  }

  #bodies(select: string): unknown[] {
    const rows = this.#database.sql.prepare(select).all();
    return rows.map((row) => JSON.parse(String(row['body'])) as unknown);
  }

  #run(statement: string, ...values: readonly (string | number | null)[]): void {
    this.#database.sql.prepare(statement).run(...values);
    this.#written();
  }
}
