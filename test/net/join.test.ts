/** Joining by invitation: the honest way, and every way in which the group key must not leave the member. */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  encodeJoinAsk,
  encodeJoinDone,
  encodeJoinGrant,
  readJoinAsk,
  readJoinGrant,
} from '../../agent/net/join-frames.js';
import { openTls, readOwn } from '../../agent/net/dial.js';
import { NET_LIMITS } from '../../agent/net/net-limits.js';
import { makeDialContext, readHandshake, serverTlsOptions } from '../../agent/net/tls.js';
import { type InviteCode, inviteKey, makeInviteCode, parseInviteCode } from '../../protocol/invite.js';
import { joinProof } from '../../protocol/mac.js';
import type { Address } from '../../protocol/peer/info.js';
import { ALPN_JOIN } from '../../protocol/version.js';
import { type Case, spec } from '../support/spec.js';
import { knock } from '../support/stranger.js';
import { failure, type FloorAgent, HOST, online, openFloorAgent } from './floor.js';

const QUICK = { joinIntervalMs: 10, joinStepMs: 1500 };
const HOUR_MS = 3_600_000;

interface Scene {
  readonly member: FloorAgent;
  readonly joiner: FloorAgent;
  readonly code: InviteCode;
  readonly at: Address;
}

async function openScene(t: Case, limits: object = QUICK): Promise<Scene> {
  const member = await openFloorAgent(t, 'reception-pc', { limits });
  const joiner = await openFloorAgent(t, 'Front desk', { limits });
  await member.membership.create('Office', member.name);
  const code = parseInviteCode(member.invites.open(HOUR_MS).code);
  return { member, joiner, code, at: { host: HOST, port: member.port } };
}

