/** What CLI and UI see of an agent: its answers, its errors, and its absence, each with the right code. */
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { LocalHandlers } from '../../agent/api/local-calls.js';
import { PotluckError } from '../../protocol/errors.js';
import { type AgentClient, openAgentClient } from '../../tui/client/agent-client.js';
import { startAgent } from '../../tui/client/start-agent.js';
import { openFakeAgent, pathsIn } from '../support/fake-agent.js';
import { until } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

function clientOf(t: Case, home: string): AgentClient {
  const client = openAgentClient(pathsIn(home));
  t.defer(() => client.close());
  return client;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (thrown) {
    return thrown instanceof PotluckError ? thrown.code : String(thrown);
  }
}

const shares: LocalHandlers['share.list'] = async () => ({ shares: [] });
const needsRoot = { needs: () => (process.getuid?.() === 0 ? null : 'needs root') };

spec('agent client', (it) => {
  it('calls many methods at once over few connections', async (t) => {
    const agent = await openFakeAgent(t, { 'share.list': shares });
    const client = clientOf(t, agent.paths.home);
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.call('share.list', {}, t.signal)));
    assert.is(answers.length, 50);
    assert.is(agent.asked.length, 50);
  });

  it('gives the error of the agent with its hint', async (t) => {
    const agent = await openFakeAgent(t, {
      'share.list': async () => {
        throw new PotluckError('BUSY', 'not now', { hint: 'later' });
      },
    });
    const thrown = await clientOf(t, agent.paths.home)
      .call('share.list', {}, t.signal)
      .catch((error: unknown) => error);
    assert.is((thrown as PotluckError).code, 'BUSY');
    assert.is((thrown as PotluckError).message, 'not now');
    assert.is((thrown as PotluckError).hint, 'later');
  });

  it('refuses an answer that is not what this version knows', async (t) => {
    const wrong = (async () => ({ shares: 1 })) as unknown as LocalHandlers['share.list'];
    const agent = await openFakeAgent(t, { 'share.list': wrong });
    assert.is(await codeOf(clientOf(t, agent.paths.home).call('share.list', {}, t.signal)), 'UNSUPPORTED');
  });

  it('withdraws a call that is aborted', async (t) => {
    const withdrawn = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const agent = await openFakeAgent(t, {
      'share.list': (_input, signal) => {
        signal.addEventListener('abort', () => withdrawn.resolve());
        begun.resolve();
        return new Promise(() => undefined);
      },
    });
    const abort = new AbortController();
    const called = codeOf(clientOf(t, agent.paths.home).call('share.list', {}, abort.signal));
    await begun.promise;
    abort.abort(new PotluckError('CANCELLED', 'enough'));
    assert.is(await called, 'CANCELLED');
    await withdrawn.promise;
  });

  it('goes on with an agent that was started again, with its new token', async (t) => {
    const first = await openFakeAgent(t, { 'share.list': shares });
    const client = clientOf(t, first.paths.home);
    await client.call('share.list', {}, t.signal);
    await first.server.close();
    assert.is(await codeOf(client.call('share.list', {}, t.signal)), 'NO_AGENT');
    await openFakeAgent(t, { 'share.list': shares }, { home: first.paths.home });
    await client.call('share.list', {}, t.signal);
  });
});

spec('an agent that cannot be asked', (it) => {
  it('is NO_AGENT when there never was one, and when it is gone', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const client = clientOf(t, home);
    assert.is(await codeOf(client.call('share.list', {}, t.signal)), 'NO_AGENT');
    const agent = await openFakeAgent(t, {}, { home });
    await agent.server.close();
    assert.is(await codeOf(client.call('share.list', {}, t.signal)), 'NO_AGENT');
  });

  it('is NOT_ALLOWED when its token is not the one in the file', async (t) => {
    const agent = await openFakeAgent(t, { 'share.list': shares });
    writeFileSync(agent.paths.token, `${'0'.repeat(64)}\n`);
    assert.is(await codeOf(clientOf(t, agent.paths.home).call('share.list', {}, t.signal)), 'NOT_ALLOWED');
    assert.equal(agent.asked, []);
  });

  it('is UNSAFE_FILES when the token file holds something else', async (t) => {
    const agent = await openFakeAgent(t);
    writeFileSync(agent.paths.token, 'x');
    assert.is(await codeOf(clientOf(t, agent.paths.home).call('share.list', {}, t.signal)), 'UNSAFE_FILES');
  });

  it(
    'is NOT_ALLOWED when token or socket are another user’s',
    async (t) => {
      for (const whose of ['token', 'socket'] as const) {
        const agent = await openFakeAgent(t, { 'share.list': shares });
        chownSync(whose === 'token' ? agent.paths.token : agent.server.address, 65534, 65534);
        assert.is(await codeOf(clientOf(t, agent.paths.home).call('share.list', {}, t.signal)), 'NOT_ALLOWED', whose);
      }
    },
    needsRoot,
  );
});

