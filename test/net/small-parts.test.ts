/** The small parts of the network floor: counts, turns, buckets, paths, typed addresses, and the limits it runs with. */
import * as assert from 'uvu/assert';
import { NET_LIMITS } from '../../agent/net/net-limits.js';
import { Slots } from '../../agent/net/slots.js';
import { TokenBucket } from '../../agent/core/token-bucket.js';
import { Turns } from '../../agent/net/turns.js';
import { parseTypedAddress, resolveTypedAddress } from '../../agent/net/typed-address.js';
import { addressKey, UnprovedSockets } from '../../agent/net/unproved.js';
import { purposePath, readPurposePath } from '../../agent/net/web-socket.js';
import * as limits from '../../protocol/limits.js';
import { FakeClock } from '../support/fake-clock.js';
import { spec } from '../support/spec.js';
import { failure } from './floor.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

spec('the limits of an agent', (it) => {
  it('are those of protocol/limits.ts', () => {
    assert.equal(NET_LIMITS, {
      dialTcpMs: limits.DIAL_TCP_MAX_MS,
      tlsMs: limits.TLS_HANDSHAKE_MAX_MS,
      prefaceMs: limits.PREFACE_MAX_MS,
      upgradeMs: limits.UPGRADE_MAX_MS,
      probationMs: limits.PROBATION_MAX_MS,
      probationIntervalMs: limits.PROBATION_INTERVAL_MS,
      pingMs: limits.PING_INTERVAL_MS,
      silenceMs: limits.SILENCE_MAX_MS,
      answerMs: limits.REQUEST_ANSWER_MAX_MS,
      answerIdleMs: limits.REQUEST_IDLE_MAX_MS,
      progressMs: limits.REQUEST_PROGRESS_INTERVAL_MS,
      dialBackMs: limits.DIAL_BACK_MAX_MS,
      streamIdleMs: limits.STREAM_IDLE_MAX_MS,
      joinStepMs: limits.JOIN_STEP_MAX_MS,
      joinMs: limits.JOIN_MAX_MS,
      joinIntervalMs: limits.JOIN_INTERVAL_MS,
      messagesPerSecond: limits.MESSAGES_PER_SECOND_MAX_COUNT,
      messagesBurst: limits.MESSAGES_BURST_MAX_COUNT,
      sendPauseBytes: limits.SEND_QUEUE_PAUSE_BYTES,
      sendMaxBytes: limits.SEND_QUEUE_MAX_BYTES,
    });
    assert.ok(NET_LIMITS.silenceMs + NET_LIMITS.pingMs / 3 <= 45_000, 'silence is offline within 45 s');
  });
});

spec('unproved sockets', (it) => {
  it('are counted by address, and an IPv6 network of one host as one address', () => {
    const table: Record<string, string> = {
      '192.168.1.7': '192.168.1.7',
      '::ffff:192.168.1.7': '192.168.1.7',
      'fe80::1%eth0': 'fe80:0:0:0::/64',
      'fe80::2': 'fe80:0:0:0::/64',
      'fd00:1:2:3:4:5:6:7': 'fd00:1:2:3::/64',
      'fd00:0001:2:3::9': 'fd00:1:2:3::/64',
      'FD00:1:2:4::': 'fd00:1:2:4::/64',
      '::1': '0:0:0:0::/64',
    };
    for (const [address, key] of Object.entries(table)) assert.is(addressKey(address), key, address);
  });

  it('are 8 of one address and 64 in all, and a place is given back once', () => {
    const sockets = new UnprovedSockets();
    const places = Array.from({ length: limits.UNPROVED_SOCKETS_PER_ADDRESS_MAX_COUNT }, () =>
      sockets.enter('10.0.0.1'),
    );
    assert.not(places.includes(null));
    assert.is(sockets.enter('10.0.0.1'), null);
    places[0]?.();
    places[0]?.();
    assert.is.not(sockets.enter('10.0.0.1'), null);
    assert.is(sockets.enter('10.0.0.1'), null);
    let entered = 8;
    for (let host = 2; sockets.enter(`10.0.0.${host}`) !== null; host++) entered += 1;
    assert.is(entered, limits.UNPROVED_SOCKETS_MAX_COUNT);
  });
});

