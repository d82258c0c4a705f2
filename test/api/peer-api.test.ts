/** The door for coworkers: schema first, access second, and one answer for what is absent and what is hidden. */
import * as assert from 'uvu/assert';
import { peerNotes, peerRequests, type PrintDoor } from '../../agent/api/peer-api.js';
import type { LocalShare } from '../../agent/shares/local-shares.js';
import type { PeerId } from '../../protocol/ids.js';
import { makePc, refusal } from '../support/shares.js';
import { type Case, spec } from '../support/spec.js';

const SELF = '5'.repeat(64) as PeerId;
const ana = 'a'.repeat(64) as PeerId;
const bruno = 'b'.repeat(64) as PeerId;
const nothing = (): void => undefined;

function open(t: Case) {
  const { pc, folder } = makePc(t, ['plan.txt', 'sub/']);
  const share = pc.shares.add(folder, { name: 'Plans', only: [ana] });
  const changes: string[] = [];
  const printing: PrintDoor = {
    printers: { shared: async () => [], byId: () => null, countShared: () => 0 },
    spooler: {
      jobFacts: () => null,
      offer: () => Promise.reject(new Error('never asked')),
      commit: () => Promise.reject(new Error('never asked')),
      cancel: () => Promise.reject(new Error('never asked')),
      states: () => [],
    },
    onReport: () => undefined,
    peerChanged: () => void changes.push('printers'),
  };
  const options = { shares: pc.shares, printing, self: SELF };
  const handle = peerRequests(options);
  const ask = (peer: PeerId, method: string, body: unknown): Promise<unknown> =>
    handle(peer, method, body, t.signal, nothing);
  return { share, ask, note: peerNotes(options), changes, pc };
}

/** Every request that names the share. */
const about = ({ id }: Pick<LocalShare, 'id'>): [string, unknown][] => [
  ['shares.browse', { share: id, path: '', cursor: null, limit: 10 }],
  ['shares.stat', { share: id, path: 'plan.txt' }],
  ['content.describe', { share: id, paths: ['plan.txt'] }],
];

spec('peer api', (it) => {
  it('answers who is let in', async (t) => {
    const { share, ask } = open(t);
    const { shares } = (await ask(ana, 'shares.list', {})) as { shares: { name: string }[] };
    assert.equal(
      shares.map(({ name }) => name),
      ['Plans'],
    );
    for (const [method, body] of about(share)) assert.ok(await ask(ana, method, body), method);
  });

  it('lets this PC look at all that it shares', async (t) => {
    const { share, ask } = open(t);
    for (const [method, body] of about(share)) assert.ok(await ask(SELF, method, body), method);
  });

  it('answers a hidden share exactly like one that does not exist', async (t) => {
    const { share, ask } = open(t);
    assert.equal(await ask(bruno, 'shares.list', {}), { shares: [] });
    const absent = { id: '0'.repeat(32) } as Pick<LocalShare, 'id'>;
    for (const [at, [method, body]] of about(share).entries()) {
      const [, other] = about(absent)[at] ?? [];
      const hidden = await failure(() => ask(bruno, method, body));
      assert.is(hidden.code, 'SHARE_UNKNOWN', method);
      assert.equal(hidden, await failure(() => ask(bruno, method, other)), method);
    }
  });

  it('forgets a share the moment it is no longer shared', async (t) => {
    const { share, ask, pc } = open(t);
    pc.shares.remove('Plans');
    for (const [method, body] of about(share)) assert.is(await refusal(() => ask(ana, method, body)), 'SHARE_UNKNOWN');
  });

  const malformed: [string, unknown][] = [
    ['shares.browse', { share: 'x', path: '', cursor: null, limit: 10 }],
    ['shares.browse', { share: '0'.repeat(32), path: '../..', cursor: null, limit: 10 }],
    ['shares.browse', { share: '0'.repeat(32), path: '', cursor: null, limit: 1e9 }],
    ['shares.stat', { share: '0'.repeat(32), path: '/etc/passwd' }],
    ['content.describe', { share: '0'.repeat(32), paths: [] }],
    ['shares.list', { extra: 1 }],
    ['shares.list', null],
  ];
  for (const [method, body] of malformed) {
    it(`refuses ${method} ${JSON.stringify(body)?.slice(0, 60)}`, async (t) => {
      assert.is(await refusal(() => open(t).ask(ana, method, body)), 'BAD_MESSAGE');
    });
  }

  it('does not know names that only every object has', async (t) => {
    const { ask } = open(t);
    for (const name of ['toString', '__proto__', 'constructor', 'shares.remove', '']) {
      assert.is(await refusal(() => ask(ana, name, {})), 'UNSUPPORTED', name);
    }
  });

  it('takes a note, ignores one of a later version, and ends the link on a malformed one', async (t) => {
    const { note, changes } = open(t);
    note(ana, 'peer.changed', { what: 'printers' });
    note(ana, 'later.note', { any: 1 });
    assert.equal(changes, ['printers']);
    assert.is(await refusal(() => note(ana, 'peer.changed', { what: 'everything' })), 'BAD_MESSAGE');
  });
});

async function failure(work: () => Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work();
  } catch (thrown) {
    const { code, message } = thrown as { code: string; message: string };
    return { code, message };
  }
  throw new Error('nothing was refused');
}