spec('join', (it) => {
  it('lets a PC in by its code and links the two', async (t) => {
    const { member, joiner, code, at } = await openScene(t);
    const linked = Promise.all([online(member, joiner), online(joiner, member)]);
    assert.is(await joiner.network.join(code, [at], null, t.signal), member.id);
    await linked;
    assert.is(joiner.membership.name, 'Office');
    assert.equal(joiner.membership.group, member.membership.group);
    assert.is(member.membership.members().find(({ id }) => id === joiner.id)?.name, 'Front desk');
  });

  it('takes a typed address, and passes PCs that do not hold the invitation', async (t) => {
    const { member, joiner, code } = await openScene(t);
    const other = await openFloorAgent(t, 'other', { limits: QUICK });
    await other.membership.create('Elsewhere', 'other');
    other.invites.open(HOUR_MS);
    const dead = await openFloorAgent(t, 'dead');
    await dead.close();
    const places = [dead, other, member].map(({ port }) => ({ host: HOST, port }));
    assert.is(await joiner.network.join(code, places, null, t.signal), member.id);
    const second = await openFloorAgent(t, 'second', { limits: QUICK });
    const again = parseInviteCode(member.invites.open(HOUR_MS).code);
    assert.is(await second.network.join(again, [], `${HOST}:${member.port}`, t.signal), member.id);
  });

  it('refuses a wrong code without a word, and says so', async (t) => {
    const { member, joiner, at } = await openScene(t);
    const wrong = makeInviteCode(randomBytes);
    assert.is(await failure(joiner.network.join(wrong, [at], null, t.signal)), 'INVITE_REFUSED');
    assert.is(member.membership.members().length, 1);
    assert.is(joiner.membership.group, null);
  });

  it('says when no PC is there, and when the PC there has no invitation open', async (t) => {
    const { member, joiner, code } = await openScene(t);
    assert.is(await failure(joiner.network.join(code, [], null, t.signal)), 'PEER_UNREACHABLE');
    const closed = await openFloorAgent(t, 'closed');
    const port = closed.port;
    await closed.close();
    assert.is(await failure(joiner.network.join(code, [{ host: HOST, port }], null, t.signal)), 'PEER_UNREACHABLE');
    const idle = await openFloorAgent(t, 'idle');
    await idle.membership.create('Idle', 'idle');
    assert.is(
      await failure(joiner.network.join(code, [{ host: HOST, port: idle.port }], null, t.signal)),
      'INVITE_REFUSED',
    );
    assert.is(member.membership.members().length, 1);
  });

  it('never dials an address that is not near', async (t) => {
    const { member, code, at } = await openScene(t);
    const joiner = await openFloorAgent(t, 'far', { isAcceptableRemote: () => false });
    assert.is(await failure(joiner.network.join(code, [at], null, t.signal)), 'PEER_UNREACHABLE');
    assert.is(member.membership.members().length, 1);
  });

  it('uses an invitation up', async (t) => {
    const { member, joiner, code, at } = await openScene(t);
    await joiner.network.join(code, [at], null, t.signal);
    // The last frame is still under way when the joiner is done.
    while (member.invites.isOpen()) await new Promise((resolve) => setImmediate(resolve));
    const late = await openFloorAgent(t, 'late', { limits: QUICK });
    assert.is(await failure(late.network.join(code, [at], null, t.signal)), 'INVITE_REFUSED');
  });

  it('answers the same PC again when the last frame was lost, and no other', async (t) => {
    const { member, joiner, code, at } = await openScene(t);
    const first = await ask(t, joiner, at, code);
    const grant = await readJoinGrant(first.socket, t.signal);
    first.socket.destroy();
    assert.ok(member.invites.isOpen());
    const other = await openFloorAgent(t, 'other', { limits: QUICK });
    assert.is(await failure(other.network.join(code, [at], null, t.signal)), 'INVITE_REFUSED');
    assert.is(await joiner.network.join(code, [at], null, t.signal), member.id);
    assert.equal(joiner.membership.group, grant.joined.group);
  });

  it('gives a relay nothing, up or down', async (t) => {
    const { member, joiner, code, at } = await openScene(t);
    const relay = await openFloorAgent(t, 'relay');
    let down = 0;
    const port = await serveJoin(t, relay, async (socket) => {
      const { proof, name } = await readJoinAsk(socket, t.signal);
      const { socket: up } = await connectJoin(t, relay, at);
      up.on('data', (bytes: Buffer) => (down += bytes.length));
      up.write(encodeJoinAsk({ proof, name }));
      await new Promise((resolve) => up.once('close', resolve));
      socket.destroy();
    });
    assert.is(await failure(joiner.network.join(code, [{ host: HOST, port }], null, t.signal)), 'INVITE_REFUSED');
    assert.is(down, 0);
    assert.is(member.membership.members().length, 1);
  });

  it('is not fooled by its own proof, nor by a made-up group', async (t) => {
    const { joiner, code } = await openScene(t);
    const thief = await openFloorAgent(t, 'thief');
    await thief.membership.create('Trap', 'thief');
    const record = await thief.membership.addMember(joiner.identity.spki, joiner.name);
    for (const kind of ['reflect', 'member'] as const) {
      const port = await serveJoin(t, thief, async (socket) => {
        const asked = await readJoinAsk(socket, t.signal);
        const proof = kind === 'reflect' ? asked.proof : randomBytes(32);
        const joined = { group: thief.membership.group!, root: thief.id, name: 'Trap', record };
        socket.write(encodeJoinGrant({ proof, joined }));
      });
      assert.is(await failure(joiner.network.join(code, [{ host: HOST, port }], null, t.signal)), 'INVITE_REFUSED');
    }
    assert.is(joiner.membership.group, null);
  });

  it('does not let a joiner in that replays the proof of another connection, or takes another name', async (t) => {
    const { member, joiner, code, at } = await openScene(t);
    const first = await connectJoin(t, joiner, at);
    const ends = { exporter: first.exporter, joiner: joiner.id, member: member.id, name: 'x' };
    const proof = joinProof(inviteKey(code), 'joiner', ends);
    const second = await connectJoin(t, joiner, at);
    second.socket.write(encodeJoinAsk({ proof, name: 'x' }));
    assert.is(await answerOf(second.socket), 0);
    const third = await ask(t, joiner, at, code, 'real name', 'other name');
    assert.is(await answerOf(third.socket), 0);
    const swapped = await connectJoin(t, joiner, at);
    const back = joinProof(inviteKey(code), 'member', { ...ends, exporter: swapped.exporter });
    swapped.socket.write(encodeJoinAsk({ proof: back, name: 'x' }));
    assert.is(await answerOf(swapped.socket), 0);
    assert.is(member.membership.members().length, 1);
  });

  it('refuses a PC that was removed: its key never comes back', async (t) => {
    const { member, joiner, code, at } = await openScene(t);
    await joiner.network.join(code, [at], null, t.signal);
    await member.membership.remove(joiner.id);
    const again = parseInviteCode(member.invites.open(HOUR_MS).code);
    const { socket } = await ask(t, joiner, at, again);
    assert.is(await answerOf(socket), 0);
  });

  it('ends who is slow at either step, and who sends too much', async (t) => {
    const { joiner, code, at } = await openScene(t, { joinStepMs: 200, joinIntervalMs: 1, tlsMs: 500 });
    const silent = await connectJoin(t, joiner, at);
    assert.is(await answerOf(silent.socket), 0);
    const long = await connectJoin(t, joiner, at);
    long.socket.write(Buffer.concat([Buffer.from([0xff, 0xff, 1]), Buffer.alloc(70_000)]));
    assert.is(await answerOf(long.socket), 0);
    const twice = await ask(t, joiner, at, code, 'x', 'x', encodeJoinDone());
    assert.is(await answerOf(twice.socket), 0);
    const unacknowledged = await ask(t, joiner, at, code);
    assert.ok((await answerOf(unacknowledged.socket)) > 32);
    const tcp = await knock(t, at.port);
    assert.is(await tcp.untilClosed(3000), 0);
  });

  it('lets joins of one address wait for their turn', async (t) => {
    const { member, at } = await openScene(t, { joinIntervalMs: 200 });
    const started = performance.now();
    for (const name of ['one', 'two', 'three']) {
      const pc = await openFloorAgent(t, name);
      const code = parseInviteCode(member.invites.open(HOUR_MS).code);
      await pc.network.join(code, [at], null, t.signal);
    }
    assert.ok(performance.now() - started >= 400);
  });

  it('stops when its caller does', async (t) => {
    const { joiner, code } = await openScene(t);
    const hole = net.createServer();
    t.defer(() => hole.close());
    await new Promise<void>((resolve) => hole.listen(0, HOST, resolve));
    hole.on('connection', (socket) => t.defer(() => socket.destroy()));
    const stop = new AbortController();
    hole.once('connection', () => stop.abort());
    const { port } = hole.address() as net.AddressInfo;
    assert.is(await failure(joiner.network.join(code, [{ host: HOST, port }], null, stop.signal)), 'CANCELLED');
  });

  it(
    'gives nothing to thousands of random frames',
    async (t) => {
      const { member, joiner, code, at } = await openScene(t, { joinIntervalMs: 0, joinStepMs: 60 });
      const context = makeDialContext(joiner.identity);
      const rejections: unknown[] = [];
      const note = (thrown: unknown): void => void rejections.push(thrown);
      process.on('unhandledRejection', note);
      t.defer(() => process.off('unhandledRejection', note));
      // Half of them have a right first frame for the wrong code: the parser is reached, the door is not.
      const right = encodeJoinAsk({ proof: randomBytes(32), name: 'x' });
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 600 }),
        fc.uint8Array({ maxLength: 200 }).map((tail) => Buffer.concat([right, tail])),
        fc.tuple(fc.nat(right.length - 1), fc.nat(255)).map(([spot, value]) => Buffer.from(right.with(spot, value))),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(bytes, { minLength: 8, maxLength: 8 }), async (streams) => {
          const answers = await Promise.all(
            streams.map(async (stream) => {
              const dialler = { context, limits: NET_LIMITS };
              const socket = await openTls(dialler, { address: at, alpn: ALPN_JOIN }, t.signal).catch(() => null);
              socket?.write(stream);
              socket?.end();
              return socket === null ? 0 : answerOf(socket);
            }),
          );
          assert.equal(new Set(answers), new Set([0]));
        }),
        { numRuns: 250 },
      );
      assert.equal(rejections, []);
      assert.is(member.membership.members().length, 1);
      assert.is(await joiner.network.join(code, [at], null, t.signal), member.id);
    },
    { limitMs: 120_000 },
  );
});

