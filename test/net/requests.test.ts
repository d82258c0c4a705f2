/** Requests and answers: in time, in bounds, and stopped when nobody wants them. */
import * as assert from 'uvu/assert';
import { type HandleRequest, Requests } from '../../agent/net/requests.js';
import type { OutgoingMessage, SessionMessage } from '../../agent/net/link.js';
import { NET_LIMITS } from '../../agent/net/net-limits.js';
import type { LogFields } from '../../agent/platform/log.js';
import { silentLog } from '../../agent/platform/log.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import {
  ERROR_MESSAGE_MAX_BYTES,
  MESSAGE_MAX_BYTES,
  REQUEST_ANSWER_MAX_MS,
  REQUEST_IDLE_MAX_MS,
  REQUEST_PROGRESS_INTERVAL_MS,
  REQUESTS_PER_LINK_MAX_COUNT,
} from '../../protocol/limits.js';
import type { OnProgress } from '../../protocol/peer/messages.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Case, spec } from '../support/spec.js';
import { failure, openPair } from './floor.js';

const PEER = 'a'.repeat(64) as PeerId;
const NOTHING = { shares: [] };

interface Pair {
  readonly asker: Requests;
  readonly answerer: Requests;
  readonly clock: FakeClock;
  /** Everything that was sent, each way. */
  readonly sent: OutgoingMessage[];
  readonly logged: { readonly event: string; readonly fields: LogFields }[];
}

/** Two tables whose messages reach each other at once. */
function openTables(handle: HandleRequest): Pair {
  const clock = new FakeClock();
  const sent: OutgoingMessage[] = [];
  const logged: Pair['logged'] = [];
  const table = (other: () => Requests): Requests =>
    new Requests({
      peer: PEER,
      clock,
      limits: NET_LIMITS,
      log: { ...silentLog, error: (event, fields = {}) => void logged.push({ event, fields }) },
      send: (message) => {
        if (JSON.stringify(message).length > MESSAGE_MAX_BYTES) throw new PotluckError('TOO_LARGE', 'too large');
        sent.push(message);
        other().receive(message as SessionMessage);
      },
      handle,
      note: () => undefined,
    });
  const asker: Requests = table(() => answerer);
  const answerer: Requests = table(() => asker);
  return { asker, answerer, clock, sent, logged };
}

const ask = (pair: Pair, t: Case): Promise<unknown> => pair.asker.ask('shares.list', {}, t.signal);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never: HandleRequest = () => new Promise(() => undefined);

