/** One IPP request over HTTP: whatever the other side does, it ends once, in time, with a message or our failure. */
import { createServer as createHttp, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../agent/platform/clock.js';
import { IppClient, IppFailure } from '../../../agent/printing/ipp/client.js';
import { decodeHead, encode, type Message } from '../../../agent/printing/ipp/codec.js';
import type { CertificatePin } from '../../../agent/printing/ipp/connect.js';
import type { IppPlace } from '../../../agent/printing/ipp/place.js';
import { OPERATION, STATUS, TAG } from '../../../agent/printing/ipp/tables.js';
import { MessageWriter } from '../../../agent/printing/ipp/writer.js';
import { IPP_ANSWER_MAX_BYTES, IPP_FIRST_BYTE_MAX_MS, IPP_IDLE_MAX_MS } from '../../../protocol/limits.js';
import { FakeClock } from '../../support/fake-clock.js';
import { until } from '../../support/process.js';
import { sampleBytes } from '../../support/samples.js';
import { spec, type Case } from '../../support/spec.js';
import { temporaryFolder } from '../../support/temporary.js';
import { CERTIFICATES } from './certificates.js';

const request = (): Message => new MessageWriter(OPERATION.getPrinterAttributes, 5).done();
const answer = (status: number, text?: string): Buffer => {
  const writer = new MessageWriter(status, 5);
  return encode((text === undefined ? writer : writer.string(TAG.text, 'status-message', text)).done());
};
const say = (response: ServerResponse, body: Buffer | string, type = 'application/ipp', status = 200): void =>
  void response.writeHead(status, { 'content-type': type }).end(body);

async function listen(t: Case, server: Server, at: string | null = null): Promise<IppPlace> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) =>
    at === null ? server.listen(0, '127.0.0.1', resolve) : server.listen(at, resolve),
  );
  t.defer(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  if (at !== null) return { type: 'socket', path: at };
  return { type: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls: false };
}

const http = (t: Case, serve: RequestListener, at: string | null = null): Promise<IppPlace> =>
  listen(t, createHttp(serve), at);

async function failure(sending: Promise<unknown>): Promise<IppFailure> {
  try {
    await sending;
  } catch (thrown) {
    assert.instance(thrown, IppFailure);
    return thrown as IppFailure;
  }
  throw new Error('it succeeded');
}

/** A server that takes the beginning of a request, no more, and says nothing. */
const mute = (arrived: PromiseWithResolvers<void>): Server =>
  createTcp((socket) => {
    socket.once('data', () => {
      socket.pause();
      arrived.resolve();
    });
  });

const serveTls = (t: Case, which: 0 | 1): Promise<IppPlace> =>
  listen(
    t,
    createHttps(CERTIFICATES[which], (_asked, response) => say(response, answer(0))),
  );
const secure = (place: IppPlace): IppPlace => (place.type === 'tcp' ? { ...place, tls: true } : place);
const tooMuch = (): Readable => Readable.from(Array.from({ length: 200 }, () => Buffer.alloc(1 << 16)));
const serveWell: RequestListener = (asked, response) => {
  assert.is(asked.headers['content-type'], 'application/ipp');
  assert.is(asked.headers.connection, 'close');
  say(response, answer(0));
};