spec('join frames', (it) => {
  it('come back as they were written, and no other bytes are taken', async (t) => {
    const { member } = await openScene(t);
    const record = await member.membership.addMember(member.identity.spki, 'x');
    const grant = { proof: randomBytes(32), joined: { group: randomBytes(32), root: member.id, name: 'Büro', record } };
    const bytes = encodeJoinGrant(grant);
    assert.equal(await readJoinGrant(readable(bytes), t.signal), grant);
    const asked = { proof: randomBytes(32), name: 'Zoë' };
    assert.equal(await readJoinAsk(readable(encodeJoinAsk(asked)), t.signal), asked);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        assert.not.equal(bytes.subarray(0, length), bytes);
      }),
    );
    for (const cut of [0, 1, 2, 3, 40, 99, 101, bytes.length - 1]) {
      const short = await readJoinGrant(readable(bytes.subarray(0, cut)), t.signal).catch(() => null);
      assert.is(short, null, `cut at ${cut}`);
    }
  });
});

function readable(bytes: Buffer): net.Socket {
  const socket = new net.Socket();
  socket.push(bytes);
  socket.push(null);
  return socket;
}

interface JoinSocket {
  readonly socket: tls.TLSSocket;
  readonly exporter: Buffer;
}

async function connectJoin(t: Case, agent: FloorAgent, address: Address): Promise<JoinSocket> {
  const dialler = { context: makeDialContext(agent.identity), limits: NET_LIMITS };
  const socket = await openTls(dialler, { address, alpn: ALPN_JOIN }, t.signal);
  t.defer(() => socket.destroy());
  return { socket, exporter: readOwn(socket, ALPN_JOIN).exporter };
}

