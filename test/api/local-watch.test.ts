/** The watch stream: snapshot, numbered changes, going on after a break, and clients that do not read. */
import * as assert from 'uvu/assert';
import type { WatchEvent } from '../../protocol/local/events.js';
import type { NoticeRow } from '../../protocol/local/model.js';
import { WATCH_ALIVE_INTERVAL_MS, WATCH_RING_COUNT, WATCH_STALL_MAX_MS } from '../../protocol/limits.js';
import { connectAgent } from '../../tui/client/connect.js';
import { openAgentClient } from '../../tui/client/agent-client.js';
import { FakeClock } from '../support/fake-clock.js';
import { type FakeAgent, openFakeAgent } from '../support/fake-agent.js';
import { until } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';

const notice = (text: string): NoticeRow => ({ id: text, at: '2026-11-21T10:00:00Z', level: 'info', text, code: null });

/** A watcher of which each next event can be awaited. */
function watch(t: Case, agent: FakeAgent, after: number | null = null): AsyncIterator<WatchEvent> {
  const client = openAgentClient(agent.paths);
  t.defer(() => client.close());
  return client.watch(after, t.signal)[Symbol.asyncIterator]();
}

async function take(events: AsyncIterator<WatchEvent>, count: number): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

function summary(event: WatchEvent | undefined): string {
  if (event === undefined) return 'nothing';
  if (event.type === 'snapshot') return `snapshot ${event.tables.notices.map(([key]) => key).join()}`;
  return event.type === 'alive' ? 'alive' : `${event.type} ${event.table} ${event.key}`;
}

spec('watch', (it) => {
  it('begins with every table and goes on with each change, numbered without a gap', async (t) => {
    const agent = await openFakeAgent(t);
    agent.board.put('notices', 'a', notice('a'));
    const events = watch(t, agent);
    const [snapshot] = await take(events, 1);
    assert.is(summary(snapshot), 'snapshot a');
    agent.board.put('notices', 'b', notice('b'));
    agent.board.put('notices', 'b', notice('b2'));
    agent.board.delete('notices', 'a');
    const changes = await take(events, 3);
    assert.equal(changes.map(summary), ['put notices b', 'put notices b', 'del notices a']);
    const first = snapshot?.seq ?? 0;
    assert.equal(
      changes.map(({ seq }) => seq - first),
      [1, 2, 3],
    );
  });

  it('goes on after the number that a client had, with no snapshot', async (t) => {
    const agent = await openFakeAgent(t);
    const events = watch(t, agent);
    const [snapshot] = await take(events, 1);
    await events.return?.();
    agent.board.put('notices', 'a', notice('a'));
    agent.board.put('notices', 'b', notice('b'));
    const again = watch(t, agent, (snapshot?.seq ?? 0) + 1);
    assert.equal((await take(again, 1)).map(summary), ['put notices b']);
  });

  it('sends a snapshot where the changes are not kept any more', async (t) => {
    const agent = await openFakeAgent(t);
    const events = watch(t, agent);
    const [snapshot] = await take(events, 1);
    await events.return?.();
    for (let n = 0; n <= WATCH_RING_COUNT; n++) agent.board.put('notices', 'a', notice(String(n)));
    const again = watch(t, agent, snapshot?.seq ?? 0);
    assert.equal((await take(again, 1)).map(summary), ['snapshot a']);
  });

  it('sends a snapshot for a number of another run of the agent', async (t) => {
    const before = await openFakeAgent(t);
    const [old] = await take(watch(t, before), 1);
    await before.server.close();
    const after = await openFakeAgent(t, {}, { home: before.paths.home });
    after.board.put('notices', 'a', notice('a'));
    const again = watch(t, after, old?.seq ?? 0);
    assert.equal((await take(again, 1)).map(summary), ['snapshot a']);
  });

  it('tells its end as NO_AGENT when the agent closes', async (t) => {
    const agent = await openFakeAgent(t);
    const events = watch(t, agent);
    await take(events, 1);
    const ended = events.next().catch((thrown: unknown) => thrown);
    await agent.server.close();
    assert.is(((await ended) as { code?: string }).code, 'NO_AGENT');
  });

  it('keeps nothing for a client that does not read, and gives it a snapshot when it reads again', async (t) => {
    const agent = await openFakeAgent(t);
    const socket = await connectAgent(agent.paths, t.signal);
    t.defer(() => socket.destroy());
    socket.pause();
    socket.write('GET /v1/watch HTTP/1.1\r\nhost: agent\r\n\r\n');
    const big = 'x'.repeat(10_000);
    for (let n = 0; n < WATCH_RING_COUNT * 2; n++) {
      agent.board.put('notices', 'a', notice(`${n} ${big}`));
      // Lets the agent write, so that its buffers fill and then the ring overflows.
      if (n % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text = `${text}${part}`));
    socket.resume();
    const last = `${WATCH_RING_COUNT * 2 - 1} x`;
    await until('the last state', () => text.includes(last));
    assert.is(text.split('"type":"snapshot"').length - 1, 2);
    assert.ok(text.split('"type":"put"').length < WATCH_RING_COUNT);
  });

  it('cuts a client that never reads', async (t) => {
    const clock = new FakeClock();
    const agent = await openFakeAgent(t, {}, { clock });
    const watchers = countWatchers(agent);
    const socket = await connectAgent(agent.paths, t.signal);
    t.defer(() => socket.destroy());
    socket.pause();
    socket.write('GET /v1/watch HTTP/1.1\r\nhost: agent\r\n\r\n');
    await until('it watches', () => watchers() === 1);
    const before = clock.waiting;
    for (let n = 0; clock.waiting === before; n++) {
      agent.board.put('notices', 'a', notice(`${n} ${'x'.repeat(10_000)}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.pass(WATCH_STALL_MAX_MS - 1);
    assert.is(watchers(), 1);
    clock.pass(1);
    await until('the agent lets go', () => watchers() === 0);
  });

  it('says that it is alive while nothing happens', async (t) => {
    const clock = new FakeClock();
    const agent = await openFakeAgent(t, {}, { clock });
    const events = watch(t, agent);
    await take(events, 1);
    clock.pass(WATCH_ALIVE_INTERVAL_MS);
    assert.equal((await take(events, 1)).map(summary), ['alive']);
  });

  it('refuses what is no number', async (t) => {
    const agent = await openFakeAgent(t);
    for (const query of ['?after=', '?after=-1', '?after=1e3', '?after=9999999999999999', '?x=1']) {
      const socket = await connectAgent(agent.paths, t.signal);
      t.defer(() => socket.destroy());
      let text = '';
      socket.setEncoding('utf8').on('data', (part: string) => (text += part));
      socket.write(`GET /v1/watch${query} HTTP/1.1\r\nhost: agent\r\n\r\n`);
      await until(query, () => text.includes('\r\n\r\n'));
      assert.match(text, /^HTTP\/1.1 400 /, query);
    }
  });
});

/** How many watchers the board has from now on. */
function countWatchers({ board }: FakeAgent): () => number {
  const subscribe = board.subscribe.bind(board);
  let count = 0;
  board.subscribe = (listener) => {
    const unsubscribe = subscribe(listener);
    count += 1;
    return () => {
      count -= 1;
      unsubscribe();
    };
  };
  return () => count;
}