spec('requests', (it) => {
  it('are answered, many at once, each with its own', async (t) => {
    const pair = openTables(async (_peer, method, body) => {
      await turn();
      assert.is(method, 'shares.browse');
      return { entries: [], next: (body as { path: string }).path, total: 0 };
    });
    const share = '0'.repeat(32);
    const paths = ['a', 'b', 'c'];
    const answers = await Promise.all(
      paths.map((path) => pair.asker.ask('shares.browse', { share, path, cursor: null, limit: 1 }, t.signal)),
    );
    assert.equal(
      answers.map(({ next }) => next),
      paths,
    );
  });

  it('reject with the code and the sentence of what the handler throws', async (t) => {
    const pair = openTables(() => Promise.reject(new PotluckError('SHARE_UNKNOWN', 'there is no such share')));
    const error = await ask(pair, t).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof PotluckError && error.code === 'SHARE_UNKNOWN');
    assert.is((error as Error).message, 'there is no such share');
  });

  it('hide a bug of the handler and log where it was, not what it says', async (t) => {
    const pair = openTables(() => Promise.reject(new TypeError('secret of /home/ana')));
    const error = await ask(pair, t).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof PotluckError && error.code === 'INTERNAL');
    assert.not.match((error as Error).message, /secret/);
    assert.is(pair.logged[0]?.event, 'request.fault');
    assert.not.match(JSON.stringify(pair.logged), /secret/);
    assert.match(String(pair.logged[0]?.fields['stack']), /requests\.test/);
  });

  it('cut a long message between characters, and take a code that they do not know as FAILED', async (t) => {
    const pair = openTables(() => Promise.reject(new PotluckError('GONE', 'ü'.repeat(1000))));
    const error = (await ask(pair, t).catch((thrown: unknown) => thrown)) as PotluckError;
    assert.is(error.message, 'ü'.repeat(ERROR_MESSAGE_MAX_BYTES / 2));
    const raw = openTables(never);
    const asked = ask(raw, t);
    raw.asker.receive({ t: 'err', id: 1, code: 'FROM_THE_FUTURE', message: 'x' } as SessionMessage);
    assert.is(await failure(asked), 'FAILED');
  });

  it('do not believe an answer that its schema refuses', async (t) => {
    assert.is(
      await failure(
        ask(
          openTables(async () => ({ shares: 'all' })),
          t,
        ),
      ),
      'BAD_MESSAGE',
    );
    assert.is(
      await failure(
        ask(
          openTables(async () => undefined),
          t,
        ),
      ),
      'BAD_MESSAGE',
    );
  });

  it('time out without an answer, and withdraw', async (t) => {
    const pair = openTables(never);
    const asked = failure(ask(pair, t));
    pair.clock.pass(REQUEST_ANSWER_MAX_MS - 1);
    assert.is(pair.sent.length, 1);
    pair.clock.pass(1);
    assert.is(await asked, 'TIMEOUT');
    assert.equal(pair.sent.at(-1), { t: 'cancel', id: 1 });
  });

  it('wait longer from sign of life to sign of life, which tell how far it is', async (t) => {
    let sign: OnProgress | null = null;
    const pair = openTables((_peer, _method, _body, _signal, progress) => {
      sign = progress;
      return new Promise(() => undefined);
    });
    const told: unknown[] = [];
    const asked = failure(pair.asker.ask('shares.list', {}, t.signal, (done, total) => told.push([done, total])));
    const tell: OnProgress = (done, total) => sign?.(done, total);
    tell(1, 10);
    tell(2, 10);
    pair.clock.pass(REQUEST_PROGRESS_INTERVAL_MS);
    tell(3, null);
    assert.equal(told, [
      [1, 10],
      [3, null],
    ]);
    pair.clock.pass(REQUEST_IDLE_MAX_MS - 1);
    tell(null, null);
    pair.clock.pass(REQUEST_IDLE_MAX_MS - 1);
    assert.is(pair.sent.filter((message) => message.t === 'cancel').length, 0);
    pair.clock.pass(1);
    assert.is(await asked, 'TIMEOUT');
  });

  it('stop the work at the other side when they are withdrawn', async () => {
    let stopped: unknown = null;
    const pair = openTables(
      (_peer, _method, _body, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped = signal.reason;
            reject(signal.reason as Error);
          });
        }),
    );
    const stop = new AbortController();
    const asked = failure(pair.asker.ask('shares.list', {}, stop.signal));
    stop.abort();
    assert.is(await asked, 'CANCELLED');
    assert.ok(stopped instanceof PotluckError && stopped.code === 'CANCELLED');
    await turn();
    assert.equal(
      pair.sent.map((message) => message.t),
      ['req', 'cancel'],
      'and nothing is answered any more',
    );
    assert.is(await failure(pair.asker.ask('shares.list', {}, AbortSignal.abort())), 'CANCELLED');
  });

  it('are bounded in number at both ends; what is withdrawn counts until its work has stopped', async (t) => {
    const stop = new AbortController();
    const pair = openTables(never);
    const all = Array.from({ length: REQUESTS_PER_LINK_MAX_COUNT }, () =>
      failure(pair.asker.ask('shares.list', {}, stop.signal)),
    );
    assert.is(await failure(ask(pair, t)), 'BUSY');
    assert.is(pair.sent.length, REQUESTS_PER_LINK_MAX_COUNT);
    stop.abort();
    assert.equal(new Set(await Promise.all(all)), new Set(['CANCELLED']));
    assert.is(await failure(ask(pair, t)), 'BUSY', 'the other end still works on all of them');
    assert.equal(pair.sent.at(-1)?.t, 'err');
  });

  it('are not answered twice under one id', async () => {
    const pair = openTables(never);
    const request = { t: 'req', id: 7, m: 'shares.list', b: {} } as SessionMessage;
    pair.answerer.receive(request);
    pair.answerer.receive(request);
    await turn();
    assert.equal(
      pair.sent.map((message) => [message.t, 'code' in message ? message.code : null]),
      [['err', 'BUSY']],
    );
  });

  it('say when a question or an answer does not fit a message', async (t) => {
    const pair = openTables(async () => ({ shares: 'x'.repeat(MESSAGE_MAX_BYTES) }));
    assert.is(await failure(ask(pair, t)), 'TOO_LARGE');
    const paths = Array.from({ length: 64 }, () => 'p'.repeat(4000));
    const share = '0'.repeat(32);
    assert.is(await failure(pair.asker.ask('content.describe', { share, paths }, t.signal)), 'TOO_LARGE');
  });

  it('end with the peer: questions are answered, work is stopped, nothing is taken any more', async (t) => {
    let isStopped = false;
    const pair = openTables((_peer, _method, _body, signal) => {
      signal.addEventListener('abort', () => (isStopped = true));
      return new Promise(() => undefined);
    });
    const asked = failure(ask(pair, t));
    pair.asker.end(new PotluckError('PEER_OFFLINE', 'gone'));
    pair.answerer.end(new PotluckError('PEER_OFFLINE', 'gone'));
    assert.is(await asked, 'PEER_OFFLINE');
    assert.ok(isStopped);
    assert.is(await failure(ask(pair, t)), 'PEER_OFFLINE');
    assert.is(pair.clock.waiting, 0);
  });

  it('ignore answers to what nobody asked', () => {
    const { asker } = openTables(never);
    asker.receive({ t: 'ans', id: 9, b: NOTHING });
    asker.receive({ t: 'wait', id: 9 });
    asker.receive({ t: 'cancel', id: 9 });
  });

  it('are sent as fast as the other end allows, and not faster: a busy peer is no flood', async (t) => {
    const [ana, bruno] = await openPair(t, { messagesPerSecond: 500, messagesBurst: 50 });
    bruno.handlers.handle = async () => NOTHING;
    const started = performance.now();
    const asked = Array.from({ length: 250 }, () => ana.peers.call(bruno.id, 'shares.list', {}, t.signal));
    await Promise.all(asked);
    assert.ok(performance.now() - started > 300);
    assert.ok(ana.peers.isOnline(bruno.id));
  });

  it('travel over a real link, with signs of life and in both directions', async (t) => {
    const [ana, bruno] = await openPair(t);
    for (const agent of [ana, bruno]) {
      agent.handlers.handle = async (_peer, _method, _body, _signal, progress) => {
        progress(1, 2);
        await turn();
        return NOTHING;
      };
    }
    const told: unknown[] = [];
    const onProgress = (done: number | null, total: number | null): void => void told.push([done, total]);
    assert.equal(await ana.peers.call(bruno.id, 'shares.list', {}, t.signal, onProgress), NOTHING);
    assert.equal(await bruno.peers.call(ana.id, 'shares.list', {}, t.signal, onProgress), NOTHING);
    assert.equal(told, [
      [1, 2],
      [1, 2],
    ]);
  });
});
