/** Whom a joining PC may ask: known ones at once, those that come as they come, and an end to looking. */
import * as assert from 'uvu/assert';
import type { Candidate } from '../../agent/discovery/candidates.js';
import { JoinWatch } from '../../agent/discovery/join-watch.js';
import type { InstanceName } from '../../protocol/discovery.js';
import { JOIN_SEARCH_MAX_MS } from '../../protocol/limits.js';
import { FakeClock } from '../support/fake-clock.js';
import { spec } from '../support/spec.js';

const at = (host: string, joinOpen = true): Candidate => ({
  instance: host as InstanceName,
  addresses: [{ host, port: 5000 }],
  joinOpen,
  isMember: false,
});

spec('join watch', (it) => {
  it('gives the known ones with an open invitation at once, each once', async (t) => {
    const watch = new JoinWatch(new FakeClock());
    const list = [at('10.0.0.1'), at('10.0.0.2', false), at('10.0.0.3')];
    const iterator = watch.addresses(() => list, t.signal)[Symbol.asyncIterator]();
    assert.is((await iterator.next()).value?.host, '10.0.0.1');
    assert.is((await iterator.next()).value?.host, '10.0.0.3');
  });

  it('gives one that comes later, and can be left while it waits', async (t) => {
    const watch = new JoinWatch(new FakeClock());
    const list: Candidate[] = [];
    const iterator = watch.addresses(() => list, t.signal)[Symbol.asyncIterator]();
    const first = iterator.next();
    list.push(at('10.0.0.9'));
    watch.found();
    assert.is((await first).value?.host, '10.0.0.9');
    const second = iterator.next();
    await iterator.return?.();
    assert.ok((await second).done);
  });

  it('ends when nobody new comes for a while', async (t) => {
    const clock = new FakeClock();
    const iterator = new JoinWatch(clock).addresses(() => [], t.signal)[Symbol.asyncIterator]();
    const next = iterator.next();
    clock.pass(JOIN_SEARCH_MAX_MS + 1);
    assert.ok((await next).done);
  });

  it('ends with its signal', async () => {
    const abort = new AbortController();
    const iterator = new JoinWatch(new FakeClock()).addresses(() => [], abort.signal)[Symbol.asyncIterator]();
    const next = iterator.next();
    abort.abort();
    assert.ok((await next).done);
  });
});
