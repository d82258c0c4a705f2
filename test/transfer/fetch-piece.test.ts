/** The asking side of a pieces connection: whatever the coworker sends, only right bytes come out. */
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import { type Fetched, PieceFetcher } from '../../agent/transfer/fetch-piece.js';
import type { ErrorCode } from '../../protocol/errors.js';
import { STREAM_IDLE_MAX_MS } from '../../protocol/limits.js';
import { hashPiece, type Manifest, rootOf, singlePieceManifest, verifyLayer } from '../../protocol/manifest.js';
import {
  DATA_HEADER_BYTES,
  decodePieceFrame,
  encodeDataInto,
  encodePieceFrame,
  type PieceFrame,
} from '../../protocol/peer/piece-frame.js';
import { FakeClock } from '../support/fake-clock.js';
import { type PairedSocket, pieceSocketPair } from '../support/piece-pair.js';
import { type Case, spec } from '../support/spec.js';

const KIB = 1024;
const whole = randomBytes(300 * KIB);
const layer = Buffer.concat(
  [0, 1, 2].map((index) => hashPiece(whole.subarray(index * 128 * KIB, (index + 1) * 128 * KIB), index, whole.length)),
);
const content = rootOf(layer, whole.length);
const manifest = verifyLayer(content, whole.length, layer) as Manifest;
const small = singlePieceManifest(rootOf(hashPiece(whole.subarray(0, 100), 0, 100), 100), 100);

/** A coworker that answers as it is told; `heard` are the requests. */
interface Peer {
  readonly socket: PairedSocket;
  readonly fetcher: PieceFetcher;
  readonly clock: FakeClock;
  readonly heard: PieceFrame[];
  onRequest: (frame: Extract<PieceFrame, { type: 'piece' | 'layer' }>) => void;
}

function makePeer(t: Case): Peer {
  const [asking, answering] = pieceSocketPair();
  const clock = new FakeClock();
  const peer: Peer = {
    socket: answering,
    fetcher: new PieceFetcher(asking, clock),
    clock,
    heard: [],
    onRequest: () => undefined,
  };
  answering.onFrame((bytes) => {
    const frame = decodePieceFrame(bytes);
    peer.heard.push(frame);
    if (frame.type === 'piece' || frame.type === 'layer') peer.onRequest(frame);
  });
  t.defer(() => peer.fetcher.close());
  return peer;
}

function data(id: number, bytes: Uint8Array, offset: number, total: number): Uint8Array {
  const frame = new Uint8Array(DATA_HEADER_BYTES + bytes.length);
  encodeDataInto(frame, id, offset, total);
  frame.set(bytes, DATA_HEADER_BYTES);
  return frame;
}

/** Asks for a piece; resolves with a copy of its bytes, or the code. */
function fetch(peer: Peer, of: Manifest, index: number): Promise<Buffer | ErrorCode> {
  return new Promise((resolve) =>
    peer.fetcher.fetchPiece(of, index, (fetched) =>
      resolve('ok' in fetched ? Buffer.from(fetched.ok.bytes) : fetched.error.code),
    ),
  );
}

