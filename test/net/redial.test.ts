/** What is dialled, how often, and what never. */
import net from 'node:net';
import * as assert from 'uvu/assert';
import { NET_LIMITS } from '../../agent/net/net-limits.js';
import { Redial, type RedialOptions } from '../../agent/net/redial.js';
import { makeDialContext } from '../../agent/net/tls.js';
import type { PeerId } from '../../protocol/ids.js';
import { ADDRESSES_PER_PEER_MAX_COUNT, DIAL_MAX_COUNT } from '../../protocol/limits.js';
import type { Address } from '../../protocol/peer/info.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Case, spec } from '../support/spec.js';
import { failure, HOST, openFloorAgent, until } from './floor.js';

const ANA = 'a'.repeat(64) as PeerId;
const BRUNO = 'b'.repeat(64) as PeerId;

interface Scene {
  readonly redial: Redial;
  readonly clock: FakeClock;
  /** Ends of dials, each with its address and code. */
  readonly attempts: string[];
}

async function openScene(t: Case, options: Partial<RedialOptions> = {}): Promise<Scene> {
  const { identity } = await openFloorAgent(t, 'ana');
  const clock = new FakeClock();
  const attempts: string[] = [];
  const group = Buffer.alloc(32);
  const redial = new Redial({
    dialler: { id: identity.id, context: makeDialContext(identity), limits: NET_LIMITS, group: () => group },
    clock,
    random: () => 0.5,
    isAcceptableRemote: (host) => host === HOST,
    wanted: () => true,
    admit: () => undefined,
    released: () => undefined,
    establish: () => Promise.reject(new Error('never in this test')),
    onAttempt: (_peer, { port }, error) => void (error === null ? null : attempts.push(`${port} ${error.code}`)),
    ...options,
  });
  t.defer(() => redial.close());
  return { redial, clock, attempts };
}

/** A TCP server that counts who comes, and hangs up on everybody unless told. */
async function openCounter(
  t: Case,
  hangUp = true,
): Promise<{ readonly address: Address; readonly count: () => number }> {
  let count = 0;
  const server = net.createServer((socket) => {
    count += 1;
    socket.on('error', () => undefined);
    t.defer(() => socket.destroy());
    if (hangUp) socket.destroy();
  });
  t.defer(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return { address: { host: HOST, port: (server.address() as net.AddressInfo).port }, count: () => count };
}

/** Long enough for a dial on loopback to have begun. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

spec('redial', (it) => {
  it('tries an address that proved nothing every five seconds at most, whoever names it', async (t) => {
    const { redial, clock, attempts } = await openScene(t);
    const { address, count } = await openCounter(t);
    redial.learn(address, ANA);
    await until(() => attempts.length === 1);
    assert.is(attempts[0], `${address.port} PEER_UNREACHABLE`);
    for (let name = 0; name < 10; name++) redial.learn(address, null);
    redial.retryAll();
    redial.retry(ANA, 0);
    clock.pass(4900);
    await pause();
    assert.is(count(), 1);
    clock.pass(100);
    await until(() => count() === 2);
  });

  it('waits longer and longer, until the address is named again', async (t) => {
    const { redial, clock, attempts } = await openScene(t);
    const { address, count } = await openCounter(t);
    redial.learn(address, ANA);
    for (let dials = 1; dials <= 4; dials++) {
      await until(() => attempts.length === dials);
      clock.pass(dials < 4 ? 5000 : 0);
    }
    // Four failures: the fifth dial is due eight seconds after the fourth.
    clock.pass(7000);
    await pause();
    assert.is(count(), 4);
    redial.learn(address, ANA);
    await until(() => count() === 5);
  });

  it('has four dials under way at once, half of them to one peer', async (t) => {
    const { redial } = await openScene(t);
    const counters = [];
    for (let made = 0; made < 7; made++) counters.push(await openCounter(t, false));
    counters.forEach(({ address }, at) => redial.learn(address, at < 3 ? ANA : null));
    await pause();
    const begun = counters.map(({ count }) => count());
    assert.is(
      begun.reduce((sum, one) => sum + one, 0),
      DIAL_MAX_COUNT,
    );
    assert.is(
      begun.slice(0, 3).reduce((sum, one) => sum + one, 0),
      2,
    );
  });

  it('never dials what is not near, a port of the system, or a peer that is not wanted', async (t) => {
    const { redial } = await openScene(t, { wanted: (peer) => peer !== BRUNO });
    const { address, count } = await openCounter(t);
    redial.learn({ host: '198.51.100.1', port: 40_000 }, ANA);
    redial.learn({ host: HOST, port: 80 }, ANA);
    assert.equal(redial.addressesOf(ANA), []);
    redial.learn(address, BRUNO);
    await pause();
    assert.is(count(), 0);
    assert.is(await failure(redial.dialAny([{ host: '198.51.100.1', port: 40_000 }], t.signal)), 'NOT_ALLOWED');
  });

  it('keeps few addresses of one peer, and gives up announced ones that never prove anything', async (t) => {
    const { redial, clock, attempts } = await openScene(t, { wanted: (peer) => peer !== BRUNO });
    for (let port = 20_000; port < 20_020; port++) redial.learn({ host: HOST, port }, BRUNO);
    assert.is(redial.addressesOf(BRUNO).length, ADDRESSES_PER_PEER_MAX_COUNT);
    const { address, count } = await openCounter(t);
    redial.learn(address, ANA);
    for (let dials = 1; dials <= 6; dials++) {
      await until(() => attempts.length === dials);
      clock.pass(60_000);
    }
    await pause();
    assert.is(count(), 6);
    assert.equal(redial.addressesOf(ANA), []);
  });

  it('stops at once when it is closed', async (t) => {
    const { redial } = await openScene(t);
    const { address, count } = await openCounter(t, false);
    redial.learn(address, null);
    await until(() => count() === 1);
    await redial.close();
    redial.learn({ ...address, port: address.port - 1 }, null);
    await pause();
    assert.is(count(), 1);
  });
});