/** A program that behaves as the agent's main file would at its start. */
function program(t: Case, script: string): string {
  const file = path.join(temporaryFolder(t), 'main.mjs');
  writeFileSync(file, script);
  return file;
}

spec('starting an agent in the background', (it) => {
  it('does nothing where one answers', async (t) => {
    const agent = await openFakeAgent(t);
    assert.is(await startAgent(agent.paths, '/nowhere', [], t.signal), false);
  });

  it(
    'starts it apart from this process and waits until it answers',
    async (t) => {
      const home = path.join(temporaryFolder(t), 'agent');
      const module = new URL('../support/fake-agent.js', import.meta.url).href;
      const file = program(
        t,
        `const { openFakeAgent } = await import(${JSON.stringify(module)});
       const fs = await import('node:fs');
       await new Promise((resolve) => setTimeout(resolve, 200));
       await openFakeAgent({ defer() {} }, { 'share.list': async () => ({ shares: [] }) }, { home: ${JSON.stringify(home)} });
       fs.writeFileSync(${JSON.stringify(home)} + '/seen', process.pid + ' ' + process.argv.slice(2).join() + ' ' + process.cwd());`,
      );
      assert.is(await startAgent(pathsIn(home), file, ['--no-discovery'], t.signal), true);
      await clientOf(t, home).call('share.list', {}, t.signal);
      const [pid, flags, folder] = readFileSync(path.join(home, 'seen'), 'utf8').split(' ');
      t.defer(() => process.kill(Number(pid), 'SIGKILL'));
      assert.is(flags, '--no-discovery');
      assert.is(folder, home);
      // The head of a process group of its own is not ended with ours.
      assert.is(processGroup(Number(pid)), Number(pid));
    },
    { needs: () => (process.platform === 'linux' ? null : 'reads /proc') },
  );

  it('tells the last line of one that fails, without what a terminal would obey', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const file = program(
      t,
      `console.error('noise\\npotluck: agent: no\\u001b[2J way (NOT_ALLOWED)\\ntry: x'); process.exit(5)`,
    );
    const thrown = await startAgent(pathsIn(home), file, [], t.signal).catch((error: unknown) => error);
    assert.is((thrown as PotluckError).code, 'FAILED');
    assert.is((thrown as PotluckError).message, 'the agent did not start: agent: no·[2J way (NOT_ALLOWED)');
  });

  it('gives up when it is told to', async (t) => {
    const home = path.join(temporaryFolder(t), 'agent');
    const file = program(t, `console.log(process.pid); setTimeout(() => {}, 60_000)`);
    const abort = new AbortController();
    const started = codeOf(startAgent(pathsIn(home), file, [], abort.signal));
    const { startLog } = pathsIn(home);
    const pid = await until('it runs', () => {
      const said = existsSync(startLog) ? Number(readFileSync(startLog, 'utf8')) : 0;
      return said > 1 ? said : null;
    });
    t.defer(() => process.kill(pid, 'SIGKILL'));
    abort.abort(new PotluckError('CANCELLED', 'enough'));
    assert.is(await started, 'CANCELLED');
  });

  it('does not start one for another user', async (t) => {
    const agent = await openFakeAgent(t);
    rmSync(agent.paths.token);
    writeFileSync(agent.paths.token, `${'0'.repeat(64)}\n`);
    chmodSync(agent.paths.token, 0o600);
    assert.is(await codeOf(startAgent(agent.paths, '/nowhere', [], t.signal)), 'NOT_ALLOWED');
  });
});

function processGroup(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}
