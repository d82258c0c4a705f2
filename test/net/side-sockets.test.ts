/** Connections beside a link: both directions of dialling, back-pressure of pieces, bounds, and their end. */
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import type { PieceSocket } from '../../agent/net/piece-socket.js';
import type { Purpose } from '../../agent/net/web-socket.js';
import { BINARY_FRAME_MAX_BYTES, PIECES_SOCKETS_PER_PEER_MAX_COUNT } from '../../protocol/limits.js';
import { CLOSE } from '../../protocol/peer/session.js';
import { type Case, spec } from '../support/spec.js';
import {
  admit,
  closed,
  failure,
  type FloorAgent,
  meet,
  online,
  OPEN,
  openAccepted,
  openFloorAgent,
  openOffice,
  openOneWay,
  openPair,
  still,
} from './floor.js';
import { openRaw } from './raw.js';

const back = (token: string): Purpose => ({ kind: 'pieces', back: token });

/** Frames come back as they were sent. */
function echo(_peer: unknown, socket: PieceSocket): void {
  socket.onFrame((frame) => void socket.send(Buffer.from(frame)));
}

function nextFrame(socket: PieceSocket): Promise<Buffer> {
  return new Promise((resolve) => socket.onFrame((frame) => resolve(Buffer.from(frame))));
}

spec('pieces', (it) => {
  it('carry frames both ways on a connection that the asker dials', async (t) => {
    const [ana, bruno] = await openPair(t);
    bruno.handlers.servePieces = echo;
    const socket = await ana.peers.openPieces(bruno.id, t.signal);
    await socket.send(Buffer.from('hello'));
    assert.is((await nextFrame(socket)).toString(), 'hello');
    socket.close();
    await socket.closed;
    assert.is(await failure(socket.send(Buffer.alloc(1))), 'PEER_OFFLINE');
  });

  it('are dialled back by a peer whose firewall lets nobody in; the roles stay', async (t) => {
    const [ana, walled] = await openOneWay(t);
    walled.handlers.servePieces = echo;
    for (const round of ['first', 'remembered']) {
      const socket = await ana.peers.openPieces(walled.id, t.signal);
      await socket.send(Buffer.from(round));
      assert.is((await nextFrame(socket)).toString(), round);
    }
  });

  it('are dialled in the direction that is open as well', async (t) => {
    const [ana, walled] = await openOneWay(t);
    ana.handlers.servePieces = echo;
    const socket = await walled.peers.openPieces(ana.id, t.signal);
    await socket.send(Buffer.from('x'));
    assert.is((await nextFrame(socket)).length, 1);
  });

  it('make a sender wait while the receiver does not take, and tell when a buffer is free', async (t) => {
    const [ana, bruno] = await openPair(t);
    const served = new Promise<PieceSocket>((resolve) => {
      bruno.handlers.servePieces = (_peer, socket) => resolve(socket);
    });
    const asker = await ana.peers.openPieces(bruno.id, t.signal);
    const socket = await served;
    let sent = 0;
    let written = 0;
    const frames = 400;
    const sending = (async () => {
      for (; sent < frames; sent++) await socket.send(Buffer.alloc(BINARY_FRAME_MAX_BYTES, sent), () => (written += 1));
    })();
    await still(() => sent);
    assert.ok(sent < frames / 2, `${sent} of ${frames} frames went nowhere`);
    assert.ok(sent - written <= 8);
    let bytes = 0;
    const done = new Promise<void>((resolve) => {
      asker.onFrame((frame) => {
        if (bytes % (BINARY_FRAME_MAX_BYTES * 50) === 0) assert.is(frame[0], (bytes / BINARY_FRAME_MAX_BYTES) & 0xff);
        bytes += frame.length;
        if (bytes === frames * BINARY_FRAME_MAX_BYTES) resolve();
      });
    });
    await Promise.all([sending, done]);
    assert.is(written, frames);
  });

  it('are closed on a text and on a frame that is too long', async (t) => {
    const [ana, bruno] = await openPair(t);
    bruno.handlers.servePieces = echo;
    const purpose = { kind: 'pieces', back: null } as const;
    const options = { identity: ana.identity, group: ana.membership.group!, port: bruno.port, purpose };
    const text = await openRaw(t, options);
    text.say('hello');
    assert.is(await text.closed, CLOSE.BAD_MESSAGE);
    const long = await openRaw(t, options);
    long.webSocket.send(Buffer.alloc(BINARY_FRAME_MAX_BYTES + 65));
    assert.is(await long.closed, CLOSE.BAD_MESSAGE);
  });

  it('are bounded in number, at both ends, and a place is free again at the end of one', async (t) => {
    const [ana, bruno] = await openPair(t);
    bruno.handlers.servePieces = echo;
    const sockets: PieceSocket[] = [];
    for (let count = 0; count < PIECES_SOCKETS_PER_PEER_MAX_COUNT; count++) {
      sockets.push(await ana.peers.openPieces(bruno.id, t.signal));
    }
    assert.is(await failure(ana.peers.openPieces(bruno.id, t.signal)), 'BUSY');
    const purpose = { kind: 'pieces', back: null } as const;
    const raw = await openRaw(t, { identity: ana.identity, group: ana.membership.group!, port: bruno.port, purpose });
    assert.is(await raw.closed, 1006);
    sockets[0]?.close();
    await sockets[0]?.closed;
    await ana.peers.openPieces(bruno.id, t.signal);
  });

  it('end with the link, with the membership, and when the peer is blocked', async (t) => {
    const ways: ((ana: FloorAgent, bruno: FloorAgent) => unknown)[] = [
      (_ana, bruno) => bruno.close(),
      (ana, bruno) => ana.membership.remove(bruno.id),
      (ana, bruno) => {
        ana.handlers.blocked = [bruno.id];
        ana.peers.blockedChanged();
      },
    ];
    for (const way of ways) {
      const [ana, bruno] = await openPair(t);
      const served: PieceSocket[] = [];
      bruno.handlers.servePieces = (_peer, socket) => {
        served.push(socket);
        echo(_peer, socket);
      };
      const asked = await ana.peers.openPieces(bruno.id, t.signal);
      const stream = openAccepted(bruno);
      const document = await ana.peers.openStream(bruno.id, OPEN, t.signal);
      await stream;
      await asked.send(Buffer.alloc(1));
      await nextFrame(asked);
      const started = performance.now();
      const ended = Promise.all([asked.closed, served[0]?.closed, closed(document)]);
      await way(ana, bruno);
      await ended;
      assert.ok(performance.now() - started < 1000);
    }
  });

  it('end with a link that just broke', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana', 'bruno']);
    ana!.handlers.servePieces = echo;
    const options = { identity: bruno!.identity, group: ana!.membership.group!, port: ana!.port };
    const link = await openRaw(t, options);
    link.hello(ana!.membership.digest());
    await online(ana!, bruno!);
    const pieces = await openRaw(t, { ...options, purpose: { kind: 'pieces', back: null } });
    link.webSocket.terminate();
    assert.is(await pieces.closed, 1006);
  });

  it('are not opened to a removed member that still has a proof', async (t) => {
    const [ana, bruno] = await openPair(t);
    await bruno.membership.remove(ana.id);
    const purpose = { kind: 'pieces', back: null } as const;
    const options = { identity: ana.identity, group: bruno.membership.group!, port: bruno.port, purpose };
    assert.is.not(await failure(openRaw(t, options)), 'none');
  });
});

