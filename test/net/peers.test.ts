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
  OPEN,
  openFloorAgent,
  openOffice,
  until,
} from './floor.js';

const fault = (): never => {
  throw new TypeError('a bug');
};

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

  it('tell when they are called otherwise', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    const renamed = next(ana!, 'peer.changed', () => ana!.peers.get(bruno!.id)?.name === 'bruno-new');
    bruno!.handlers.name = 'bruno-new';
    bruno!.peers.infoChanged();
    await renamed;
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

spec('faults of what stands above', (it) => {
  it('end nothing: not the agent, not the link, not the others', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    Object.assign(bruno!.handlers, { handle: fault, note: fault, servePieces: fault, serveStream: fault, info: fault });
    bruno!.events.on('peer.online', fault);
    await linkUp(ana!, bruno!);
    ana!.peers.tell('all', 'peer.changed', { what: 'shares' });
    assert.is(await failure(ana!.peers.call(bruno!.id, 'shares.list', {}, t.signal)), 'INTERNAL');
    const pieces = await ana!.peers.openPieces(bruno!.id, t.signal);
    await pieces.closed;
    assert.is(await failure(ana!.peers.openStream(bruno!.id, OPEN, t.signal)), 'INTERNAL');
    bruno!.peers.infoChanged();
    await until(() => bruno!.logged.filter(({ event }) => event === 'note.fault').length > 1);
    assert.ok(ana!.peers.isOnline(bruno!.id));
    const faults = bruno!.logged.map(({ event }) => event).filter((event) => event.endsWith('.fault'));
    assert.equal(new Set(faults), new Set(['note.fault', 'link.fault', 'request.fault', 'serve.fault']));
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
    // It does not want to hear of it: its own roster still says that it belongs.
    bruno!.membership.merge = () => ({ changed: false, removed: [], bad: 0 });
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
    assert.is(await failure(bruno!.network.connect(`${HOST}:${ana!.port}`, t.signal)), 'PEER_UNREACHABLE');
    await assertNever(t, ana!, bruno!);
  });

  it('a removed member that is online hears it, and stops knocking', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(ana!, bruno!);
    const heard = next(bruno!, 'workgroup.changed', () => bruno!.membership.group === null);
    await ana!.membership.remove(bruno!.id);
    await heard;
    assert.is(bruno!.membership.lapse?.kind, 'removed');
    assert.is(bruno!.membership.lapse?.by?.id, ana!.id);
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
