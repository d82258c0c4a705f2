/** Agents that find, link, lose and refuse each other. */
import net from 'node:net';
import * as assert from 'uvu/assert';
import type { PeerId } from '../../protocol/ids.js';
import { type Case, spec } from '../support/spec.js';
import {
  admit,
  failure,
  type FloorAgent,
  HOST,
  linkUp,
  next,
  offline,
  online,
  openFloorAgent,
  openOffice,
} from './floor.js';

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

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
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

spec('peers', (it) => {
  it('link, know each other by name, and tell about themselves', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana-laptop', 'bruno-pc']);
    const informed = next(ana!, 'peer.changed', () => ana!.peers.get(bruno!.id)?.info !== null);
    await linkUp(ana!, bruno!);
    await informed;
    const shown = ana!.peers.get(bruno!.id);
    assert.is(shown?.name, 'bruno-pc');
    assert.is(shown?.state, 'online');
    assert.is(shown?.because, '');
    assert.equal(shown?.addresses, [`${HOST}:${bruno!.port}`]);
    assert.is(shown?.info?.version, '0.0.0');
    assert.ok(shown?.lastSeenMs !== null);
  });

  it('say goodbye: the other is offline at once, and its questions are answered', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    bruno!.handlers.handle = () => new Promise(() => undefined);
    const asked = failure(ana!.peers.call(bruno!.id, 'shares.list', {}, t.signal));
    const gone = offline(ana!, bruno!);
    const started = performance.now();
    await bruno!.close();
    await gone;
    assert.ok(performance.now() - started < 1500);
    assert.is(await asked, 'PEER_OFFLINE');
    assert.is(ana!.peers.get(bruno!.id)?.state, 'offline');
    assert.is(ana!.peers.get(bruno!.id)?.because, 'its agent was stopped');
    assert.is(await failure(ana!.peers.call(bruno!.id, 'shares.list', {}, t.signal)), 'PEER_OFFLINE');
  });

  it('find each other again after one was restarted, without being told', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    const { port } = bruno!;
    const gone = offline(ana!, bruno!);
    await bruno!.close();
    await gone;
    const again = await openFloorAgent(t, 'bruno', { again: bruno!, ports: [port] });
    await online(ana!, again);
  });

  it('dial again at once when the network changed', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    const { port } = bruno!;
    const gone = offline(ana!, bruno!);
    await bruno!.close();
    await gone;
    const again = await openFloorAgent(t, 'bruno', { again: bruno!, ports: [port] });
    const started = performance.now();
    ana!.peers.networkChanged();
    await online(ana!, again);
    assert.ok(performance.now() - started < 1000);
  });

  it('are offline when they are unknown, and told apart from who is no coworker at all', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    assert.is(await failure(ana!.peers.call(bruno!.id, 'shares.list', {}, t.signal)), 'PEER_OFFLINE');
    assert.is(await failure(ana!.peers.openPieces(bruno!.id, t.signal)), 'PEER_OFFLINE');
    const nobody = '0'.repeat(64) as PeerId;
    assert.is(await failure(ana!.peers.call(nobody, 'shares.list', {}, t.signal)), 'PEER_UNKNOWN');
    assert.equal(
      ana!.peers.list().map(({ state, because }) => [state, because]),
      [['offline', 'not seen yet']],
    );
  });

  it('tell one or all, and nobody who is offline', async (t) => {
    const [ana, bruno, carla] = await openOffice(t, ['ana', 'bruno', 'carla']);
    await linkUp(ana!, bruno!);
    const told = new Promise((resolve) => {
      bruno!.handlers.note = (peer, name, body) => resolve([peer, name, body]);
    });
    ana!.peers.tell(carla!.id, 'peer.changed', { what: 'shares' });
    ana!.peers.tell('all', 'peer.changed', { what: 'printers' });
    assert.equal(await told, [ana!.id, 'peer.changed', { what: 'printers' }]);
  });

  it('learn from one another where the others are', async (t) => {
    const [ana, bruno, carla] = await openOffice(t, ['ana', 'bruno', 'carla']);
    await linkUp(ana!, bruno!);
    await linkUp(carla!, bruno!);
    await Promise.all([online(ana!, carla!), online(carla!, ana!)]);
  });

  it('tell what changed about themselves, to each its own', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    const before = bruno!.handlers.info;
    const changed = next(ana!, 'peer.changed', () => ana!.peers.get(bruno!.id)?.info?.shares === 7);
    bruno!.handlers.info = (peer) => ({ ...before(peer), shares: peer === ana!.id ? 7 : 0 });
    bruno!.peers.infoChanged();
    await changed;
  });
});

