/** Strangers at the port: nobody gets past TLS, the roster and the proof, and nobody is told anything. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import * as assert from 'uvu/assert';
import { certificatePem, makeCertificate } from '../../agent/workgroup/certificate.js';
import { serverTlsOptions } from '../../agent/net/tls.js';
import { peerIdOf } from '../../protocol/ids.js';
import { linkProof } from '../../protocol/mac.js';
import { spec, type Case } from '../support/spec.js';
import { intrude, knock, type StrangerKey } from '../support/stranger.js';
import { type FloorAgent, HOST, linkUp, openFloorAgent, openOffice } from './floor.js';

const MAGIC = Buffer.from([0x50, 0x54, 0x4c, 0x01]);

function makeKey(type: 'ec' | 'rsa' = 'ec'): StrangerKey & { readonly id: ReturnType<typeof peerIdOf> } {
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
  return {
    id: peerIdOf(createHash('sha256').update(spki).digest()),
    keyPem: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    certificatePem: certificatePem(makeCertificate(pair.privateKey, spki, randomBytes)),
  };
}

async function oneAgent(t: Case, limits = {}): Promise<FloorAgent> {
  const [agent] = await openOffice(t, ['ana'], { limits });
  return agent!;
}

const keyOf = ({ identity }: FloorAgent): StrangerKey => identity;
const group = (agent: FloorAgent): Uint8Array => agent.membership.group!;

spec('TLS at the door', (it) => {
  it('hangs up on a stranger who knows nothing, with 0 bytes', async (t) => {
    const ana = await oneAgent(t, { prefaceMs: 300 });
    const stranger = await intrude(t, { port: ana.port, key: makeKey() });
    stranger.say('GET /v1/link HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.is(await stranger.untilClosed(), 0);
  });

  it('hangs up on who shows no certificate', async (t) => {
    const ana = await oneAgent(t);
    const stranger = await intrude(t, { port: ana.port, key: null }).catch(() => null);
    assert.is(await (stranger?.untilClosed() ?? 0), 0);
  });

  it('refuses TLS 1.2', async (t) => {
    const ana = await oneAgent(t);
    await refused(intrude(t, { port: ana.port, key: keyOf(ana), version: 'TLSv1.2' }));
  });

  it('refuses another protocol, and the join while no invitation is open', async (t) => {
    const ana = await oneAgent(t);
    await refused(intrude(t, { port: ana.port, key: makeKey(), alpn: 'h2' }));
    await refused(intrude(t, { port: ana.port, key: makeKey(), alpn: 'potluck-join/1' }));
  });

  it('hangs up on who offers no protocol at all', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const stranger = await intrude(t, { port: ana!.port, key: keyOf(bruno!), alpn: null });
    assert.is(await stranger.untilClosed(), 0);
  });

  it('refuses a key of another kind', async (t) => {
    const ana = await oneAgent(t);
    const stranger = await intrude(t, { port: ana.port, key: makeKey('rsa') }).catch(() => null);
    assert.is(await (stranger?.untilClosed() ?? 0), 0);
  });

  it('gives no ticket that somebody else could resume with', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno'], { limits: { prefaceMs: 300 } });
    const sessions: Buffer[] = [];
    const socket = tls.connect({ port: ana!.port, host: HOST, ...keyed(keyOf(bruno!)), ALPNProtocols: ['potluck/1'] });
    t.defer(() => socket.destroy());
    socket.on('session', (session) => sessions.push(session));
    await new Promise((resolve) => socket.once('close', resolve));
    const again = tls.connect({
      port: ana!.port,
      host: HOST,
      ...keyed(makeKey()),
      ALPNProtocols: ['potluck/1'],
      session: sessions[0],
    });
    t.defer(() => again.destroy());
    again.on('error', () => undefined);
    await new Promise((resolve) => again.once('secureConnect', resolve));
    assert.not(again.isSessionReused());
    await new Promise((resolve) => again.once('close', resolve));
  });

  it('sends nothing to an impostor that a forged announcement points at', async (t) => {
    const ana = await oneAgent(t);
    const impostor = makeKey();
    // It holds the group's key, as a removed PC does, but is nobody in the roster of ana.
    const bytes = await serveAs(t, impostor, (port) => ana.peers.found([{ host: HOST, port }]));
    const proof = bytes.subarray(0, 36);
    assert.is(bytes.length, proof.length, 'no more than its proof, which is worth nothing elsewhere');
    assert.not(ana.peers.list().some(({ state }) => state === 'online'));
  });

  it('sends nothing at all to a removed member, nor to itself', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await ana!.membership.remove(bruno!.id);
    const port = bruno!.port;
    await bruno!.close();
    const bytes = await serveAs(t, bruno!.identity, (at) => ana!.peers.found([{ host: HOST, port: at }]));
    assert.is(bytes.length, 0);
    assert.ok(port > 0);
    const own = await serveAs(t, ana!.identity, (at) => ana!.peers.found([{ host: HOST, port: at }]));
    assert.is(own.length, 0);
  });
});

spec('the proof at the door', (it) => {
  it('lets a member in whose proof is right', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const member = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
    member.say(member.preface(group(ana!), keyOf(bruno!)));
    await new Promise((resolve) => member.socket.once('data', resolve));
    assert.is(member.received.length, 36);
  });

  const WRONG: Record<string, (right: Buffer) => Buffer> = {
    'with a wrong MAC': (right) => Buffer.concat([MAGIC, Buffer.alloc(32, right[4])]),
    'with another magic': (right) => Buffer.concat([Buffer.from([0x50, 0x54, 0x4c, 0x02]), right.subarray(4)]),
    'with bytes behind it': (right) => Buffer.concat([right, Buffer.from('GET /')]),
    'that is empty': () => Buffer.alloc(36),
  };
  for (const [what, make] of Object.entries(WRONG)) {
    it(`answers nothing to a member's proof ${what}`, async (t) => {
      const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
      const member = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
      member.say(make(member.preface(group(ana!), keyOf(bruno!))));
      assert.is(await member.untilClosed(2000), 0);
    });
  }

  it('answers nothing to another group key', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const member = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
    member.say(member.preface(randomBytes(32), keyOf(bruno!)));
    assert.is(await member.untilClosed(2000), 0);
  });

  it('answers nothing to a proof of another connection', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const before = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
    const replayed = before.preface(group(ana!), keyOf(bruno!));
    const member = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
    member.say(replayed);
    assert.is(await member.untilClosed(2000), 0);
  });

  it('answers nothing to the proof of the other role, nor with swapped ids', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    for (const kind of ['role', 'ids'] as const) {
      const member = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
      const exporter = (member.socket as tls.TLSSocket).exportKeyingMaterial(
        32,
        'EXPORTER-potluck-v1',
        Buffer.from('potluck/1'),
      );
      const [client, server] = kind === 'role' ? [bruno!.id, ana!.id] : [ana!.id, bruno!.id];
      const role = kind === 'role' ? 'server' : 'client';
      member.say(Buffer.concat([MAGIC, linkProof(group(ana!), role, { exporter, client, server })]));
      assert.is(await member.untilClosed(2000), 0);
    }
  });

  it('is not fooled by a server that reflects it', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await bruno!.close();
    const bytes = await serveAs(t, bruno!.identity, (port) => ana!.peers.found([{ host: HOST, port }]), 'reflect');
    assert.is(bytes.length, 36);
    assert.not(ana!.peers.isOnline(bruno!.id));
  });

  it('is not fooled by a relay: it sees 36 bytes up and none down', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    // The relay has even stolen the key of bruno: only the exporter tells the two connections apart.
    const toAna = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
    const up = await serveAs(
      t,
      bruno!.identity,
      (port) => ana!.peers.found([{ host: HOST, port }]),
      (bytes) => toAna.say(bytes),
    );
    assert.is(up.length, 36);
    assert.is(await toAna.untilClosed(2000), 0);
  });

  it('hangs up on a removed member right after TLS', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await ana!.membership.remove(bruno!.id);
    const removed = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
    assert.is(await removed.untilClosed(2000), 0);
  });
});

spec('limits at the door', (it) => {
  it('ends whoever is slow, at each step in its time', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno'], {
      limits: { tlsMs: 300, prefaceMs: 400, upgradeMs: 500 },
    });
    const key = keyOf(bruno!);
    const silent = await knock(t, ana!.port);
    const dripping = await knock(t, ana!.port);
    const drip = setInterval(() => dripping.say(Buffer.from([0x16])), 50);
    t.defer(() => clearInterval(drip));
    const member = await intrude(t, { port: ana!.port, key });
    const headers = await intrude(t, { port: ana!.port, key });
    headers.say(headers.preface(group(ana!), key));
    await new Promise((resolve) => headers.socket.once('data', resolve));
    headers.say('GET /v1/link HTTP/1.1\r\nHost');
    const ends = await Promise.all([silent, dripping, member, headers].map((one) => one.untilClosed(5000)));
    assert.equal(ends, [0, 0, 0, 36]);
  });

  it('hangs up on HTTP that is no upgrade, and on headers that are too long', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const key = keyOf(bruno!);
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    const wsKey = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
    const requests = [
      'GET /v1/link HTTP/1.1\r\nHost: x\r\n\r\n',
      `GET /v1/link HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(4000)}\r\n\r\n`,
      'garbage\r\n\r\n',
      `GET /v1/else HTTP/1.1\r\nHost: x\r\n${upgrade}${wsKey}Sec-WebSocket-Protocol: potluck.v1\r\n\r\n`,
      `GET /v1/link HTTP/1.1\r\nHost: x\r\n${upgrade}${wsKey}Sec-WebSocket-Protocol: chat\r\n\r\n`,
      `GET /v1/link?back=${'0'.repeat(32)} HTTP/1.1\r\nHost: x\r\n${upgrade}${wsKey}Sec-WebSocket-Protocol: potluck.v1\r\n\r\n`,
    ];
    for (const request of requests) {
      const member = await intrude(t, { port: ana!.port, key });
      member.say(member.preface(group(ana!), key));
      await new Promise((resolve) => member.socket.once('data', resolve));
      member.say(request);
      assert.is(await member.untilClosed(2000), 36, request.slice(0, 40));
    }
  });

  it('keeps 8 unproved connections of one address and serves members meanwhile', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    await linkUp(bruno!, ana!);
    const before = process.memoryUsage().rss;
    const count = { open: 0, refused: 0 };
    const sockets: net.Socket[] = [];
    for (let at = 0; at < 1000; at++) {
      const socket = net.connect(ana!.port, HOST);
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('connect', () => (count.open += 1));
      socket.once('close', () => (count.refused += 1));
    }
    t.defer(() => sockets.forEach((socket) => socket.destroy()));
    while (count.refused < 992) await new Promise((resolve) => setImmediate(resolve));
    ana!.handlers.handle = async () => ({ shares: [] });
    assert.equal(await bruno!.peers.call(ana!.id, 'shares.list', {}, t.signal), { shares: [] });
    assert.ok(count.open >= 8);
    assert.ok(process.memoryUsage().rss - before < 60 * 2 ** 20, 'bounded memory');
    for (const socket of sockets) socket.destroy();
    // The places are free again, as soon as this agent has seen the ends.
    let late = null;
    while (late === null) late = await intrude(t, { port: ana!.port, key: keyOf(bruno!) }).catch(() => null);
    late.say(late.preface(group(ana!), keyOf(bruno!)));
    await new Promise((resolve) => late.socket.once('data', resolve));
  });

  it('lives through a storm of resets and garbage', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    for (let round = 0; round < 60; round++) {
      await Promise.all(
        Array.from({ length: 8 }, async (_, at) => {
          const socket = net.connect(ana!.port, HOST);
          socket.on('error', () => undefined);
          await new Promise((resolve) => socket.once('connect', resolve));
          if (at % 3 === 1) socket.write(randomBytes(200));
          if (at % 3 === 2) socket.write(Buffer.from('16030100f0010000ec0303', 'hex'));
          socket.resetAndDestroy();
        }),
      );
    }
    await linkUp(bruno!, ana!);
  });

  it('closes an address that is not near before TLS', async (t) => {
    const ana = await openFloorAgent(t, 'ana', { isAcceptableRemote: () => false });
    const stranger = await knock(t, ana.port);
    assert.is(await stranger.untilClosed(2000), 0);
  });

  it('takes the next port when the first one is taken, and no other when one was asked for', async (t) => {
    const ana = await openFloorAgent(t, 'ana');
    const next = await openFloorAgent(t, 'bruno', { ports: [ana.port, 0] });
    assert.is.not(next.port, ana.port);
    const error = await openFloorAgent(t, 'carla', { ports: [ana.port] }).catch((thrown: unknown) => thrown);
    assert.match(String(error), /port \d+ is taken/);
  });

  it('leaves nothing open when it is closed', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    const silent = await knock(t, ana!.port);
    const half = await intrude(t, { port: ana!.port, key: keyOf(bruno!) });
    await ana!.close();
    assert.is(await silent.untilClosed(1000), 0);
    assert.is(await half.untilClosed(1000), 0);
    await ana!.close();
  });
});

async function refused(attempt: Promise<unknown>): Promise<void> {
  const outcome = await attempt.then(
    () => 'in',
    () => 'refused',
  );
  assert.is(outcome, 'refused');
}

function keyed(key: StrangerKey): tls.ConnectionOptions {
  return { key: key.keyPem, cert: key.certificatePem, rejectUnauthorized: false };
}

/**
 * A server with that key: what did the first connection to it say before it hung up?
 * @param answer  'reflect' sends what it gets back
 */
async function serveAs(
  t: Case,
  key: StrangerKey & { readonly id: FloorAgent['id'] },
  announce: (port: number) => void,
  answer: 'reflect' | ((bytes: Buffer) => void) = () => undefined,
): Promise<Buffer> {
  const server = tls.createServer(serverTlsOptions(key, 5000, () => false));
  t.defer(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const said = new Promise<Buffer>((resolve) => {
    // It may hang up before this side has even seen its certificate.
    server.on('tlsClientError', () => resolve(Buffer.alloc(0)));
    server.on('secureConnection', (socket) => {
      const blocks: Buffer[] = [];
      t.defer(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        blocks.push(bytes);
        if (answer === 'reflect') socket.write(bytes);
        else answer(bytes);
        // An impostor that cannot answer waits; the dialler's limit would end it in three seconds.
        if (answer !== 'reflect') setTimeout(() => socket.destroy(), 100);
      });
      socket.on('close', () => resolve(Buffer.concat(blocks)));
    });
  });
  announce((server.address() as net.AddressInfo).port);
  return said;
}
