/** A link's life, and what a hostile member can do to it: nothing but lose it. */
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import { MESSAGE_MAX_BYTES, PROBATION_ROSTER_MAX_BYTES } from '../../protocol/limits.js';
import { CLOSE } from '../../protocol/peer/session.js';
import { type Case, spec } from '../support/spec.js';
import {
  admit,
  type FloorAgent,
  HOST,
  linkUp,
  next,
  offline,
  online,
  openFloorAgent,
  openOffice,
  still,
} from './floor.js';
import { openRaw, type RawPeer } from './raw.js';

interface Scene {
  readonly ana: FloorAgent;
  /** A member that no agent runs for. */
  readonly raw: RawPeer;
  readonly bruno: FloorAgent;
}

async function openScene(t: Case, limits: object = {}, say: 'hello' | 'nothing' = 'hello'): Promise<Scene> {
  const [ana, bruno] = await openOffice(t, ['ana', 'bruno'], { limits });
  const raw = await openRaw(t, { identity: bruno!.identity, group: ana!.membership.group!, port: ana!.port });
  if (say === 'hello') {
    raw.hello(ana!.membership.digest());
    await online(ana!, bruno!);
  }
  return { ana: ana!, bruno: bruno!, raw };
}

const frame = (...bytes: number[]): Buffer => Buffer.from(bytes);
const note = { t: 'note', m: 'peer.changed', b: { what: 'shares' } };

spec('link', (it) => {
  it('begins with hello and exchanges rosters only when they differ', async (t) => {
    const { ana, raw } = await openScene(t);
    const hello = await raw.heard('hello');
    assert.equal([hello['v'], hello['name'], hello['roster']], [1, 'ana', ana.membership.digest()]);
    await raw.heard('note');
    assert.not(raw.received.some(({ t: type }) => type === 'roster'));

    const { raw: other } = await openScene(t, {}, 'nothing');
    other.hello('f'.repeat(64));
    const roster = await other.heard('roster');
    assert.is(roster['more'], false);
    assert.is((roster['recs'] as unknown[]).length, 2);
  });

  it('answers a type that it does not know with unsupported, and goes on', async (t) => {
    const { raw, ana, bruno } = await openScene(t);
    raw.say({ t: 'dance', id: 1 });
    assert.is((await raw.heard('unsupported'))['of'], 'dance');
    assert.ok(ana.peers.isOnline(bruno.id));
  });

  const BAD: Record<string, string | object> = {
    'a second hello': { t: 'hello', v: 1, name: 'x', roster: '0'.repeat(64), caps: [] },
    'an unknown field': { ...note, extra: 1 },
    'no type': { id: 1 },
    'a missing field': { t: 'req', id: 1, m: 'shares.list' },
    'an id that is no number': { t: 'req', id: '1', m: 'shares.list', b: {} },
    'a key of the prototype': '{"t":"note","m":"peer.changed","b":{"__proto__":{"admin":true}}}',
    'no JSON': 'hello there',
    nothing: '',
    'a note that its schema refuses': { t: 'note', m: 'peer.info', b: { version: 1 } },
    'JSON nested too deep': `{"t":"note","m":"a.b","b":${'['.repeat(17)}${']'.repeat(17)}}`,
    'JSON of too many parts': `{"t":"note","m":"a.b","b":[${'0,'.repeat(20_100)}0]}`,
    'roster records that nobody signed': { t: 'roster', recs: [{ p: 'e30=', s: `${'A'.repeat(86)}==` }], more: false },
  };
  for (const [what, message] of Object.entries(BAD)) {
    it(`closes with 4400 on ${what}`, async (t) => {
      const { raw, ana, bruno } = await openScene(t);
      raw.say(message);
      assert.is(await raw.closed, CLOSE.BAD_MESSAGE);
      await offline(ana, bruno);
    });
  }

  it('closes with 4400 on a binary message, and on anything before hello', async (t) => {
    const { raw } = await openScene(t);
    raw.webSocket.send(Buffer.alloc(10));
    assert.is(await raw.closed, CLOSE.BAD_MESSAGE);
    const { raw: early, ana, bruno } = await openScene(t, {}, 'nothing');
    early.say(note);
    assert.is(await early.closed, CLOSE.BAD_MESSAGE);
    assert.not(ana.peers.isOnline(bruno.id));
  });

  it('refuses a JSON bomb without parsing it', async (t) => {
    const { raw } = await openScene(t);
    raw.say('['.repeat(1_000_000));
    assert.is(await raw.closed, 1009);
    const { raw: smaller } = await openScene(t);
    smaller.say('['.repeat(MESSAGE_MAX_BYTES - 1));
    assert.is(await smaller.closed, CLOSE.BAD_MESSAGE);
  });

  it('ends a link whose hello never comes', async (t) => {
    const { raw } = await openScene(t, { probationMs: 200 }, 'nothing');
    assert.is(await raw.closed, 1000);
  });
});