spec('an address that a person typed', (it) => {
  it('is reached, also by name, and again when it is linked', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const { signal } = t;
    assert.is(await ana!.network.connect(`localhost:${bruno!.port}`, signal), bruno!.id);
    assert.ok(ana!.peers.isOnline(bruno!.id));
    assert.is(await ana!.network.connect(`${HOST}:${bruno!.port}`, signal), bruno!.id);
  });

  it('is refused with the reason', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno'], { isAcceptableRemote: (host) => host !== '8.8.8.8' });
    const { signal } = t;
    const stranger = await openFloorAgent(t, 'stranger');
    await stranger.membership.create('Elsewhere', 'stranger');
    const closed = net.createServer();
    await new Promise<void>((resolve) => closed.listen(0, HOST, resolve));
    const { port } = closed.address() as net.AddressInfo;
    closed.close();
    await bruno!.close();
    await ana!.membership.remove(bruno!.id);
    const again = await openFloorAgent(t, 'bruno', { again: bruno! });
    assert.is(await failure(ana!.network.connect(`${HOST}:${port}`, signal)), 'PEER_UNREACHABLE');
    assert.is(await failure(ana!.network.connect(`${HOST}:${ana!.port}`, signal)), 'USAGE');
    assert.is(await failure(ana!.network.connect('8.8.8.8:40000', signal)), 'NOT_ALLOWED');
    assert.is(await failure(ana!.network.connect('no host', signal)), 'USAGE');
    assert.is(await failure(ana!.network.connect(`${HOST}:${again.port}`, signal)), 'NOT_A_MEMBER');
    assert.is(await failure(ana!.network.connect(`${HOST}:${stranger.port}`, signal)), 'PEER_UNREACHABLE');
    assert.is(await failure(stranger.network.connect(`${HOST}:${ana!.port}`, AbortSignal.abort())), 'CANCELLED');
  });
});

spec('removed and blocked', (it) => {
  it('a removed member is cut off at once and never comes back', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    let stopped = false;
    let started = Infinity;
    ana!.handlers.handle = (_peer, _method, _body, signal) =>
      new Promise((_resolve, reject) => {
        started = performance.now();
        signal.addEventListener('abort', () => {
          stopped = true;
          reject(signal.reason as Error);
        });
      });
    const asked = failure(bruno!.peers.call(ana!.id, 'shares.list', {}, t.signal));
    await until(() => started !== Infinity);
    const gone = offline(bruno!, ana!);
    await ana!.membership.remove(bruno!.id);
    assert.not(ana!.peers.isOnline(bruno!.id), 'before anything else happens');
    await gone;
    assert.ok(performance.now() - started < 1000);
    assert.is(await asked, 'PEER_OFFLINE');
    assert.ok(stopped);
    assert.equal(ana!.peers.list(), []);
    // Its own roster may not know of it: it is refused all the same.
    assert.is(await failure(bruno!.network.connect(`${HOST}:${ana!.port}`, t.signal)), 'PEER_UNREACHABLE');
    await assertNever(t, ana!, bruno!);
  });

  it('everybody hears of a removal, also who was not asked', async (t) => {
    const [ana, bruno, carla] = await openOffice(t, ['ana', 'bruno', 'carla']);
    await linkUp(ana!, bruno!);
    await linkUp(ana!, carla!);
    await Promise.all([online(bruno!, carla!), online(carla!, bruno!)]);
    const gone = offline(bruno!, carla!);
    await ana!.membership.remove(carla!.id);
    await gone;
    assert.is(bruno!.membership.status(carla!.id), 'removed');
  });

  it('everybody hears of a newcomer', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    const nina = await openFloorAgent(t, 'nina');
    const heard = next(bruno!, 'workgroup.changed', () => bruno!.membership.status(nina.id) === 'member');
    await admit(ana!, nina);
    await heard;
    assert.ok(bruno!.peers.list().some(({ id, name }) => id === nina.id && name === 'nina'));
  });

  it('a PC that leaves tells the others first', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    await bruno!.membership.leave((pages) => bruno!.peers.spread(pages));
    assert.is(ana!.membership.status(bruno!.id), 'removed');
    assert.equal(bruno!.peers.list(), []);
  });

  it('a blocked peer is cut off, refused, and let in again when it is no longer blocked', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    ana!.handlers.blocked = [bruno!.id];
    const gone = offline(bruno!, ana!);
    ana!.peers.blockedChanged();
    await gone;
    assert.is(ana!.peers.get(bruno!.id)?.state, 'blocked');
    assert.is(await failure(bruno!.network.connect(`${HOST}:${ana!.port}`, t.signal)), 'PEER_UNREACHABLE');
    assert.is(await failure(ana!.network.connect(`${HOST}:${bruno!.port}`, t.signal)), 'NOT_A_MEMBER');
    ana!.handlers.blocked = [];
    const back = online(ana!, bruno!);
    ana!.peers.blockedChanged();
    await back;
  });
});

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

/** The two do not link in the next moment, though both try. */
async function assertNever(t: Case, ana: FloorAgent, bruno: FloorAgent): Promise<void> {
  const linked = Promise.race([next(ana, 'peer.online'), next(bruno, 'peer.online')]).then(() => 'linked');
  ana.peers.found([{ host: HOST, port: bruno.port }]);
  bruno.peers.found([{ host: HOST, port: ana.port }]);
  ana.peers.networkChanged();
  bruno.peers.networkChanged();
  const waited = new Promise((resolve) => setTimeout(() => resolve('not'), 300));
  assert.is(await Promise.race([linked, waited]), 'not');
  assert.not(t.signal.aborted);
}
