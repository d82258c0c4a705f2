/** Serving pieces: right bytes or an error, in order, and nobody held up by a slow reader. */
import { readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import { Board } from '../../agent/platform/board.js';
import { type Clock, systemClock } from '../../agent/platform/clock.js';
import type { LocalShare } from '../../agent/shares/local-shares.js';
import { UploadRows } from '../../agent/transfer/upload-rows.js';
import { type OpenContent, Uploads } from '../../agent/transfer/uploads.js';
import { type ContentId, fromHex, peerIdOf } from '../../protocol/ids.js';
import { UPLOAD_STALL_MAX_MS } from '../../protocol/limits.js';
import { pieceCount, pieceLength, verifyLayer, verifyPiece } from '../../protocol/manifest.js';
import { nameOf } from '../../protocol/path.js';
import { decodePieceFrame, encodePieceFrame, type PieceFrame } from '../../protocol/peer/piece-frame.js';
import { FakeClock } from '../support/fake-clock.js';
import { type PairedSocket, pieceSocketPair } from '../support/piece-pair.js';
import { until } from '../support/process.js';
import { makePc, type SharingPc, wire } from '../support/shares.js';
import { type Case, spec } from '../support/spec.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const ana = peerIdOf(fromHex('aa'.repeat(32)));
const bruno = peerIdOf(fromHex('bb'.repeat(32)));

/** One answer of the serving side, put together from its frames. */
type Answer = { readonly bytes: Buffer } | { readonly code: string };

/** The asking side of a connection: sends requests and waits for their answers. */
class Asker {
  readonly socket: PairedSocket;
  readonly #parts = new Map<number, Buffer[]>();
  readonly #answers = new Map<number, Answer>();
  readonly order: number[] = [];
  #waiting: (() => void)[] = [];

  constructor(socket: PairedSocket) {
    this.socket = socket;
    socket.onFrame((bytes) => this.#hear(decodePieceFrame(bytes)));
  }

  send(frame: Exclude<PieceFrame, { type: 'data' }>): void {
    void this.socket.send(encodePieceFrame(frame));
  }

  async answer(id: number): Promise<Answer> {
    for (;;) {
      const answer = this.#answers.get(id);
      if (answer !== undefined) return answer;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async piece(id: number, content: ContentId, index: number): Promise<Answer> {
    this.send({ type: 'piece', id, content, index });
    return this.answer(id);
  }

  #hear(frame: PieceFrame): void {
    if (frame.type === 'failure') this.#settle(frame.id, { code: frame.code });
    if (frame.type !== 'data') return;
    const parts = this.#parts.get(frame.id) ?? [];
    this.#parts.set(frame.id, parts);
    assert.is(
      frame.offset,
      parts.reduce((sum, part) => sum + part.length, 0),
      'frames come in order',
    );
    parts.push(Buffer.from(frame.bytes));
    if (frame.offset + frame.bytes.length === frame.total) this.#settle(frame.id, { bytes: Buffer.concat(parts) });
  }

  #settle(id: number, answer: Answer): void {
    this.#answers.set(id, answer);
    this.order.push(id);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

interface Serving {
  readonly pc: SharingPc;
  readonly share: LocalShare;
  readonly folder: string;
  readonly board: Board;
  readonly rows: UploadRows;
  /** Taken away, nobody may read any more. */
  readonly rights: { mayRead: boolean };
  connect(peer?: typeof ana): Asker;
  content(name: string): Promise<ContentId>;
}

function makeServing(t: Case, files: Readonly<Record<string, Uint8Array>>, clock: Clock = systemClock): Serving {
  const { pc, folder } = makePc(t);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  const share = pc.shares.add(folder, {});
  const board = new Board();
  const rows = new UploadRows({ board, clock, nameOf: (peer) => (peer === ana ? 'ana' : 'bruno') });
  t.defer(() => rows.close());
  const uploads = new Uploads(rows, clock);
  const rights = { mayRead: true };
  const open: OpenContent = (content) => {
    const served = pc.shares.openContent(content, () => rights.mayRead);
    if (served === null) return null;
    const { file, manifest } = served;
    const isAllowed = (): boolean => rights.mayRead && pc.shares.get(share.id) !== null;
    return { file, manifest, name: nameOf(served.path), shareName: served.share.name, isAllowed };
  };
  return {
    pc,
    share,
    folder,
    board,
    rows,
    rights,
    connect(peer = ana) {
      const [asking, serving] = pieceSocketPair();
      t.defer(() => asking.close());
      uploads.serve(peer, serving, open);
      return new Asker(asking);
    },
    async content(name) {
      const [item] = (await pc.shares.describe(share, [wire(name)], () => undefined, t.signal)).items;
      if (item?.ok !== true || item.content === null) throw new Error(`${name} has no content id`);
      return item.content;
    },
  };
}

const openFiles = (): number => readdirSync('/proc/self/fd').length;

function bytesOf(answer: Answer): Buffer {
  if ('code' in answer) throw new Error(`answered ${answer.code}`);
  return answer.bytes;
}

spec('uploads', (it) => {
  it('send the layer and every piece, as the content id promises', async (t) => {
    const whole = randomBytes(3 * MIB + 12_345);
    const serving = makeServing(t, { 'plan.pdf': whole });
    const content = await serving.content('plan.pdf');
    const asker = serving.connect();
    asker.send({ type: 'layer', id: 0, content });
    const manifest = verifyLayer(content, whole.length, bytesOf(await asker.answer(0)));
    if (manifest === null) throw new Error('not its layer');
    for (let index = 0; index < pieceCount(whole.length); index++) {
      const bytes = bytesOf(await asker.piece(index + 1, content, index));
      assert.ok(verifyPiece(manifest, index, bytes));
      assert.equal(bytes, whole.subarray(index * pieceLength(whole.length), (index + 1) * pieceLength(whole.length)));
    }
  });

  it('answer in the order of the requests, small and large ones', async (t) => {
    const files = Object.fromEntries(
      [10, 200 * KIB, 64 * KIB, 64 * KIB + 1, 5 * MIB, 1].map((size, n) => [`f${n}`, randomBytes(size)]),
    );
    const serving = makeServing(t, files);
    const contents = await Promise.all(Object.keys(files).map((name) => serving.content(name)));
    const asker = serving.connect();
    for (const [id, content] of contents.entries()) asker.send({ type: 'piece', id, content, index: 0 });
    const sizes = await Promise.all(contents.map(async (_, id) => bytesOf(await asker.answer(id)).length));
    assert.equal(sizes, [10, 128 * KIB, 64 * KIB, 64 * KIB + 1, 128 * KIB, 1]);
    assert.equal(asker.order, [0, 1, 2, 3, 4, 5]);
  });

  it('send pieces of 4 MiB in frames of their size', async (t) => {
    const serving = makeServing(t, { huge: new Uint8Array(0) });
    const size = 5 * 1024 * MIB;
    truncateSync(path.join(serving.folder, 'huge'), size);
    // Hashing five gigabytes is not what is tried here.
    serving.pc.hasher.hash = async (files) =>
      files.map(({ stamp }) => {
        const layer = new Uint8Array(pieceCount(size) * 32);
        return { stamp, content: 'ab'.repeat(32) as ContentId, layer };
      });
    const content = await serving.content('huge');
    const manifestOf = serving.pc.contents.manifestOf.bind(serving.pc.contents);
    serving.pc.contents.manifestOf = (asked) =>
      asked === content ? { content, size, layer: new Uint8Array(pieceCount(size) * 32) } : manifestOf(asked);
    const asker = serving.connect();
    const bytes = bytesOf(await asker.piece(1, content, pieceCount(size) - 1));
    assert.is(bytes.length, 4 * MIB);
    assert.ok(bytes.every((byte) => byte === 0));
    asker.send({ type: 'layer', id: 2, content });
    assert.is(bytesOf(await asker.answer(2)).length, pieceCount(size) * 32);
  });

  it('say GONE when the file changed, and take another one with the same bytes', async (t) => {
    const whole = randomBytes(300 * KIB);
    const serving = makeServing(t, { a: whole, b: whole });
    const content = await serving.content('a');
    assert.is(await serving.content('b'), content);
    const asker = serving.connect();
    bytesOf(await asker.piece(1, content, 0));
    // b was hashed last, so it is the one that is open.
    truncateSync(path.join(serving.folder, 'b'), 10 * KIB);
    assert.equal(await asker.piece(2, content, 1), { code: 'GONE' });
    assert.equal(bytesOf(await asker.piece(3, content, 1)), whole.subarray(128 * KIB, 256 * KIB));
    utimesSync(path.join(serving.folder, 'a'), 1, 1);
    assert.equal(await asker.piece(4, content, 1), { code: 'GONE' });
    assert.equal(await asker.piece(5, content, 1), { code: 'GONE' });
    assert.equal(await asker.piece(6, content, 1), { code: 'PATH_UNKNOWN' });
  });

  it('answer what may not be read like what is not there, also when the right ends in the middle', async (t) => {
    const serving = makeServing(t, { a: randomBytes(1000) });
    const content = await serving.content('a');
    const unknown = '12'.repeat(32) as ContentId;
    const asker = serving.connect();
    assert.equal(await asker.piece(1, unknown, 0), { code: 'PATH_UNKNOWN' });
    bytesOf(await asker.piece(2, content, 0));
    serving.rights.mayRead = false;
    assert.equal(await asker.piece(3, content, 0), { code: 'PATH_UNKNOWN' });
    asker.send({ type: 'layer', id: 4, content });
    assert.equal(await asker.answer(4), { code: 'PATH_UNKNOWN' });
    serving.rights.mayRead = true;
    bytesOf(await asker.piece(5, content, 0));
    serving.pc.shares.remove(serving.share.name);
    assert.equal(await asker.piece(6, content, 0), { code: 'PATH_UNKNOWN' });
  });

  it('refuse a piece that the file does not have', async (t) => {
    const serving = makeServing(t, { a: randomBytes(1000) });
    const asker = serving.connect();
    assert.equal(await asker.piece(1, await serving.content('a'), 1), { code: 'BAD_MESSAGE' });
  });

  it('close a connection that sends what it must not, or asks for too much at once', async (t) => {
    const serving = makeServing(t, { a: randomBytes(300 * KIB) });
    const content = await serving.content('a');
    const bad: ((asker: Asker) => void)[] = [
      (asker) => void asker.socket.send(Uint8Array.of(0x7f, 0, 0, 0, 1)),
      (asker) => void asker.socket.send(Uint8Array.of(1)),
      (asker) => asker.send({ type: 'failure', id: 1, code: 'GONE' }),
      (asker) => {
        asker.socket.pause(true);
        for (let id = 0; id < 80; id++) asker.send({ type: 'piece', id, content, index: 0 });
      },
    ];
    for (const send of bad) {
      const asker = serving.connect();
      send(asker);
      await asker.socket.closed;
    }
    bytesOf(await serving.connect().piece(1, content, 0));
  });

  it('do not send what was withdrawn', async (t) => {
    const serving = makeServing(t, { a: randomBytes(2 * MIB) });
    const content = await serving.content('a');
    const asker = serving.connect();
    for (let id = 0; id < 10; id++) asker.send({ type: 'piece', id, content, index: id });
    for (const id of [2, 5, 9]) asker.send({ type: 'cancel', id });
    bytesOf(await asker.answer(8));
    assert.equal(asker.order, [0, 1, 3, 4, 6, 7, 8]);
  });

  it('go on for the others while one reads nothing, and close that one in the end', async (t) => {
    const clock = new FakeClock();
    const serving = makeServing(t, { a: randomBytes(8 * MIB) }, clock);
    const content = await serving.content('a');
    // Enough of them to hold every read there is.
    const stuck = Array.from({ length: 8 }, () => serving.connect(bruno));
    for (const asker of stuck) {
      asker.socket.pause(true);
      for (let id = 0; id < 60; id++) asker.send({ type: 'piece', id, content, index: id });
    }
    const other = serving.connect();
    other.send({ type: 'piece', id: 1, content, index: 0 });
    const state = { closed: 0, isAnswered: false };
    for (const asker of stuck) void asker.socket.closed.then(() => (state.closed += 1));
    void other.answer(1).then(() => (state.isAnswered = true));
    await until('the stalled connections are closed', () => {
      clock.pass(UPLOAD_STALL_MAX_MS / 4);
      return state.isAnswered && state.closed === stuck.length;
    });
    for (let id = 2; id < 30; id++) bytesOf(await other.piece(id, content, id));
  });

  it(
    'leave no file open when the connections are closed',
    async (t) => {
      const files = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}`, randomBytes(100 * KIB + n)]));
      const serving = makeServing(t, files);
      const contents = await Promise.all(Object.keys(files).map((name) => serving.content(name)));
      const before = openFiles();
      const asker = serving.connect();
      for (const [id, content] of contents.entries()) bytesOf(await asker.piece(id, content, 0));
      assert.ok(openFiles() - before <= 9, 'a bounded number is open');
      for (const [id, content] of contents.entries()) asker.send({ type: 'piece', id: 100 + id, content, index: 0 });
      asker.socket.close();
      await until('every file is closed', () => openFiles() <= before);
    },
    { needs: () => (process.platform === 'linux' ? null : 'needs /proc') },
  );
});

spec('upload rows', (it) => {
  it('tell who gets what, and that it is over', async (t) => {
    const clock = new FakeClock();
    const serving = makeServing(t, { a: randomBytes(1000), b: randomBytes(300 * KIB) }, clock);
    const [a, b] = [await serving.content('a'), await serving.content('b')];
    const asker = serving.connect();
    bytesOf(await asker.piece(1, a, 0));
    clock.pass(500);
    const [first] = serving.board.rows('transfers');
    assert.equal(
      [first?.direction, first?.name, first?.state, first?.bytes, first?.size],
      ['up', 'a', 'active', 1000, 1000],
    );
    assert.is(first?.sources[0]?.name, 'ana');
    assert.ok((first?.rate ?? 0) > 0);
    bytesOf(await asker.piece(2, b, 0));
    bytesOf(await serving.connect(bruno).piece(1, b, 2));
    clock.pass(500);
    const rows = serving.board.rows('transfers');
    assert.equal(
      rows.map((row) => [row.sources[0]?.name, row.name, row.files, row.filesDone, row.bytes]),
      [
        ['ana', 'files', 2, 1, 1000 + 128 * KIB],
        ['bruno', 'b', 1, 0, 44 * KIB],
      ],
    );
    assert.ok(serving.rows.rate > 0);
    clock.pass(6000);
    const over = serving.board.rows('transfers')[0];
    assert.equal([over?.state, over?.rate], ['done', 0]);
    assert.ok(over?.finishedAt);
    bytesOf(await asker.piece(3, b, 1));
    clock.pass(500);
    assert.is(serving.board.rows('transfers')[0]?.state, 'active');
    clock.pass(70_000);
    assert.equal(serving.board.rows('transfers'), []);
    assert.is(clock.waiting <= 1, true);
  });
});