spec('an IPP request', (it) => {
  it('brings the answer, over TCP and over a Unix socket, one connection each', async (t) => {
    for (const at of [null, path.join(temporaryFolder(t), 'ipp.sock')]) {
      const client = new IppClient({ place: await http(t, serveWell, at), clock: systemClock });
      assert.is((await client.send('/', request(), t.signal)).code, 0);
      assert.is((await client.send('/', request(), t.signal)).code, 0);
    }
  });

  it('carries a document of known length without holding it in memory', async (t) => {
    const document = sampleBytes('document', 3_000_000);
    const got: Buffer[] = [];
    const place = await http(t, (asked, response) => {
      asked.on('data', (part: Buffer) => got.push(part));
      asked.on('end', () => {
        assert.is(Number(asked.headers['content-length']), Buffer.concat(got).length);
        say(response, answer(0));
      });
    });
    const client = new IppClient({ place, clock: systemClock });
    const open = (): Readable => Readable.from([document.subarray(0, 1_000_000), document.subarray(1_000_000)]);
    await client.send('/', request(), t.signal, { sizeBytes: document.length, open });
    const whole = Buffer.concat(got);
    assert.ok(whole.subarray(decodeHead(whole)?.end).equals(document));
  });

  it('fails with the status and the words of the printer', async (t) => {
    const place = await http(t, (_asked, response) => say(response, answer(STATUS.busy, 'One job\nat a time')));
    const failed = await failure(new IppClient({ place, clock: systemClock }).send('/', request(), t.signal));
    assert.is(failed.status, STATUS.busy);
    assert.is(failed.message, 'the printer refused: server-error-busy (One job at a time)');
    assert.not(failed.mayHaveActed);
  });

  it('is made again in IPP/1.1 for a printer that knows nothing newer, from then on at once', async (t) => {
    const versions: number[] = [];
    const place = await http(t, (asked, response) => {
      asked.once('data', (part: Buffer) => {
        versions.push(part.readUInt16BE(0));
        say(response, answer(part.readUInt16BE(0) === 0x0200 ? STATUS.versionUnsupported : 0));
      });
    });
    const client = new IppClient({ place, clock: systemClock });
    await client.send('/', request(), t.signal);
    await client.send('/', request(), t.signal);
    assert.equal(versions, [0x0200, 0x0101, 0x0101]);
  });

  const odd: Record<string, { serve: RequestListener; says: RegExp; acted: boolean }> = {
    'a web page': {
      serve: (_asked, response) => say(response, '<html>', 'text/html'),
      says: /no printer/,
      acted: true,
    },
    'nothing at all': { serve: (_asked, response) => say(response, ''), says: /ends too early/, acted: true },
    'three bytes': {
      serve: (_asked, response) => say(response, Buffer.alloc(3, 1)),
      says: /not understood/,
      acted: true,
    },
    'a cut answer': {
      serve: (_asked, response) => say(response, answer(0).subarray(0, -3)),
      says: /too early/,
      acted: true,
    },
    'an answer that breaks off': {
      serve: (_asked, response) => {
        response.writeHead(200, { 'content-type': 'application/ipp', 'content-length': 999 });
        response.write(answer(0), () => response.destroy());
      },
      says: /the answer was cut/,
      acted: true,
    },
    'a hang-up': { serve: (asked) => asked.socket.destroy(), says: /hung up/, acted: true },
    'an endless answer': {
      serve: (_asked, response) => {
        response.writeHead(200, { 'content-type': 'application/ipp' });
        for (let sent = 0; sent <= IPP_ANSWER_MAX_BYTES; sent += 1 << 20) response.write(Buffer.alloc(1 << 20, 0x20));
      },
      says: /too large/,
      acted: true,
    },
    'a wish for a password': {
      serve: (_asked, response) => say(response, '', 'text/html', 401),
      says: /password/,
      acted: false,
    },
    'a wish for encryption': {
      serve: (_asked, response) => say(response, '', 'text/html', 426),
      says: /ipps/,
      acted: false,
    },
    'another address': {
      serve: (_asked, response) => say(response, '', 'text/html', 404),
      says: /no printer at/,
      acted: false,
    },
    'trouble of its own': {
      serve: (_asked, response) => say(response, '', 'text/html', 503),
      says: /503/,
      acted: true,
    },
  };
  for (const [what, { serve, says, acted }] of Object.entries(odd)) {
    it(`fails when the answer is ${what}`, async (t) => {
      const client = new IppClient({ place: await http(t, serve), clock: systemClock });
      const failed = await failure(client.send('/', request(), t.signal));
      assert.match(failed.message, says);
      assert.is(failed.mayHaveActed, acted);
    });
  }

  it('fails without having been sent when nobody listens', async (t) => {
    const place = await http(t, () => undefined);
    if (place.type !== 'tcp') return;
    const gone: IppPlace = { ...place, port: 1 };
    const failed = await failure(new IppClient({ place: gone, clock: systemClock }).send('/', request(), t.signal));
    assert.match(failed.message, /cannot be reached: nothing listens/);
    assert.not(failed.mayHaveActed);
  });

  it('ends in time when the printer is mute, or stops in its answer', async (t) => {
    const clock = new FakeClock();
    const arrived = Promise.withResolvers<void>();
    const client = new IppClient({
      place: await listen(t, mute(arrived)),
      clock,
    });
    const failing = failure(client.send('/', request(), t.signal));
    await arrived.promise;
    await until('the request is out', () => {
      clock.pass(IPP_FIRST_BYTE_MAX_MS / 10);
      return Promise.race([failing.then(() => true), new Promise<null>((resolve) => setTimeout(resolve, 5, null))]);
    });
    assert.is((await failing).code, 'TIMEOUT');

    const begun = Promise.withResolvers<void>();
    const place = await http(t, (_asked, response) => {
      response.writeHead(200, { 'content-type': 'application/ipp', 'content-length': 999 });
      response.write(answer(0), () => begun.resolve());
    });
    const stopping = failure(new IppClient({ place, clock }).send('/', request(), t.signal));
    await begun.promise;
    await until('it gave up', () => {
      clock.pass(IPP_IDLE_MAX_MS / 10);
      return Promise.race([stopping.then(() => true), new Promise<null>((resolve) => setTimeout(resolve, 5, null))]);
    });
    assert.match((await stopping).message, /stopped in its answer/);
  });

  it('waits for a printer that takes no bytes as long as it has a reason', async (t) => {
    const clock = new FakeClock();
    const arrived = Promise.withResolvers<void>();
    const place = await listen(t, mute(arrived));
    let looks = 0;
    const document = {
      sizeBytes: 64 << 20,
      open: () => Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(1 << 20))),
      mayStall: async () => {
        looks += 1;
        return looks < 3;
      },
    };
    const failing = failure(new IppClient({ place, clock }).send('/', request(), t.signal, document));
    await arrived.promise;
    await until('it gave up', () => {
      clock.pass(IPP_IDLE_MAX_MS / 10);
      return Promise.race([failing.then(() => true), new Promise<null>((resolve) => setTimeout(resolve, 5, null))]);
    });
    assert.is((await failing).code, 'TIMEOUT');
    assert.is(looks, 3);
  });

  it('takes the answer of a printer that does not want the whole document', async (t) => {
    const place = await http(t, (asked, response) => {
      asked.once('data', () => say(response, answer(STATUS.formatUnsupported)));
      asked.resume();
    });
    const sending = new IppClient({ place, clock: systemClock }).send('/', request(), t.signal, {
      sizeBytes: 200 << 16,
      open: tooMuch,
    });
    assert.is((await failure(sending)).status, STATUS.formatUnsupported);
  });

  it('rejects with the reason of its signal, before and during', async (t) => {
    const arrived = Promise.withResolvers<void>();
    const place = await listen(t, mute(arrived));
    const client = new IppClient({ place, clock: systemClock });
    const abort = new AbortController();
    const sending = client.send('/', request(), abort.signal).catch((thrown: unknown) => thrown);
    await arrived.promise;
    const reason = new Error('enough');
    abort.abort(reason);
    assert.is(await sending, reason);
    assert.is(await client.send('/', request(), abort.signal).catch((thrown: unknown) => thrown), reason);
  });
});

spec('a printer with TLS', (it) => {
  it('is known by the certificate that it showed first', async (t) => {
    let known: string | null = null;
    const pin: CertificatePin = { get: () => known, set: async (fingerprint) => void (known = fingerprint) };
    const first = new IppClient({ place: secure(await serveTls(t, 0)), clock: systemClock, pin });
    await first.send('/', request(), t.signal);
    assert.match(known ?? '', /^[0-9a-f]{64}$/);
    await first.send('/', request(), t.signal);
    const other = new IppClient({ place: secure(await serveTls(t, 1)), clock: systemClock, pin });
    const failed = await failure(other.send('/', request(), t.signal));
    assert.match(failed.message, /another certificate/);
    assert.not(failed.mayHaveActed);
  });

  it('is no printer when it speaks no TLS', async (t) => {
    const plain = await http(t, (_asked, response) => say(response, answer(0)));
    const failed = await failure(
      new IppClient({ place: secure(plain), clock: systemClock }).send('/', request(), t.signal),
    );
    assert.not(failed.mayHaveActed);
  });
});
