/** Settings survive, and a broken file is put aside rather than stop the agent. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { silentLog } from '../../agent/platform/log.js';
import { openSettings } from '../../agent/platform/settings.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

spec('settings', (it) => {
  it('are kept, for this user only', async (t) => {
    const home = temporaryFolder(t);
    await openSettings(home, silentLog).change({ name: 'Ana', port: 5000 });
    assert.equal(openSettings(home, silentLog).get().name, 'Ana');
    assert.is(statSync(path.join(home, 'settings.json')).mode & 0o777, 0o600);
  });

  it('keep the last of several changes at once', async (t) => {
    const home = temporaryFolder(t);
    const store = openSettings(home, silentLog);
    await Promise.all(['a', 'b', 'c'].map((name) => store.change({ name })));
    assert.is(openSettings(home, silentLog).get().name, 'c');
  });

  it('put a broken file aside and go on with the defaults', (t) => {
    const home = temporaryFolder(t);
    writeFileSync(path.join(home, 'settings.json'), '{"name":');
    const { name, port } = openSettings(home, silentLog).get();
    assert.ok(name.length > 0);
    assert.is(port, null);
    assert.is(readFileSync(path.join(home, 'settings.json.bad'), 'utf8'), '{"name":');
    assert.not(existsSync(path.join(home, 'settings.json')));
  });

  it('refuse a change that is none', async (t) => {
    const store = openSettings(temporaryFolder(t), silentLog);
    assert.throws(() => void store.change({ name: '' }));
  });
});
