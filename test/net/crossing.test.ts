/** Two PCs that dial each other, or one another twice: one link stays, and nobody notices. */
import net from 'node:net';
import * as assert from 'uvu/assert';
import { type Case, spec } from '../support/spec.js';
import { type FloorAgent, HOST, linkUp, offline, online, openFloorAgent, openOffice, until } from './floor.js';

const ROUNDS = 50;

const ends = (agent: FloorAgent): unknown[] =>
  agent.logged.filter(({ event }) => event === 'peer.offline').map(({ fields }) => fields['end']);

/** How often it went online or offline so far. */
const flips = (agent: FloorAgent): number => agent.logged.filter(({ event }) => event.startsWith('peer.o')).length;

/** Of the links that stand: was it dialled here? */
function links(agent: FloorAgent): unknown[] {
  const standing: unknown[] = [];
  for (const { event, fields } of agent.logged) {
    if (event === 'link.ready') standing.push(fields['dialled']);
    else if (event === 'link.end' && fields['ready'] === true) standing.splice(standing.indexOf(fields['dialled']), 1);
  }
  return standing;
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

spec('two PCs that dial each other', (it) => {
  it(
    `end with one link, without a gap and without losing a request, ${ROUNDS} times`,
    async (t) => {
      let [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
      let crossed = 0;
      for (let seed = 1; seed <= ROUNDS; seed++) {
        await Promise.all([ana!.close(), bruno!.close()]);
        ana = await openFloorAgent(t, 'ana', { again: ana! });
        bruno = await openFloorAgent(t, 'bruno', { again: bruno! });
        crossed += await cross(t, ana, bruno, seeded(seed));
      }
      assert.ok(crossed > ROUNDS / 4, `only ${crossed} crossed`);
    },
    { limitMs: 120_000 },
  );

  it('are linked once, though one of them is known by several addresses', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const ports: number[] = [];
    for (let made = 0; made < 4; made++) ports.push(await openSlowWay(t, bruno!.port, () => 40));
    const linked = Promise.all([online(ana!, bruno!), online(bruno!, ana!)]);
    ana!.peers.found(ports.map((port) => ({ host: HOST, port })));
    await linked;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal([flips(ana!), flips(bruno!)], [1, 1]);
    assert.is(bruno!.logged.filter(({ event }) => event === 'link.end').length, 0, 'the others ended before the proof');
    assert.ok((ana!.peers.get(bruno!.id)?.addresses.length ?? 0) >= 4, 'all are known to be its own');
  });

  it('drop the older link when its dialler dials again: it has lost it', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    // The same PC comes again, as after a power cut of which the other end knows nothing.
    const again = await openFloorAgent(t, 'ana', { again: ana! });
    const gone = offline(bruno!, ana!);
    again.peers.found([{ host: HOST, port: bruno!.port }]);
    await gone;
    await online(bruno!, again);
    assert.equal(ends(bruno!), ['lost']);
  });
});

/** One round; @returns 1 when both connections were made */
async function cross(t: Case, ana: FloorAgent, bruno: FloorAgent, random: () => number): Promise<number> {
  for (const agent of [ana, bruno]) {
    agent.handlers.handle = async (peer) => {
      await new Promise((resolve) => setTimeout(resolve, random() * 20));
      return { shares: [{ id: '0'.repeat(32), name: peer.slice(0, 8), writable: false }] };
    };
  }
  const answers: Promise<unknown>[] = [];
  const askOften = async (agent: FloorAgent, other: FloorAgent): Promise<void> => {
    await online(agent, other);
    for (let count = 0; count < 30; count++) {
      answers.push(agent.peers.call(other.id, 'shares.list', {}, t.signal));
      await new Promise((resolve) => setTimeout(resolve, random() * 2));
    }
  };
  const dial = async (agent: FloorAgent, other: FloorAgent): Promise<void> => {
    // Each direction has a way of its own, now faster and now slower: the second link comes amid requests.
    const port = await openSlowWay(t, other.port, () => random() * 12);
    await new Promise((resolve) => setTimeout(resolve, random() * 10));
    agent.peers.found([{ host: HOST, port }]);
  };
  await Promise.all([dial(ana, bruno), dial(bruno, ana), askOften(ana, bruno), askOften(bruno, ana)]);
  assert.is((await Promise.all(answers)).length, 60);
  await until(() => links(ana).length === 1 && links(bruno).length === 1);
  assert.equal([flips(ana), flips(bruno)], [1, 1], 'nobody was offline for a moment');
  const ready = ana.logged.filter(({ event }) => event === 'link.ready').length;
  if (ready === 2) assert.equal(links(ana), [ana.id < bruno.id], 'the dialler with the smaller id is kept');
  assert.equal(links(bruno), [!links(ana)[0]]);
  return ready === 2 ? 1 : 0;
}

/** A relay of TCP that keeps every block back for a while, in order. @returns its port */
async function openSlowWay(t: Case, to: number, delayMs: () => number): Promise<number> {
  const server = net.createServer((from) => {
    const onward = net.connect(to, HOST);
    for (const [source, sink] of [
      [from, onward],
      [onward, from],
    ] as const) {
      t.defer(() => source.destroy());
      source.on('error', () => undefined);
      let way = Promise.resolve();
      const later = (act: () => void): void => {
        way = keepBack(way, delayMs(), act);
      };
      source.on('data', (bytes) => later(() => sink.write(bytes)));
      source.on('close', () => later(() => sink.end()));
    }
  });
  t.defer(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return (server.address() as net.AddressInfo).port;
}

async function keepBack(before: Promise<void>, ms: number, act: () => void): Promise<void> {
  await before;
  await new Promise((resolve) => setTimeout(resolve, ms));
  act();
}