spec('fetching', (it) => {
  it('puts a piece together from its frames', async (t) => {
    const peer = makePeer(t);
    peer.onRequest = ({ id }) => {
      for (let at = 0; at < 128 * KIB; at += 50 * KIB) {
        const bytes = whole.subarray(128 * KIB + at, Math.min(256 * KIB, 128 * KIB + at + 50 * KIB));
        void peer.socket.send(data(id, bytes, at, 128 * KIB));
      }
    };
    assert.equal(await fetch(peer, manifest, 1), whole.subarray(128 * KIB, 256 * KIB));
    assert.equal(peer.heard, [{ type: 'piece', id: 0, content, index: 1 }]);
    assert.is(peer.fetcher.inflightBytes, 0);
    assert.is(peer.clock.waiting, 0);
  });

  it('answers several requests, each with its own bytes', async (t) => {
    const peer = makePeer(t);
    peer.onRequest = (frame) => {
      const start = frame.type === 'piece' ? frame.index * 128 * KIB : 0;
      const bytes = whole.subarray(start, start + 128 * KIB);
      void peer.socket.send(data(frame.id, bytes.subarray(0, 1000), 0, bytes.length));
      void peer.socket.send(data(frame.id, bytes.subarray(1000), 1000, bytes.length));
    };
    const pieces = await Promise.all([2, 0, 1].map((index) => fetch(peer, manifest, index)));
    assert.equal(
      pieces.map((piece) => piece.length),
      [44 * KIB, 128 * KIB, 128 * KIB],
    );
    assert.ok(pieces.every((piece) => piece instanceof Buffer));
  });

  it('takes a layer that leads to the content, and no other', async (t) => {
    const peer = makePeer(t);
    const layers = [layer, Buffer.concat([layer.subarray(32), layer.subarray(0, 32)])];
    peer.onRequest = ({ id }) => void peer.socket.send(data(id, layers.shift() ?? layer, 0, layer.length));
    const ask = (): Promise<Fetched<Manifest>> =>
      new Promise((resolve) => peer.fetcher.fetchLayer(content, whole.length, resolve));
    assert.equal(await ask(), { ok: { content, size: whole.length, layer: new Uint8Array(layer) } });
    const wrong = await ask();
    assert.is('error' in wrong && wrong.error.code, 'INTEGRITY');
  });

  it('says INTEGRITY for wrong bytes and the coworker’s own code for a refusal', async (t) => {
    const peer = makePeer(t);
    peer.onRequest = ({ id }) => void peer.socket.send(data(id, whole.subarray(1, 101), 0, 100));
    assert.is(await fetch(peer, small, 0), 'INTEGRITY');
    peer.onRequest = ({ id }) => void peer.socket.send(encodePieceFrame({ type: 'failure', id, code: 'GONE' }));
    assert.is(await fetch(peer, small, 0), 'GONE');
    peer.onRequest = ({ id }) => void peer.socket.send(data(id, whole.subarray(0, 100), 0, 100));
    assert.equal(await fetch(peer, small, 0), whole.subarray(0, 100));
  });

  const lies: Record<string, (peer: Peer, id: number) => void> = {
    'another length': (peer, id) => void peer.socket.send(data(id, whole.subarray(0, 99), 0, 99)),
    'a gap': (peer, id) => void peer.socket.send(data(id, whole.subarray(10, 100), 10, 100)),
    'bytes twice': (peer, id) => {
      void peer.socket.send(data(id, whole.subarray(0, 50), 0, 100));
      void peer.socket.send(data(id, whole.subarray(0, 50), 0, 100));
    },
    'what was not asked for': (peer, id) => void peer.socket.send(data(id + 7, whole.subarray(0, 100), 0, 100)),
    'a request': (peer, id) => void peer.socket.send(encodePieceFrame({ type: 'layer', id, content })),
    'no frame at all': (peer) => void peer.socket.send(Uint8Array.of(0x55, 1, 2, 3, 4, 5)),
  };
  for (const [what, lie] of Object.entries(lies)) {
    it(`ends the connection with who sends ${what}`, async (t) => {
      const peer = makePeer(t);
      peer.onRequest = ({ id }) => lie(peer, id);
      assert.is(await fetch(peer, small, 0), 'BAD_MESSAGE');
      await peer.socket.closed;
      assert.is(await fetch(peer, small, 0), 'BAD_MESSAGE');
    });
  }

  it('settles everything when the connection is lost, and what is asked for afterwards', async (t) => {
    const peer = makePeer(t);
    const asked = [fetch(peer, small, 0), fetch(peer, manifest, 0)];
    peer.socket.close();
    assert.equal(await Promise.all(asked), ['PEER_OFFLINE', 'PEER_OFFLINE']);
    assert.is(await fetch(peer, small, 0), 'PEER_OFFLINE');
    assert.not(peer.fetcher.hasRoomFor(0));
  });

  it('gives up on a coworker that sends nothing for a minute, not on one that is slow', async (t) => {
    const peer = makePeer(t);
    const piece = fetch(peer, manifest, 0);
    let frames = 0;
    const next = (): void => {
      peer.clock.pass(STREAM_IDLE_MAX_MS - 1);
      void peer.socket.send(data(0, whole.subarray(frames * 1000, frames * 1000 + 1000), frames * 1000, 128 * KIB));
      frames += 1;
    };
    for (let n = 0; n < 3; n++) {
      next();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    peer.clock.pass(STREAM_IDLE_MAX_MS);
    assert.is(await piece, 'TIMEOUT');
  });

  it('bounds what is asked for, and always allows one answer', (t) => {
    const peer = makePeer(t);
    assert.ok(peer.fetcher.hasRoomFor(100 * 1024 * KIB));
    peer.fetcher.fetchPiece(manifest, 0, () => undefined);
    assert.ok(peer.fetcher.hasRoomFor(7 * 1024 * KIB));
    assert.not(peer.fetcher.hasRoomFor(8 * 1024 * KIB));
    for (let n = 1; n < 64; n++) peer.fetcher.fetchPiece(small, 0, () => undefined);
    assert.not(peer.fetcher.hasRoomFor(1));
    assert.is(peer.fetcher.inflightBytes, 128 * KIB + 63 * 100);
  });
});
