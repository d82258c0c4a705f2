/** What is remembered of downloads. */
import path from 'node:path';
import * as assert from 'uvu/assert';
import { silentLog } from '../../agent/platform/log.js';
import { openDatabase } from '../../agent/storage/database.js';
import { type StoredTransfer, TRANSFER_TABLES, TransferStore } from '../../agent/storage/transfers.js';
import { fromHex, peerIdOf, type ShareId, type TransferId } from '../../protocol/ids.js';
import type { WirePath } from '../../protocol/path.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

function openStore(t: Case, file: string): TransferStore {
  const database = openDatabase(file, [TRANSFER_TABLES], silentLog);
  t.defer(() => database.close());
  return new TransferStore(database);
}

const transfer = (id: string, startedMs: number): StoredTransfer => ({
  id: id as TransferId,
  peer: peerIdOf(fromHex('aa'.repeat(32))),
  peerName: 'ana',
  share: 'Projects',
  path: 'plan.pdf',
  found: { share: '0'.repeat(32) as ShareId, path: 'plan.pdf' as WirePath, type: 'file', name: 'plan.pdf' },
  target: '/downloads',
  onConflict: 'rename',
  placedName: null,
  state: 'waiting',
  because: 'ana is offline',
  error: { code: 'PEER_OFFLINE', message: 'ana is offline', hint: 'wait' },
  bytes: 7,
  size: 9,
  files: 1,
  filesDone: 0,
  wrong: 0,
  failed: [{ path: 'x', code: 'GONE' }],
  failedCount: 1,
  startedMs,
  finishedMs: null,
});
const wire = (text: string): WirePath => text as WirePath;

spec('transfer store', (it) => {
  it('keeps transfers as they last were, the oldest first', (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const store = openStore(t, file);
    store.put(transfer('t0002', 20));
    store.put(transfer('t0001', 10));
    store.put({ ...transfer('t0002', 20), state: 'done', error: null, found: null });
    store.put(transfer('t0003', 30));
    store.remove('t0003');
    assert.equal(openStore(t, file).list(), [
      transfer('t0001', 10),
      { ...transfer('t0002', 20), state: 'done', error: null, found: null },
    ]);
  });

  it('tells placed files that are safe from those that may be lost in a power cut', (t) => {
    const store = openStore(t, path.join(temporaryFolder(t), 'state.db'));
    store.put(transfer('t0001', 10));
    store.recordPlaced('t0001', [
      { path: wire('a'), bytes: 1 },
      { path: wire('b'), bytes: 2 },
    ]);
    store.recordPlaced('t0001', []);
    assert.not(store.isSafe('t0001', wire('a')));
    store.makeSafe('t0001');
    store.recordPlaced('t0001', [{ path: wire('c'), bytes: 3 }]);
    assert.equal(
      ['a', 'b', 'c', 'd'].map((name) => store.isSafe('t0001', wire(name))),
      [true, true, false, false],
    );
    assert.not(store.isSafe('t0002', wire('a')));
    store.forgetFiles('t0001');
    assert.not(store.isSafe('t0001', wire('a')));
  });
});