spec('hostile frames', (it) => {
  const FRAMES: Record<string, [Buffer, number]> = {
    'a header that promises 2 GiB': [frame(0x81, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3, 4), 1009],
    'a header that promises 2^53 bytes': [frame(0x81, 0xff, 0, 0x20, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4), 1009],
    'a compressed frame': [frame(0xc1, 0x80, 1, 2, 3, 4), 1002],
    'an unmasked frame': [frame(0x81, 0x01, 0x41), 1002],
    'bytes that are no UTF-8': [frame(0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28), 1007],
    'too many fragments': [
      Buffer.concat([frame(0x01, 0x80, 0, 0, 0, 0), ...Array.from({ length: 100 }, () => frame(0, 0x80, 0, 0, 0, 0))]),
      1008,
    ],
  };
  for (const [what, [bytes, code]] of Object.entries(FRAMES)) {
    it(`closes with ${code} on ${what}`, async (t) => {
      const { raw, ana, bruno } = await openScene(t);
      raw.write(bytes);
      assert.is(await raw.closed, code);
      await offline(ana, bruno);
    });
  }

  it('closes with 4429 on a flood of messages or of pings, and serves the others meanwhile', async (t) => {
    const [ana, bruno, carla] = await openOffice(t, ['ana', 'bruno', 'carla']);
    await linkUp(carla!, ana!);
    ana!.handlers.handle = async () => ({ shares: [] });
    for (const kind of ['message', 'ping'] as const) {
      const raw = await openRaw(t, { identity: bruno!.identity, group: ana!.membership.group!, port: ana!.port });
      raw.hello(ana!.membership.digest());
      await online(ana!, bruno!);
      const text = JSON.stringify(note);
      for (let count = 0; count < 10_000; count++) {
        if (kind === 'message') raw.webSocket.send(text);
        else raw.webSocket.ping();
      }
      assert.equal(await carla!.peers.call(ana!.id, 'shares.list', {}, t.signal), { shares: [] });
      const code = await raw.closed;
      assert.ok(code === CLOSE.FLOOD || code === 1006, `${kind}: ${code}`);
      await offline(ana!, bruno!);
      assert.ok(ana!.peers.isOnline(carla!.id));
    }
    const ends = ana!.logged.filter(({ event }) => event === 'peer.offline').map(({ fields }) => fields['end']);
    assert.equal(ends, ['flood', 'flood']);
  });

  it('stops reading who does not read, and cuts the link when that does not help', async (t) => {
    const limits = { sendPauseBytes: 1 << 20, sendMaxBytes: 24 << 20, messagesBurst: 1e6, messagesPerSecond: 1e6 };
    const { raw, ana, bruno } = await openScene(t, limits);
    let asked = 0;
    const answer = { text: 'x'.repeat(60_000) };
    ana.handlers.handle = async () => {
      asked += 1;
      return answer;
    };
    raw.webSocket.pause();
    for (let id = 0; id < 5000; id++) raw.say({ t: 'req', id, m: 'shares.list', b: {} });
    // What is still asked is no longer read: the number of answers stands still long before all are given.
    await still(() => asked);
    assert.ok(asked < 600, `${asked} answers`);
    assert.ok(ana.peers.isOnline(bruno.id));
    // What this PC tells of its own accord fills the queue to its end.
    for (let count = 0; count < 400; count++) {
      ana.peers.tell(bruno.id, 'peer.addresses', { peers: many() });
    }
    await offline(ana, bruno);
    assert.is(ana.logged.find(({ event }) => event === 'peer.offline')?.fields['end'], 'slow');
  });

  it('reads on when a slow reader has caught up', async (t) => {
    const limits = { sendPauseBytes: 1 << 20, messagesBurst: 1e6, messagesPerSecond: 1e6 };
    const { raw, ana } = await openScene(t, limits);
    ana.handlers.handle = async () => ({ text: 'x'.repeat(60_000) });
    raw.webSocket.pause();
    for (let id = 0; id < 400; id++) raw.say({ t: 'req', id, m: 'shares.list', b: {} });
    await new Promise((resolve) => setTimeout(resolve, 200));
    raw.webSocket.resume();
    const answers = (): number => raw.received.filter(({ t: type }) => type === 'ans' || type === 'err').length;
    while (answers() < 400) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

spec('silence', (it) => {
  it('ends a link from which nothing comes any more, though the connection stands', async (t) => {
    const { raw, ana, bruno } = await openScene(t, { pingMs: 60, silenceMs: 200 });
    raw.webSocket.pause();
    const started = performance.now();
    await offline(ana, bruno);
    assert.is(ana.peers.get(bruno.id)?.because, 'it does not answer any more');
    assert.ok(performance.now() - started < 5000);
  });

  it('keeps a link on which nobody says anything', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno'], { limits: { pingMs: 30, silenceMs: 90 } });
    await linkUp(ana!, bruno!);
    const lost = next(ana!, 'peer.offline').then(() => 'lost');
    const waited = new Promise((resolve) => setTimeout(() => resolve('kept'), 500));
    assert.is(await Promise.race([lost, waited]), 'kept');
  });

  it('makes sure of its links when the network changed', async (t) => {
    const { raw, ana, bruno } = await openScene(t, { dialTcpMs: 100 });
    ana.peers.networkChanged();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(ana.peers.isOnline(bruno.id), 'it answered');
    raw.webSocket.pause();
    ana.peers.networkChanged();
    await offline(ana, bruno);
  });
});

spec('probation', (it) => {
  it('lets a newcomer in that brings its record, whichever side dials', async (t) => {
    for (const dials of ['newcomer', 'member'] as const) {
      const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
      const nina = await openFloorAgent(t, 'nina');
      await admit(ana!, nina);
      for (const page of ana!.membership.pages()) nina.membership.merge(page);
      assert.is(bruno!.membership.status(nina.id), 'unknown');
      await (dials === 'newcomer' ? linkUp(nina, bruno!) : linkUp(bruno!, nina));
      assert.is(bruno!.membership.status(nina.id), 'member');
    }
  });

  it('lets a newcomer learn who let it in', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const nina = await openFloorAgent(t, 'nina');
    // Nina's roster has the founder and her own record, signed by bruno, whom she does not know.
    await admit(bruno!, nina);
    assert.is(nina.membership.status(bruno!.id), 'unknown');
    await linkUp(nina, bruno!);
    assert.is(nina.membership.status(ana!.id), 'member');
  });

  it('tells an unknown peer nothing but hello, and closes with 4403 in time', async (t) => {
    const { ana, raw } = await openUnknown(t, { probationMs: 200 });
    raw.hello();
    assert.is(await raw.closed, CLOSE.NOT_A_MEMBER);
    assert.equal(
      raw.received.map(({ t: type }) => type),
      ['hello'],
    );
    assert.is(ana.peers.list().length, 0);
  });

  it('closes with 4403 on records that do not make it a member', async (t) => {
    const { ana, raw } = await openUnknown(t);
    raw.hello();
    raw.say({ t: 'roster', recs: ana.membership.pages().flat(), more: false });
    assert.is(await raw.closed, CLOSE.NOT_A_MEMBER);
  });

  it('reads nothing else from it, and not more than so much', async (t) => {
    const { raw } = await openUnknown(t);
    raw.hello();
    raw.say({ t: 'req', id: 1, m: 'shares.list', b: {} });
    assert.is(await raw.closed, CLOSE.BAD_MESSAGE);
    const { raw: big } = await openUnknown(t);
    big.hello();
    const recs = Array.from({ length: 9 }, () => ({ p: 'A'.repeat(5000), s: `${'A'.repeat(86)}==` }));
    for (let sent = 0; sent <= PROBATION_ROSTER_MAX_BYTES; sent += 9 * 5088) big.say({ t: 'roster', recs, more: true });
    assert.is(await big.closed, CLOSE.BAD_MESSAGE);
  });

  it('lets unknown peers wait for their turn, and refuses a third at once', async (t) => {
    const ana = await openFloorAgent(t, 'ana', { limits: { probationIntervalMs: 150, probationMs: 400 } });
    await ana.membership.create('Office', 'ana');
    const started = performance.now();
    const open = async (): Promise<RawPeer | null> => {
      const stranger = await openFloorAgent(t, 'stranger');
      const options = { identity: stranger.identity, group: ana.membership.group!, port: ana.port };
      return openRaw(t, options).catch(() => null);
    };
    const [first, second] = await Promise.all([open(), open()]);
    assert.ok(first !== null && second !== null);
    assert.ok(performance.now() - started >= 150);
    assert.is(await open(), null);
    await Promise.all([first.closed, second.closed]);
    assert.is.not(await open(), null);
  });
});

/** A PC that holds the group key and that nobody let in. */
async function openUnknown(t: Case, limits: object = {}): Promise<{ ana: FloorAgent; raw: RawPeer }> {
  const ana = await openFloorAgent(t, 'ana', { limits });
  await ana.membership.create('Office', 'ana');
  const stranger = await openFloorAgent(t, 'stranger');
  const raw = await openRaw(t, { identity: stranger.identity, group: ana.membership.group!, port: ana.port });
  return { ana, raw };
}

/** A note of about 40 KB. */
function many(): { peer: FloorAgent['id']; addresses: { host: string; port: number }[] }[] {
  return Array.from({ length: 64 }, () => ({
    peer: randomBytes(32).toString('hex') as FloorAgent['id'],
    addresses: Array.from({ length: 8 }, () => ({ host: HOST.padEnd(45, '1'), port: 40_000 })),
  }));
}
