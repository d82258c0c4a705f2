/** `get` and `print --wait`: they stay until the end, tell it by their code, and let go at Ctrl+C. */
import path from 'node:path';
import { writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { LocalHandlers } from '../../agent/api/local-calls.js';
import { PotluckError } from '../../protocol/errors.js';
import type { JobRow, TransferRow } from '../../protocol/local/model.js';
import { following, potluck } from '../support/cli.js';
import { type FakeAgent, openFakeAgent } from '../support/fake-agent.js';
import { until } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const transfer = (id: string, part: Partial<TransferRow> = {}): TransferRow => ({
  id,
  direction: 'down',
  name: `${id}.bin`,
  state: 'active',
  bytes: 0,
  size: 1000,
  files: 1,
  filesDone: 0,
  rate: 100,
  left: 10,
  sources: [{ peer: 'P56IOI7', name: 'bruno-pc', bytes: 0 }],
  because: '',
  to: `/home/ana/Downloads/${id}.bin`,
  wrong: 0,
  error: null,
  failed: [],
  failedCount: 0,
  startedAt: '2026-11-21T10:00:00.000Z',
  finishedAt: null,
  ...part,
});

const done = (id: string): TransferRow =>
  transfer(id, {
    state: 'done',
    bytes: 1000,
    filesDone: 1,
    sources: [{ peer: 'P56IOI7', name: 'bruno-pc', bytes: 1000 }],
  });

const job = (id: string, part: Partial<JobRow> = {}): JobRow => ({
  id,
  printer: 'bruno-pc/HP',
  title: 'plan.pdf',
  owner: 'ana-laptop',
  mine: true,
  state: 'sending',
  because: '',
  pages: null,
  copies: 1,
  format: 'application/pdf',
  size: 100,
  sent: 0,
  createdAt: '2026-11-21T10:00:00.000Z',
  finishedAt: null,
  ...part,
});

/** An agent whose downloads are named t1, t2 … in the order in which they are asked for. */
async function openDownloader(t: Case, more: Partial<LocalHandlers> = {}): Promise<FakeAgent> {
  let count = 0;
  const agent: FakeAgent = await openFakeAgent(t, {
    'transfer.get': async ({ path: wanted }) => {
      if (wanted === 'nope') throw new PotluckError('PATH_UNKNOWN', 'nope: there is no such file');
      count += 1;
      const row = transfer(`t${count}`);
      agent.board.put('transfers', row.id, row);
      return row;
    },
    'transfer.cancel': async ({ id }) => {
      const row = transfer(id, { state: 'cancelled' });
      agent.board.put('transfers', id, row);
      return row;
    },
    ...more,
  });
  return agent;
}

/** Waits until the verb has asked so many times, then lets the agent say how it went. */
async function afterAsked(agent: FakeAgent, count: number, rows: readonly TransferRow[]): Promise<void> {
  await until('the verb has asked', () => agent.asked.length >= count);
  for (const row of rows) agent.board.put('transfers', row.id, row);
}

function documentOf(t: Case): string {
  const file = path.join(temporaryFolder(t), 'plan.pdf');
  writeFileSync(file, '%PDF-1.4');
  return file;
}

async function openPrinter(t: Case): Promise<FakeAgent> {
  const agent: FakeAgent = await openFakeAgent(t, {
    'job.print': async () => {
      agent.board.put('jobs', 'j1', job('j1'));
      return job('j1');
    },
    'job.cancel': async ({ id }) => {
      agent.board.put('jobs', id, job(id, { state: 'canceled' }));
      return job(id, { state: 'canceled' });
    },
  });
  return agent;
}

spec('get', (it) => {
  it('stays until the file is here and tells what came from whom', async (t) => {
    const agent = await openDownloader(t);
    const verb = potluck(agent.env, 'get', 'bruno-pc/Docs/plan v7.dwg', '--to', 'here', '--json');
    await afterAsked(agent, 1, [transfer('t1', { bytes: 500 }), done('t1')]);
    const { code, stdout, stderr } = await verb;
    assert.is(code, 0, stderr);
    const { seconds, ...rest } = JSON.parse(stdout) as { seconds: number };
    assert.type(seconds, 'number');
    assert.equal(rest, {
      files: 1,
      bytes: 1000,
      sources: [{ peer: 'P56IOI7', name: 'bruno-pc', bytes: 1000 }],
      path: '/home/ana/Downloads/t1.bin',
      failed: [],
      transfers: ['t1'],
    });
    assert.equal(agent.asked[0]?.input, {
      peer: 'bruno-pc',
      share: 'Docs',
      path: 'plan v7.dwg',
      to: path.resolve('here'),
      onConflict: 'rename',
    });
  });

  it('takes several places, and fails in part when one is missing', async (t) => {
    const agent = await openDownloader(t);
    const verb = potluck(agent.env, 'get', 'b/D/x', 'b/D/nope', 'b/D/y', '--json');
    await afterAsked(agent, 3, [done('t1'), done('t2')]);
    const { code, stdout } = await verb;
    assert.is(code, 1);
    const summary = JSON.parse(stdout) as { files: number; failed: unknown; path: string };
    assert.is(summary.files, 2);
    assert.is(summary.path, '/home/ana/Downloads');
    assert.equal(summary.failed, [{ path: 'b/D/nope', code: 'PATH_UNKNOWN' }]);
  });

  it('begins nothing when one of the places is mistyped', async (t) => {
    const agent = await openDownloader(t);
    const { code } = await potluck(agent.env, 'get', 'b/D/x', 'b//y');
    assert.is(code, 2);
    assert.equal(agent.asked, []);
  });

  const FAILURES: Record<string, [row: Partial<TransferRow>, code: number, says: RegExp]> = {
    'wrong bytes': [{ error: { code: 'INTEGRITY', message: 'x: not the bytes that were promised' } }, 8, /INTEGRITY/],
    'a full disk': [{ error: { code: 'NO_SPACE', message: 'x: the disk is full' } }, 9, /NO_SPACE/],
    'a missing file': [{ error: { code: 'PATH_UNKNOWN', message: 'x: there is no such file' } }, 4, /PATH_UNKNOWN/],
    'a code of a newer agent': [{ error: { code: 'NEW_CODE', message: 'x: who knows' } }, 1, /who knows/],
  };
  for (const [what, [part, exit, says]] of Object.entries(FAILURES)) {
    it(`ends with the code of its failure: ${what}`, async (t) => {
      const agent = await openDownloader(t);
      const verb = potluck(agent.env, 'get', 'b/D/x');
      await afterAsked(agent, 1, [transfer('t1', { state: 'failed', ...part })]);
      const { code, stdout, stderr } = await verb;
      assert.is(code, exit, stderr);
      assert.match(stderr, says);
      assert.match(stderr, /^potluck: get: [^\n]+\n$/);
      assert.is(stdout, '');
    });
  }

  it('names the files of a folder that could not be had', async (t) => {
    const failed = [{ path: 'Docs/secret', code: 'UNREADABLE' }];
    const partial = transfer('t1', { ...done('t1'), files: 3, filesDone: 2, failed, failedCount: 1 });
    for (const json of [true, false]) {
      const agent = await openDownloader(t);
      const verb = potluck(agent.env, 'get', 'b/D', ...(json ? ['--json'] : []));
      await afterAsked(agent, 1, [partial]);
      const { code, stdout, stderr } = await verb;
      assert.is(code, 1, stderr);
      if (json) assert.equal((JSON.parse(stdout) as { failed: unknown }).failed, failed);
      else assert.match(stderr, /1 of 3 files could not be had: Docs\/secret \(UNREADABLE\) \(PARTIAL\)/);
    }
  });

  it('waits for a source that is away no longer than it is told', async (t) => {
    const agent = await openDownloader(t);
    const verb = potluck(agent.env, 'get', 'b/D/x', '--wait', '1s');
    await afterAsked(agent, 1, [transfer('t1', { state: 'waiting', because: 'bruno-pc is offline' })]);
    const { code, stderr } = await verb;
    assert.is(code, 6, stderr);
    assert.match(stderr, /bruno-pc is offline for 1s.*\(PEER_OFFLINE\)\ntry: potluck cancel t1/);
    assert.is(agent.asked.length, 1);
  });

  it('shows progress where it is asked to, with nothing on stdout but the result', async (t) => {
    const agent = await openDownloader(t);
    const verb = potluck(agent.env, 'get', 'b/D/x', '--progress');
    await afterAsked(agent, 1, []);
    agent.board.put('transfers', 't1', transfer('t1', { bytes: 420 }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    agent.board.put('transfers', 't1', done('t1'));
    const { stdout, stderr } = await verb;
    assert.match(stderr, /t1\.bin {2}\d+ % of 1\.0 kB/);
    assert.match(stdout, /^\/home\/ana\/Downloads\/t1\.bin: 1\.0 kB from bruno-pc\n$/);
  });

  it('lets go at the first Ctrl+C and says so; the download goes on', async (t) => {
    const agent = await openDownloader(t);
    const verb = await following(t, agent.env, 'get', 'b/D/x', '--progress');
    await verb.line(/t1\.bin/);
    verb.signal('SIGINT');
    await verb.line(/goes on without this command/);
    const { code } = await verb.ended;
    assert.is(code, 7);
    assert.is(agent.asked.length, 1, 'nothing was cancelled');
  });

  it('cancels at the second', async (t) => {
    const agent = await openDownloader(t);
    const verb = await following(t, agent.env, 'get', 'b/D/x', '--progress');
    await verb.line(/t1\.bin/);
    verb.signal('SIGINT');
    await verb.line(/goes on without this command/);
    verb.signal('SIGINT');
    const { code, stderr } = await verb.ended;
    assert.is(code, 7, stderr);
    assert.equal(agent.asked[1], { method: 'transfer.cancel', input: { id: 't1' } });
  });

  it('ends with 3 when the agent ends', async (t) => {
    const agent = await openDownloader(t);
    const verb = await following(t, agent.env, 'get', 'b/D/x', '--progress');
    await verb.line(/t1\.bin/);
    await agent.server.close();
    assert.is((await verb.ended).code, 3);
  });
});

spec('print', (it) => {
  it('hands the job over with all that was asked for', async (t) => {
    const agent = await openPrinter(t);
    const options = '--printer bruno-pc/HP --copies 2 --pages 1-3,7 --duplex long --mono --media A4 --title T';
    const { code, stdout } = await potluck(agent.env, 'print', documentOf(t), ...options.split(' '), '--json');
    assert.is(code, 0);
    assert.equal(JSON.parse(stdout), { job: 'j1', printer: 'bruno-pc/HP', state: 'sending', because: '' });
    const [asked] = agent.asked;
    const { file, ...ticket } = asked === undefined ? { file: '' } : (asked.input as { file: string });
    assert.ok(path.isAbsolute(file));
    assert.equal(ticket, {
      printer: 'bruno-pc/HP',
      copies: 2,
      pages: [
        [1, 3],
        [7, 7],
      ],
      duplex: 'long',
      color: false,
      media: 'A4',
      title: 'T',
    });
  });

  for (const [state, exit] of Object.entries({ completed: 0, canceled: 7, aborted: 1, uncertain: 1 } as const)) {
    it(`--wait ends with ${exit} when the job is ${state}`, async (t) => {
      const agent = await openPrinter(t);
      const verb = potluck(agent.env, 'print', documentOf(t), '--wait', '--json');
      await until('the verb has asked', () => agent.asked.length === 1);
      agent.board.put('jobs', 'j1', job('j1', { state: 'printing' }));
      agent.board.put('jobs', 'j1', job('j1', { state: state as JobRow['state'] }));
      const { code, stdout } = await verb;
      assert.is(code, exit);
      assert.is((JSON.parse(stdout) as { state: string }).state, state);
    });
  }

  it('--wait=DURATION ends with 6 when it takes longer, and the job stays', async (t) => {
    const agent = await openPrinter(t);
    const { code, stderr } = await potluck(agent.env, 'print', documentOf(t), '--wait=1s');
    assert.is(code, 6, stderr);
    assert.match(stderr, /it stays in potluck jobs \(TIMEOUT\)/);
    assert.is(agent.asked.length, 1);
  });

  it('prints none of several when one is missing', async (t) => {
    const agent = await openPrinter(t);
    const { code } = await potluck(agent.env, 'print', documentOf(t), '/no/such.pdf');
    assert.is(code, 4);
    assert.equal(agent.asked, []);
  });

  it('cancels at the second Ctrl+C', async (t) => {
    const agent = await openPrinter(t);
    const verb = await following(t, agent.env, 'print', documentOf(t), '--wait', '--progress');
    await verb.line(/plan\.pdf on bruno-pc\/HP/);
    verb.signal('SIGINT');
    await verb.line(/goes on without this command/);
    verb.signal('SIGINT');
    assert.is((await verb.ended).code, 7);
    assert.equal(agent.asked[1], { method: 'job.cancel', input: { id: 'j1' } });
  });
});

spec('--watch', (it) => {
  it('prints each row and each change of it as one JSON object a line', async (t) => {
    const agent = await openDownloader(t);
    agent.board.put('transfers', 't1', transfer('t1'));
    const verb = await following(t, agent.env, 'transfers', '--watch', '--json');
    await verb.line(/"id":"t1".*"state":"active"/);
    agent.board.put('transfers', 't1', done('t1'));
    await verb.line(/"id":"t1".*"state":"done"/);
    agent.board.delete('transfers', 't1');
    const [line] = await verb.line(/"gone".*/);
    assert.equal(JSON.parse(`{"id":"t1",${line}`), { id: 't1', gone: true });
    for (const each of verb.stdout.trim().split('\n')) JSON.parse(each);
  });
});
