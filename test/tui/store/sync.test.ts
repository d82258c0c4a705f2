/** The mirror of the agent's tables stays true, whatever happens to the connection. */
import * as assert from 'uvu/assert';
import { PotluckError } from '../../../protocol/errors.js';
import type { WatchEvent, WatchSnapshot } from '../../../protocol/local/events.js';
import type { AgentClient } from '../../../tui/client/agent-client.js';
import { createAppStore } from '../../../tui/store/app-store.js';
import { followAgent } from '../../../tui/store/sync.js';
import { NOW, peer, self } from '../../support/fake-office.js';
import { spec } from '../../support/spec.js';

type Told = WatchEvent | 'break' | 'end';

const snapshot = (seq: number, ...names: readonly string[]): WatchSnapshot => ({
  type: 'snapshot',
  seq,
  tables: {
    self: [['self', self()]],
    peers: names.map((name) => [name, peer(name)]),
    shares: [],
    transfers: [],
    printers: [],
    jobs: [],
    notices: [],
  },
});
const put = (seq: number, name: string): WatchEvent => ({
  type: 'put',
  seq,
  table: 'peers',
  key: name,
  row: peer(name),
});

/** Plays one connection after the other, then stops the follower; answers how often it connected and what it slept. */
async function follow(...connections: readonly (readonly Told[])[]) {
  const stop = new AbortController();
  const store = createAppStore(NOW, queueMicrotask);
  const slept: number[] = [];
  const links: string[] = [];
  let connected = 0;
  store.subscribe(() => {
    const { link } = store.getSnapshot().agent;
    if (links.at(-1) !== link) links.push(link);
  });
  const client = {
    async *watch(after: number | null, signal: AbortSignal) {
      assert.is(after, null, 'numbers of another run are never continued');
      const told = connections[connected++];
      if (told === undefined) {
        stop.abort();
        signal.throwIfAborted();
      }
      for (const event of told ?? []) {
        if (event === 'break') throw new PotluckError('NO_AGENT', 'no agent is running on this PC');
        if (event === 'end') return;
        yield event;
      }
      throw new PotluckError('NO_AGENT', 'the agent ended');
    },
  } as unknown as AgentClient;
  const clock = { now: () => NOW, sleep: async (ms: number) => void slept.push(ms) };
  await followAgent(client, store, clock, stop.signal);
  return { connected, slept, links, state: store.getSnapshot() };
}

spec('sync', (it) => {
  it('mirrors a snapshot and what follows it', async () => {
    const { state, links } = await follow([
      snapshot(4, 'ana'),
      put(5, 'bruno'),
      { type: 'alive', seq: 5 },
      put(6, 'carla'),
    ]);
    assert.equal([...state.agent.tables.peers.keys()], ['ana', 'bruno', 'carla']);
    assert.equal(links.slice(0, 2), ['live', 'lost']);
  });

  it('asks for a snapshot when an event is missing', async () => {
    const { state, connected } = await follow([snapshot(4), put(6, 'late')], [snapshot(9, 'whole')]);
    assert.equal([...state.agent.tables.peers.keys()], ['whole']);
    assert.is(connected, 3);
  });

  it('asks for a snapshot when a sign of life tells that something was missed', async () => {
    const { state } = await follow([snapshot(4), { type: 'alive', seq: 5 }], [snapshot(5, 'whole')]);
    assert.equal([...state.agent.tables.peers.keys()], ['whole']);
  });

  it('takes nothing before a snapshot', async () => {
    const { state } = await follow([put(1, 'early')], ['break']);
    assert.is(state.agent.tables.peers.size, 0);
    assert.is(state.agent.link, 'absent');
  });

  it('says absent while no agent ever answered, lost afterwards, and why', async () => {
    const { state, links } = await follow(['break'], [snapshot(1), 'break'], ['break']);
    assert.equal(links, ['absent', 'live', 'lost']);
    assert.is(state.agent.because, 'no agent is running on this PC');
  });

  it('asks again soon, then more rarely, and soon again once it was answered', async () => {
    const { slept } = await follow(['break'], ['break'], ['break'], ['break'], [snapshot(1), 'break'], ['end']);
    assert.equal(slept, [500, 1000, 1000, 1000, 250, 500]);
  });
});
