/** One agent per home, however the one before ended. */
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { claimHome } from '../../agent/platform/instance.js';
import type { PotluckError } from '../../protocol/errors.js';
import { pathsIn } from '../support/fake-agent.js';
import { run, start, type Child } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const INSTANCE = fileURLToPath(new URL('../../agent/platform/instance.js', import.meta.url));

function claimed(home: string): PotluckError | null {
  try {
    void claimHome(pathsIn(home)).close();
    return null;
  } catch (thrown) {
    return thrown as PotluckError;
  }
}

/** Another process that takes the home and keeps it until it ends. */
function claimer(t: Case, home: string): Promise<Child> {
  const script = `
    const { claimHome } = await import(${JSON.stringify(INSTANCE)});
    try { claimHome(${JSON.stringify(pathsIn(home))}); console.log('mine'); setInterval(() => {}, 1000); }
    catch (thrown) { console.log(thrown.code); }`;
  return start(t, process.execPath, ['--input-type=module', '-e', script]);
}

spec('one agent per home', (it) => {
  it('makes the home, closed to others', (t) => {
    const home = path.join(temporaryFolder(t), 'a', 'b');
    assert.is(claimed(home), null);
    assert.is(statSync(home).mode & 0o777, 0o700);
  });

  it('refuses the second and names the first', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const first = await claimer(t, home);
    await first.line(/^mine$/);
    const thrown = claimed(home);
    assert.is(thrown?.code, 'AGENT_RUNNING');
    assert.ok(thrown?.message.includes(home));
    assert.ok(thrown?.message.includes(`process ${first.pid}`));
  });

  it('is free again at once after kill -9', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const first = await claimer(t, home);
    await first.line(/^mine$/);
    await first.end('SIGKILL');
    assert.is(claimed(home), null);
  });

  it('gives a home to exactly one of many that start together', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const all = await Promise.all(Array.from({ length: 6 }, () => claimer(t, home)));
    const said = await Promise.all(all.map((child) => child.line(/^(mine|AGENT_RUNNING)$/)));
    assert.is(said.filter(([line]) => line === 'mine').length, 1);
  });

  it('is not disturbed by a process id that another program has by now', (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(pathsIn(home).pid, `${process.ppid}\n`);
    assert.is(claimed(home), null);
  });

  it('refuses a home that other users can enter, and says what mends it', (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    mkdirSync(home, { mode: 0o700 });
    chmodSync(home, 0o755);
    const thrown = claimed(home);
    assert.is(thrown?.code, 'UNSAFE_FILES');
    assert.is(thrown?.hint, `chmod 700 '${home}'`);
  });

  it(
    'refuses a home of another user',
    async (t) => {
      const home = path.join(temporaryFolder(t), 'agent');
      mkdirSync(home, { mode: 0o700 });
      await run('chown', ['65534', home]);
      assert.is(claimed(home)?.code, 'UNSAFE_FILES');
    },
    { needs: () => (process.getuid?.() === 0 ? null : 'needs root') },
  );
});
