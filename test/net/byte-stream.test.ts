/** Streams beside a link: whole, held back, refused, broken and bounded. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as assert from 'uvu/assert';
import { PotluckError } from '../../protocol/errors.js';
import { STREAMS_PER_PEER_MAX_COUNT } from '../../protocol/limits.js';
import { CLOSE } from '../../protocol/peer/session.js';
import { spec } from '../support/spec.js';
import { closed, failure, OPEN, openAccepted, openOneWay, openPair, readAll, still } from './floor.js';
import { openRaw } from './raw.js';

const MIB = 1 << 20;

/** `bytes` of a pattern, their SHA-256 once all are taken, and how many were taken so far. */
function pattern(bytes: number): { stream: Readable; digest: () => string; taken: () => number } {
  const hash = createHash('sha256');
  const block = Buffer.alloc(MIB);
  for (let at = 0; at < block.length; at++) block[at] = (at * 31) & 0xff;
  let taken = 0;
  const stream = Readable.from(
    (function* () {
      for (let left = bytes; left > 0; left -= MIB) {
        const part = block.subarray(0, Math.min(MIB, left));
        hash.update(part);
        taken += part.length;
        yield part;
      }
    })(),
  );
  return { stream, digest: () => hash.digest('hex'), taken: () => taken };
}

async function digestOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of stream) hash.update(block as Buffer);
  return hash.digest('hex');
}

