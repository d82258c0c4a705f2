/** The agent's databases: migrated step by step, whole after a kill, put aside when damaged. */
import {
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { silentLog } from '../../agent/platform/log.js';
import { type Database, type Durability, type Migrations, openDatabase } from '../../agent/storage/database.js';
import { PotluckError } from '../../protocol/errors.js';
import { start } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const NOTES: Migrations = { feature: 'notes', steps: ['CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT) STRICT'] };

function open(t: Case, file: string, migrations: readonly Migrations[] = [NOTES], durability?: Durability): Database {
  const database = openDatabase(file, migrations, silentLog, durability);
  t.defer(() => database.close());
  return database;
}

function texts(database: Database): unknown[] {
  return database.sql
    .prepare('SELECT text FROM note ORDER BY id')
    .all()
    .map((row) => row['text']);
}

function refusal(work: () => unknown): PotluckError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof PotluckError) return thrown;
    throw thrown;
  }
  throw new Error('not refused');
}

spec('database', (it) => {
  it('is made for this user alone and keeps what was written', async (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const first = open(t, file);
    first.sql.exec("INSERT INTO note (text) VALUES ('kept')");
    for (const name of readdirSync(path.dirname(file))) {
      const mode = statSync(path.join(path.dirname(file), name)).mode & 0o777;
      if (process.platform !== 'win32') assert.is(mode, 0o600, name);
    }
    await first.close();
    await first.close();
    const second = open(t, file);
    assert.equal(texts(second), ['kept']);
    assert.not(second.wasDamaged);
  });

  it('syncs each write of state, and waits for a file that is busy', (t) => {
    const { sql } = open(t, path.join(temporaryFolder(t), 'state.db'));
    const pragma = (name: string): unknown => Object.values(sql.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    assert.is(pragma('journal_mode'), 'wal');
    assert.is(pragma('synchronous'), 2);
    assert.is(pragma('busy_timeout'), 5000);
    assert.is(pragma('user_version'), 1);
  });

  it('takes each step of each feature once', async (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const first = open(t, file);
    first.sql.exec("INSERT INTO note (text) VALUES ('old')");
    await first.close();
    const grown: Migrations = { feature: 'notes', steps: [...NOTES.steps, 'ALTER TABLE note ADD COLUMN at INTEGER'] };
    const jobs: Migrations = { feature: 'jobs', steps: ['CREATE TABLE job (id TEXT PRIMARY KEY) STRICT'] };
    const second = open(t, file, [jobs, grown]);
    second.sql.exec("INSERT INTO note (text, at) VALUES ('new', 7); INSERT INTO job VALUES ('j')");
    await second.close();
    assert.equal(texts(open(t, file, [grown, jobs])), ['old', 'new']);
  });

  it('takes all steps or none', async (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const broken: Migrations = { feature: 'notes', steps: [...NOTES.steps, 'CREATE TABEL'] };
    assert.is(refusal(() => open(t, file, [broken])).code, 'FAILED');
    assert.equal(texts(open(t, file)), []);
    assert.not(existsSync(`${file}.bad`));
  });

  it('refuses the state of a newer version and leaves it alone, but begins a cache anew', async (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const newer: Migrations = { feature: 'notes', steps: [...NOTES.steps, 'ALTER TABLE note ADD COLUMN at INTEGER'] };
    const first = open(t, file, [newer]);
    first.sql.exec("INSERT INTO note (text) VALUES ('kept')");
    await first.close();
    assert.is(refusal(() => open(t, file)).code, 'UNSUPPORTED');
    const again = open(t, file, [newer]);
    assert.equal(texts(again), ['kept']);
    await again.close();
    assert.equal(texts(open(t, file, [NOTES], 'cache')), []);
  });

  it('runs a transaction whole or not at all', (t) => {
    const database = open(t, path.join(temporaryFolder(t), 'state.db'));
    const add = database.sql.prepare('INSERT INTO note (text) VALUES (?)');
    assert.is(
      database.transaction(() => {
        add.run('a');
        return 7;
      }),
      7,
    );
    assert.throws(
      () =>
        database.transaction(() => {
          add.run('b');
          throw new Error('changed my mind');
        }),
      'changed my mind',
    );
    assert.equal(texts(database), ['a']);
  });

  it('puts a file that is no database aside and begins a new one', (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    for (const [text, kept] of [
      ['not a database, but long enough to be taken for one: '.repeat(40), 'state.db.bad'],
      ['another one: '.repeat(200), 'state.db.bad2'],
    ] as const) {
      writeFileSync(file, text);
      const database = openDatabase(file, [NOTES], silentLog);
      t.defer(() => database.close());
      assert.ok(database.wasDamaged);
      assert.equal(texts(database), []);
      assert.is(readFileSync(path.join(path.dirname(file), kept), 'utf8'), text);
      void database.close();
    }
  });

  it('finds damage in the middle of the file when it opens it', async (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const first = open(t, file);
    const add = first.sql.prepare('INSERT INTO note (text) VALUES (?)');
    first.transaction(() => {
      for (let n = 0; n < 2000; n++) add.run(`note number ${n} `.repeat(10));
    });
    await first.close();
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(30_000, 0x5a), 0, 30_000, 50_000);
    closeSync(fd);
    const second = open(t, file);
    assert.ok(second.wasDamaged);
    assert.equal(texts(second), []);
    assert.ok(existsSync(`${file}.bad`));
  });

  it('has every write that returned after kill -9', async (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const module = new URL('../../agent/storage/database.js', import.meta.url).href;
    const log = new URL('../../agent/platform/log.js', import.meta.url).href;
    const script = `const { openDatabase } = await import(${JSON.stringify(module)});
      const { silentLog } = await import(${JSON.stringify(log)});
      const { sql } = openDatabase(${JSON.stringify(file)}, ${JSON.stringify([NOTES])}, silentLog);
      const add = sql.prepare('INSERT INTO note (text) VALUES (?)');
      for (let n = 0; ; n++) { add.run(String(n)); console.log('wrote ' + n + '.'); }`;
    const child = await start(t, process.execPath, ['--input-type=module', '-e', script]);
    await child.line(/wrote 20\./);
    child.signal('SIGKILL');
    const { stdout } = await child.ended;
    const told = stdout.match(/wrote \d+\./g)?.length ?? 0;
    assert.ok(told > 20);
    assert.ok(texts(open(t, file)).length >= told);
  });
});
