/** Where members were reached last, over a restart. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { openRememberedPeers, type RememberedPeer } from '../../agent/discovery/remembered-peers.js';
import { silentLog } from '../../agent/platform/log.js';
import { ADDRESSES_PER_PEER_MAX_COUNT, REMEMBERED_PEERS_MAX_COUNT } from '../../protocol/limits.js';
import { FakeClock } from '../support/fake-clock.js';
import { idOf } from '../support/rosters.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const ANA: RememberedPeer = {
  id: idOf('ana'),
  name: 'ana',
  addresses: [
    { host: '10.0.0.1', port: 5000 },
    { host: 'fe80::1', port: 5000 },
  ],
  lastSeenMs: 1_750_000_000_000,
};

async function open(t: Case, folder = temporaryFolder(t)) {
  const clock = new FakeClock();
  const peers = await openRememberedPeers({ folder, clock, log: silentLog });
  t.defer(() => peers.close());
  const reopen = async () => {
    await peers.close();
    return open(t, folder);
  };
  return { peers, clock, reopen, file: path.join(folder, 'peers.json') };
}

spec('remembered peers', (it) => {
  it('are there after a restart, for this user only', async (t) => {
    const { peers, file, reopen } = await open(t);
    assert.equal(peers.all(), []);
    peers.remember([ANA]);
    assert.equal(peers.all(), [ANA]);
    assert.equal((await reopen()).peers.all(), [ANA]);
    assert.is(statSync(file).mode & 0o777, 0o600);
  });

  it('are written once for a burst of changes, and not at all for none', async (t) => {
    const { peers, clock, file, reopen } = await open(t);
    for (let at = 1; at <= 50; at++) peers.remember([{ ...ANA, lastSeenMs: at }]);
    assert.is(clock.waiting, 1);
    assert.not(existsSync(file));
    clock.pass(2000);
    await peers.close();
    const { mtimeNs } = statSync(file, { bigint: true });
    const again = await reopen();
    assert.equal(again.peers.all()[0]?.lastSeenMs, 50);
    again.peers.remember([{ ...ANA, lastSeenMs: 50 }]);
    await again.peers.close();
    assert.is(statSync(file, { bigint: true }).mtimeNs, mtimeNs);
  });

  it('are so many, with so many addresses', async (t) => {
    const { peers, reopen } = await open(t);
    const addresses = Array.from({ length: 20 }, (_, at) => ({ host: '10.0.0.1', port: 5000 + at }));
    peers.remember(Array.from({ length: 500 }, () => ({ ...ANA, addresses })));
    const { peers: again } = await reopen();
    assert.is(again.all().length, REMEMBERED_PEERS_MAX_COUNT);
    assert.is(again.all()[0]?.addresses.length, ADDRESSES_PER_PEER_MAX_COUNT);
    assert.is(again.all()[0]?.addresses[0]?.port, 5000, 'the best come first');
  });

  it('are none when the file is damaged, or names a host instead of an address', async (t) => {
    for (const bad of [
      '{',
      '[]',
      JSON.stringify({ v: 1, peers: [{ ...ANA, addresses: [{ host: 'evil.com', port: 5000 }] }] }),
    ]) {
      const { peers, file, reopen } = await open(t);
      await peers.close();
      writeFileSync(file, bad, { mode: 0o600 });
      assert.equal((await reopen()).peers.all(), [], bad);
    }
  });
});