spec('dial-back', (it) => {
  it('takes no token that nobody gave out', async (t) => {
    const [ana, bruno] = await openPair(t);
    const options = { identity: bruno.identity, group: ana.membership.group!, port: ana.port };
    const raw = await openRaw(t, { ...options, purpose: back('0'.repeat(32)) });
    assert.is(await raw.closed, 1006);
  });

  it('takes a token once, from the peer that was asked', async (t) => {
    const [ana, carla] = await openPair(t);
    const walled = await openFloorAgent(t, 'walled');
    await admit(ana, walled);
    // The walled PC is a raw one here: it gets the token and hands it to another member, too.
    await walled.close();
    const { group } = ana.membership;
    const link = await openRaw(t, { identity: walled.identity, group: group!, port: ana.port });
    link.hello(ana.membership.digest());
    await online(ana, walled);
    const opening = ana.peers.openPieces(walled.id, t.signal);
    const request = await link.heard('req');
    const { token } = request['b'] as { token: string };
    const thief = await openRaw(t, {
      identity: carla.identity,
      group: group!,
      port: ana.port,
      purpose: back(token),
    });
    assert.is(await thief.closed, 1006);
    const options = { identity: walled.identity, group: group!, port: ana.port, purpose: back(token) };
    const purpose: Purpose = { kind: 'stream', back: token };
    const other = await openRaw(t, { ...options, purpose });
    assert.is(await other.closed, 1006, 'another kind of connection');
    const right = await openRaw(t, options);
    const socket = await opening;
    await socket.send(Buffer.from('for you'));
    while (right.frames.length === 0) await once(right.webSocket, 'message');
    const again = await openRaw(t, options);
    assert.is(await again.closed, 1006);
  });

  it('gives up in its time when no connection comes', async (t) => {
    const [ana, walled] = await openOneWay(t);
    const quick = await openFloorAgent(t, 'quick', { limits: { dialBackMs: 200 } });
    const raw = await openRawMember(t, quick);
    const started = performance.now();
    const code = await failure(quick.peers.openPieces(raw.id, t.signal));
    assert.is(code, 'PEER_UNREACHABLE');
    assert.ok(performance.now() - started < 5000);
    assert.ok(ana.peers.isOnline(walled.id));
  });
});

/** A linked member that answers nothing. */
async function openRawMember(t: Case, agent: FloorAgent): Promise<FloorAgent> {
  const other = await openFloorAgent(t, 'silent');
  await meet([agent, other]);
  await other.close();
  const raw = await openRaw(t, { identity: other.identity, group: agent.membership.group!, port: agent.port });
  raw.hello(agent.membership.digest());
  await online(agent, other);
  return other;
}