/** Sends a first frame with a proof that is right for `proved`. */
async function ask(
  t: Case,
  agent: FloorAgent,
  address: Address,
  code: InviteCode,
  proved = agent.name,
  name = proved,
  then: Buffer = Buffer.alloc(0),
): Promise<JoinSocket> {
  const dialler = { context: makeDialContext(agent.identity), limits: NET_LIMITS };
  const socket = await openTls(dialler, { address, alpn: ALPN_JOIN }, t.signal);
  t.defer(() => socket.destroy());
  const { id, exporter } = readOwn(socket, ALPN_JOIN);
  const proof = joinProof(inviteKey(code), 'joiner', { exporter, joiner: agent.id, member: id, name: proved });
  socket.write(Buffer.concat([encodeJoinAsk({ proof, name }), then]));
  return { socket, exporter };
}

/** Bytes that came until the other side hung up. */
function answerOf(socket: tls.TLSSocket): Promise<number> {
  let count = 0;
  socket.on('data', (bytes: Buffer) => (count += bytes.length));
  return new Promise((resolve) => socket.once('close', () => resolve(count)));
}

/** Somebody else's join door. @returns its port */
async function serveJoin(t: Case, agent: FloorAgent, serve: (socket: tls.TLSSocket) => Promise<void>): Promise<number> {
  const server = tls.createServer(serverTlsOptions(agent.identity, 5000, () => true));
  t.defer(() => server.close());
  server.on('secureConnection', (socket) => {
    t.defer(() => socket.destroy());
    socket.on('error', () => undefined);
    readHandshake(socket);
    serve(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return (server.address() as net.AddressInfo).port;
}
