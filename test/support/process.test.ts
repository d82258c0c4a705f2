/** Children are heard, awaited and gone. */
import * as assert from 'uvu/assert';
import { must, run, start } from './process.js';
import { spec } from './spec.js';

const say = (script: string): [string, string[]] => [process.execPath, ['-e', script]];

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => '',
    (thrown: unknown) => String(thrown),
  );
}

spec('process', (it) => {
  it('finds a line that was printed and one that is still to come', async (t) => {
    const child = await start(t, ...say(`console.log('one 1'); setTimeout(() => console.error('two 2'), 100)`));
    assert.is((await child.line(/^two (\d)$/))[1], '2');
    assert.is((await child.line(/^one (\d)$/))[1], '1');
  });

  it('does not take half a line for a line', async (t) => {
    const halves = `process.stdout.write('{"ready":'); setTimeout(() => console.log('true}'), 100)`;
    const child = await start(t, ...say(halves));
    assert.is((await child.line(/ready.*/))[0], 'ready":true}');
  });

  it('says what a child printed when the line never comes', async (t) => {
    const ends = await start(t, ...say(`console.log('a clue')`));
    assert.match(await failure(ends.line(/never/)), /ended before\na clue/);
    const stays = await start(t, ...say(`console.log('another'); setInterval(() => {}, 1000)`));
    await stays.line(/another/);
    assert.match(await failure(stays.line(/never/, 50)), /not within 50 ms\nanother/);
  });

  it('ends a child that ignores the request, and all of a group', async (t) => {
    const deaf = await start(
      t,
      ...say(`process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e3)`),
    );
    await deaf.line(/up/);
    assert.is((await deaf.end('SIGTERM', 100)).signal, 'SIGKILL');
    const parent = `require('node:child_process').spawn(process.execPath,
      ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }); console.log('up')`;
    const group = await start(t, ...say(parent), { group: true });
    await group.line(/up/);
    // The grandchild holds the output open, so this resolves only when it is gone as well.
    await group.end();
  });

  it('keeps the newest of much output', async () => {
    const { code, stdout } = await run(...say(`process.stdout.write('x'.repeat(6e6) + 'end')`));
    assert.is(code, 0);
    assert.is(stdout.length, 4 * 1024 * 1024);
    assert.ok(stdout.endsWith('xend'));
  });

  it('hands over input, kills at the limit and tells failures apart', async () => {
    assert.is(await must(...say('process.stdin.pipe(process.stdout)'), { input: 'word' }), 'word');
    assert.is((await run(...say('setInterval(() => {}, 1000)'), { limitMs: 200 })).signal, 'SIGKILL');
    assert.match(await failure(must(...say(`console.error('why'); process.exitCode = 3`))), /exit 3\nwhy/);
    assert.match(await failure(run('/nonexistent', [])), /cannot be started/);
  });
});
