/** Files in place: recorded in lots, and called safe only when the disk was synced after that. */
import path from 'node:path';
import * as assert from 'uvu/assert';
import { silentLog } from '../../agent/platform/log.js';
import { openDatabase } from '../../agent/storage/database.js';
import { type StoredTransfer, TRANSFER_TABLES, TransferStore } from '../../agent/storage/transfers.js';
import { PlacedFiles } from '../../agent/transfer/placed-files.js';
import type { WirePath } from '../../protocol/path.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const TRANSFER = 't0001' as StoredTransfer['id'];
const needsSync = (): string | null => (process.platform === 'win32' ? 'no program syncs a disk there' : null);

interface Placing {
  readonly placed: PlacedFiles;
  readonly clock: FakeClock;
  readonly add: (name: string) => void;
  readonly recorded: () => string[];
  readonly isSafe: (name: string) => boolean;
}

function makePlacing(t: Case): Placing {
  const folder = temporaryFolder(t);
  const database = openDatabase(path.join(folder, 'state.db'), [TRANSFER_TABLES], silentLog);
  t.defer(() => database.close());
  const store = new TransferStore(database);
  const clock = new FakeClock();
  const placed = new PlacedFiles({ transfer: TRANSFER, folder, store, clock });
  t.defer(() => placed.close());
  const files = database.sql.prepare('SELECT path FROM transfer_file ORDER BY path');
  return {
    placed,
    clock,
    add: (name) => placed.add({ path: name as WirePath, bytes: 1 }),
    recorded: () => files.all().map((row) => String(row['path'])),
    isSafe: (name) => store.isSafe(TRANSFER, name as WirePath),
  };
}

spec('placed files', (it) => {
  it('are recorded once a second, and the rest at the end', async (t) => {
    const { placed, clock, add, recorded } = makePlacing(t);
    add('a');
    placed.look();
    assert.equal(recorded(), []);
    clock.pass(1000);
    add('b');
    placed.look();
    assert.equal(recorded(), ['a', 'b']);
    add('c');
    await placed.close();
    assert.equal(recorded(), ['a', 'b', 'c']);
    await placed.close();
  });

  it(
    'are safe after a sync that began when they were recorded',
    async (t) => {
      const { placed, clock, add, isSafe } = makePlacing(t);
      add('early');
      clock.pass(30_000);
      placed.look();
      add('late');
      assert.not(isSafe('early'));
      await until('the disk is synced', () => isSafe('early') || null);
      assert.not(isSafe('late'));
    },
    { needs: needsSync },
  );

  it(
    'are not called safe when a sync is broken off, and nothing goes on behind its end',
    async (t) => {
      const { placed, clock, add, recorded, isSafe } = makePlacing(t);
      add('early');
      clock.pass(30_000);
      placed.look();
      add('late');
      await placed.close();
      assert.equal(recorded(), ['early', 'late']);
      assert.not(isSafe('late'));
      clock.pass(60_000);
    },
    { needs: needsSync },
  );
});
