/**
 * A SQLite file that the agent keeps: opened, brought to the newest form of its tables, and closed.
 *
 * When a call that writes returns, what it wrote survives a power cut (write-ahead log, synchronous FULL).
 * A file that is damaged is put aside with its log and a new one is begun: an agent that does not start
 * helps nobody, and what was in the file is not lost. A file of a newer version of the program is left
 * alone and refused, because an older one would lose what it does not know.
 *
 * Each feature that keeps something hands in its own steps, so that no feature knows of another's tables.
 * Which steps were taken is in the file itself: `user_version` for the form of this list, one row a feature.
 */
import { chmodSync, existsSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { PotluckError } from '../../protocol/errors.js';
import type { Log } from '../platform/log.js';
import type { Closable } from '../platform/scope.js';

/** One feature's tables. Step n leads from version n to n + 1; a step that was released is never changed. */
export interface Migrations {
  readonly feature: string;
  readonly steps: readonly string[];
}

export interface Database extends Closable {
  readonly sql: DatabaseSync;
  /** True when the file was damaged and a new one was begun: a person should be told. */
  readonly wasDamaged: boolean;
  /** Runs `work` whole or not at all. Calls do not nest. */
  transaction<T>(work: () => T): T;
}

/** How much damage costs: `state` cannot be made again, `cache` can. */
export type Durability = 'state' | 'cache';

/** A name that is no file: what is written is gone when it is closed. */
export const IN_MEMORY = ':memory:';

const FORM_VERSION = 1;
const BUSY_MAX_MS = 5000;
/** `SQLITE_CORRUPT` and `SQLITE_NOTADB`. */
const DAMAGED = new Set([11, 26]);

/**
 * @param file        absolute, in a folder that exists, or IN_MEMORY. The file is this user's alone.
 * @param durability  what is only a cache is not synced at each write, and is begun anew where it is too new
 * @throws PotluckError UNSUPPORTED: written by a newer version of the program; FAILED: it cannot be opened
 */
export function openDatabase(
  file: string,
  migrations: readonly Migrations[],
  log: Log,
  durability: Durability = 'state',
): Database {
  try {
    return wrap(prepare(file, migrations, durability), false);
  } catch (thrown) {
    const isTooNew = thrown instanceof PotluckError && thrown.code === 'UNSUPPORTED';
    if (!isDamage(thrown) && !(isTooNew && durability === 'cache')) throw asFailure(file, thrown);
    const kept = putAside(file);
    log.warn('database.damaged', { kept: kept.split(/[\\/]/).at(-1) ?? '' });
  }
  try {
    return wrap(prepare(file, migrations, durability), true);
  } catch (thrown) {
    throw asFailure(file, thrown);
  }
}

function prepare(file: string, migrations: readonly Migrations[], durability: Durability): DatabaseSync {
  const sql = new DatabaseSync(file, { timeout: BUSY_MAX_MS });
  try {
    // Before the first write, so that the log and the index beside it are private too.
    if (process.platform !== 'win32' && file !== IN_MEMORY) chmodSync(file, 0o600);
    sql.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === 'state' ? 'FULL' : 'NORMAL'};`);
    if (durability === 'state') check(sql);
    migrate(sql, migrations);
    return sql;
  } catch (thrown) {
    sql.close();
    throw thrown;
  }
}

/** Damage in a page that is read rarely is found now and not in the middle of something. */
function check(sql: DatabaseSync): void {
  const result = sql.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (result !== 'ok') throw new DamagedError();
}

function migrate(sql: DatabaseSync, migrations: readonly Migrations[]): void {
  sql.exec('BEGIN IMMEDIATE');
  try {
    const form = Number(sql.prepare('PRAGMA user_version').get()?.['user_version']);
    if (form > FORM_VERSION) throw tooNew();
    sql.exec(
      'CREATE TABLE IF NOT EXISTS feature (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID',
    );
    for (const { feature, steps } of migrations) {
      const version = Number(sql.prepare('SELECT version FROM feature WHERE name = ?').get(feature)?.['version'] ?? 0);
      if (version > steps.length) throw tooNew();
      for (const step of steps.slice(version)) sql.exec(step);
      sql.prepare('INSERT OR REPLACE INTO feature (name, version) VALUES (?, ?)').run(feature, steps.length);
    }
    sql.exec(`PRAGMA user_version = ${FORM_VERSION}`);
    sql.exec('COMMIT');
  } catch (thrown) {
    if (sql.isTransaction) sql.exec('ROLLBACK');
    throw thrown;
  }
}

function wrap(sql: DatabaseSync, wasDamaged: boolean): Database {
  return {
    sql,
    wasDamaged,
    transaction(work) {
      sql.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        sql.exec('COMMIT');
        return result;
      } catch (thrown) {
        // A full disk may have ended the transaction already.
        if (sql.isTransaction) sql.exec('ROLLBACK');
        throw thrown;
      }
    },
    async close() {
      if (sql.isOpen) sql.close();
    },
  };
}

/** The file and its log belong together; the first name that is free is taken, so nothing that was kept is lost. */
function putAside(file: string): string {
  let kept = `${file}.bad`;
  for (let number = 2; existsSync(kept); number++) kept = `${file}.bad${number}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, kept + suffix);
  }
  return kept;
}

class DamagedError extends Error {
  override readonly name = 'DamagedError';
}

function isDamage(thrown: unknown): boolean {
  if (thrown instanceof DamagedError) return true;
  const code = thrown instanceof Error && 'errcode' in thrown ? Number(thrown.errcode) : 0;
  // The lower byte is the kind of failure, the others tell it in more detail.
  return DAMAGED.has(code & 0xff);
}

function tooNew(): PotluckError {
  return new PotluckError('UNSUPPORTED', 'the data of this agent was written by a newer version of potluck', {
    hint: 'install the newer version again',
  });
}

function asFailure(file: string, thrown: unknown): PotluckError {
  if (thrown instanceof PotluckError) return thrown;
  return new PotluckError('FAILED', `${file} cannot be opened`, { cause: thrown });
}