spec('turns', (it) => {
  it('come at once for each address, and again only after a while', async (t) => {
    const clock = new FakeClock();
    const turns = new Turns({ clock, atOnceMax: 3, intervalMs: 2000 });
    assert.is.not(await turns.take('10.0.0.1', t.signal), null);
    const second = turns.take('10.0.0.1', t.signal).then(() => 'second');
    const other = turns.take('10.0.0.2', t.signal).then(() => 'other');
    assert.is(await Promise.race([second, other]), 'other');
    assert.is(await turns.take('10.0.0.3', t.signal), null, 'three at once');
    clock.pass(2000);
    assert.is(await second, 'second');
  });

  it('are given back once, also by who stops waiting', async () => {
    const clock = new FakeClock();
    const turns = new Turns({ clock, atOnceMax: 1, intervalMs: 2000 });
    const end = await turns.take('10.0.0.1', new AbortController().signal);
    end?.();
    end?.();
    const stop = new AbortController();
    const waiting = failure(turns.take('10.0.0.1', stop.signal));
    stop.abort();
    assert.match(await waiting, /Abort/);
    clock.pass(5000);
    assert.is.not(await turns.take('10.0.0.1', new AbortController().signal), null);
  });
});

spec('slots', (it) => {
  it('are given first come, first served', async (t) => {
    const slots = new Slots(2);
    const order: string[] = [];
    const first = await slots.take(t.signal);
    await slots.take(t.signal);
    const enter = async (name: string, signal: AbortSignal): Promise<void> => {
      await slots.take(signal);
      order.push(name);
    };
    const stop = new AbortController();
    const left = failure(enter('left', stop.signal));
    const waiting = [enter('third', t.signal), enter('fourth', t.signal)];
    stop.abort();
    assert.match(await left, /Abort/);
    first();
    first();
    await turn();
    assert.equal(order, ['third']);
    waiting.pop()?.catch(() => undefined);
  });
});

spec('token bucket', (it) => {
  it('gives a burst and then so many a second', () => {
    const bucket = new TokenBucket(10, 3, 0);
    const taken = [0, 0, 0, 0, 99, 100, 150, 200, 10_000, 10_000, 10_000, 10_000].map((nowMs) => bucket.take(nowMs));
    assert.equal(taken, [true, true, true, false, false, true, false, true, true, true, true, false]);
  });
});

spec('the path of an upgrade', (it) => {
  it('is read as it was written', () => {
    const token = 'ab'.repeat(16);
    for (const kind of ['link', 'pieces', 'stream'] as const) {
      assert.equal(readPurposePath(purposePath({ kind, back: null })), { kind, back: null });
    }
    assert.equal(readPurposePath(purposePath({ kind: 'stream', back: token })), { kind: 'stream', back: token });
  });

  it('is one of three, with a token or without', () => {
    const bad = [
      '/',
      '/v1',
      '/v1/',
      '/v1/LINK',
      '/v2/link',
      '/v1/link/',
      '/v1/links',
      `/v1/link?back=${'a'.repeat(32)}`,
    ];
    const worse = ['/v1/pieces?back=', '/v1/pieces?back=zz', '/v1/pieces?token=1', '/v1/__proto__', '/v1/constructor'];
    for (const path of [...bad, ...worse]) assert.is(readPurposePath(path), null, path);
  });
});

spec('a typed address', (it) => {
  const READ: Record<string, [string, number | null]> = {
    '192.168.1.7': ['192.168.1.7', null],
    ' 192.168.1.7:27685 ': ['192.168.1.7', 27_685],
    'reception-pc': ['reception-pc', null],
    'reception.office.local:4000': ['reception.office.local', 4000],
    'fe80::1': ['fe80::1', null],
    'fe80::1%eth0': ['fe80::1%eth0', null],
    '[fd00::7]:5000': ['fd00::7', 5000],
    '[fd00::7]': ['fd00::7', null],
  };
  for (const [typed, [host, port]] of Object.entries(READ)) {
    it(`reads ${typed}`, () => assert.equal(parseTypedAddress(typed), { host, port }));
  }

  for (const typed of [
    '',
    ' ',
    'a b',
    'host:',
    'host:80',
    'host:70000',
    '[fd00::7',
    'http://host',
    'a/b',
    '[x]:5000',
    '-a',
  ]) {
    it(`refuses ${JSON.stringify(typed)}`, () => assert.throws(() => parseTypedAddress(typed)));
  }

  it('without a port means each port that an agent may have', async (t) => {
    assert.equal(await resolveTypedAddress('10.0.0.1', [5000, 5001], t.signal), [
      { host: '10.0.0.1', port: 5000 },
      { host: '10.0.0.1', port: 5001 },
    ]);
    assert.equal(await resolveTypedAddress('10.0.0.1:7000', [5000], t.signal), [{ host: '10.0.0.1', port: 7000 }]);
  });

  it('that names nobody is unreachable', async (t) => {
    assert.is(await failure(resolveTypedAddress('no-such-host.invalid', [5000], t.signal)), 'PEER_UNREACHABLE');
  });
});