spec('streams', (it) => {
  it(
    'carry 64 MB with back-pressure, whichever side dials, and end in both directions',
    async (t) => {
      for (const open of [openPair, openOneWay]) {
        const [ana, bruno] = await open(t);
        const got = new Promise<string>((resolve) => {
          bruno.handlers.serveStream = async (peer, asked, accept) => {
            assert.equal([peer, asked], [ana.id, OPEN]);
            const stream = accept();
            const digest = await digestOf(stream);
            stream.end('thanks');
            resolve(digest);
            await closed(stream);
          };
        });
        const stream = await ana.peers.openStream(bruno.id, OPEN, t.signal);
        const document = pattern(64 * MIB);
        const before = process.memoryUsage().rss;
        await pipeline(document.stream, stream, { end: true });
        assert.is(await got, document.digest());
        assert.is((await readAll(stream)).toString(), 'thanks');
        assert.ok(process.memoryUsage().rss - before < 160 * MIB);
      }
    },
    { limitMs: 60_000 },
  );

  it('carry bytes from the answerer to a slow reader whole, though the answerer is long done', async (t) => {
    const [ana, bruno] = await openPair(t);
    const document = pattern(12 * MIB);
    bruno.handlers.serveStream = async (_peer, _open, accept) => {
      const stream = accept();
      stream.resume();
      await pipeline(document.stream, stream);
    };
    const stream = await ana.peers.openStream(bruno.id, OPEN, t.signal);
    stream.end();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.is(await digestOf(stream), document.digest());
  });

  it('make a writer wait while nobody reads', async (t) => {
    const [ana, bruno] = await openPair(t);
    const stream = openAccepted(bruno);
    const writer = await ana.peers.openStream(bruno.id, OPEN, t.signal);
    const reader = await stream;
    const document = pattern(64 * MIB);
    const writing = pipeline(document.stream, writer);
    await still(document.taken);
    // The kernel's buffers hold some megabytes, this process next to nothing.
    assert.ok(document.taken() < 32 * MIB, `${document.taken()} bytes were taken`);
    assert.ok(reader.readableLength < 4 * MIB, `${reader.readableLength} bytes wait at the reader`);
    assert.ok(writer.writableLength < 4 * MIB, `${writer.writableLength} bytes wait at the writer`);
    assert.is(await digestOf(reader), document.digest.call(null));
    reader.end();
    await writing;
  });

  it('are refused with a code and a sentence', async (t) => {
    const [ana, bruno] = await openPair(t);
    bruno.handlers.serveStream = () => Promise.reject(new PotluckError('JOB_UNKNOWN', 'there is no such job'));
    const attempt = ana.peers.openStream(bruno.id, OPEN, t.signal);
    const error = await attempt.catch((thrown: unknown) => thrown);
    assert.ok(
      error instanceof PotluckError && error.code === 'JOB_UNKNOWN' && error.message === 'there is no such job',
    );
    bruno.handlers.serveStream = () => Promise.resolve();
    assert.is(await failure(ana.peers.openStream(bruno.id, OPEN, t.signal)), 'UNSUPPORTED');
    bruno.handlers.serveStream = () => Promise.reject(new Error('a bug of ours'));
    assert.is(await failure(ana.peers.openStream(bruno.id, OPEN, t.signal)), 'INTERNAL');
  });

  it('break with PEER_OFFLINE when one side destroys them', async (t) => {
    const [ana, bruno] = await openPair(t);
    const accepted = openAccepted(bruno);
    const stream = await ana.peers.openStream(bruno.id, OPEN, t.signal);
    const broken = new Promise<unknown>((resolve) => stream.once('error', resolve));
    (await accepted).destroy();
    const error = await broken;
    assert.ok(error instanceof PotluckError && error.code === 'PEER_OFFLINE');
  });

  it('end with TIMEOUT when nothing moves', async (t) => {
    const [ana, bruno] = await openPair(t, { streamIdleMs: 150 });
    const accepted = openAccepted(bruno);
    const stream = await ana.peers.openStream(bruno.id, OPEN, t.signal);
    const codes = [stream, await accepted].map(
      (one) => new Promise((resolve) => one.once('error', (error: PotluckError) => resolve(error.code))),
    );
    const [one, other] = await Promise.all(codes);
    assert.ok([one, other].includes('TIMEOUT'), String([one, other]));
  });

  it('are closed on what cannot be read, before and after they are open', async (t) => {
    const [ana, bruno] = await openPair(t);
    const purpose = { kind: 'stream', back: null } as const;
    const options = { identity: ana.identity, group: ana.membership.group!, port: bruno.port, purpose };
    for (const first of ['garbage', '{"kind":"dance"}', Buffer.alloc(3)]) {
      const raw = await openRaw(t, options);
      raw.webSocket.send(first);
      assert.is(await raw.closed, CLOSE.BAD_MESSAGE);
    }
    const accepted = openAccepted(bruno);
    const raw = await openRaw(t, options);
    raw.say(OPEN);
    const stream = await accepted;
    const error = new Promise<unknown>((resolve) => stream.once('error', resolve));
    raw.say('text');
    assert.is(((await error) as PotluckError).code, 'BAD_MESSAGE');
    assert.is(await raw.closed, CLOSE.BAD_MESSAGE);
  });

  it('are ended when their first message never comes, or the answer to it', async (t) => {
    const [ana, bruno] = await openPair(t, { answerMs: 150 });
    const purpose = { kind: 'stream', back: null } as const;
    const raw = await openRaw(t, { identity: ana.identity, group: ana.membership.group!, port: bruno.port, purpose });
    assert.is(await raw.closed, 1006);
    bruno.handlers.serveStream = () => new Promise(() => undefined);
    assert.is(await failure(ana.peers.openStream(bruno.id, OPEN, t.signal)), 'TIMEOUT');
  });

  it('are bounded in number', async (t) => {
    const [ana, bruno] = await openPair(t);
    bruno.handlers.serveStream = async (_peer, _open, accept) => void accept();
    const open = async (): Promise<string> => {
      return failure(ana.peers.openStream(bruno.id, OPEN, t.signal));
    };
    const codes = await Promise.all(Array.from({ length: STREAMS_PER_PEER_MAX_COUNT + 3 }, open));
    assert.is(codes.filter((code) => code === 'none').length, STREAMS_PER_PEER_MAX_COUNT);
    assert.is(codes.filter((code) => code === 'BUSY').length, 3);
  });

  it('stop opening when their caller does', async (t) => {
    const [ana, bruno] = await openPair(t);
    const stop = new AbortController();
    bruno.handlers.serveStream = () => {
      stop.abort();
      return new Promise(() => undefined);
    };
    assert.is(await failure(ana.peers.openStream(bruno.id, OPEN, stop.signal)), 'CANCELLED');
  });
});
