/** The tarball of `npm pack`, installed as on an office PC whose own Node may be too old. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { must, run } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const PARTS = ['protocol', 'agent', 'tui', 'install', 'package.json', 'package-lock.json', '.npmrc'];
const DOCUMENTS = readdirSync('.').filter((name) => /^tsconfig.*\.json$|\.md$/.test(name));

/** Packs a copy of this tree, so that its own dist/ is left alone, and installs the tarball under a prefix. */
async function installed(t: Case): Promise<{ prefix: string; files: string[] }> {
  const source = path.join(temporaryFolder(t), 'source');
  for (const part of [...PARTS, ...DOCUMENTS]) cpSync(part, path.join(source, part), { recursive: true });
  symlinkSync(path.resolve('node_modules'), path.join(source, 'node_modules'));
  const packed = await must('npm', ['pack', '--json', '--loglevel=error'], { cwd: source, limitMs: 120_000 });
  const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ];
  const prefix = path.join(temporaryFolder(t), 'with a space');
  mkdirSync(prefix);
  const flags = ['--global', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', prefix];
  await must('npm', ['install', ...flags, path.join(source, filename)], { cwd: prefix, limitMs: 180_000 });
  return { prefix, files: files.map((file) => file.path) };
}

/** An environment without the runtime of this test: only what the system has. */
const env = (home: string): NodeJS.ProcessEnv => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: home,
  POTLUCK_HOME: path.join(home, 'agent'),
});

spec('the package', (it) => {
  it(
    'holds the program and the templates, and no test',
    async (t) => {
      const { prefix, files } = await installed(t);
      for (const wanted of ['dist/tui/main.js', 'dist/agent/main.js', 'install/service/systemd.service', 'README.md']) {
        assert.ok(files.includes(wanted), wanted);
      }
      assert.equal(
        files.filter((file) => /^(test|build|node_modules)\//.test(file)),
        [],
      );

      const program = path.join(prefix, 'bin', 'potluck');
      const home = temporaryFolder(t);
      const version = JSON.parse(await must(program, ['version', '--json'], { env: env(home), cwd: '/' })) as {
        version: string;
        node: string;
      };
      const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
      assert.is(version.version, manifest.version);
      assert.match(version.node, /^2[4-9]\./);

      const status = await run(program, ['status'], { env: env(home), cwd: '/' });
      assert.is(status.code, 3, status.stderr);
      const agent = await run(program, ['agent', '--port', 'x'], { env: env(home), cwd: '/' });
      assert.is(agent.code, 2, agent.stderr);

      const plan = JSON.parse(
        await must(program, ['service', 'install', '--dry-run', '--json'], { env: env(home), cwd: '/' }),
      ) as { text: string };
      const runtime = /"([^"]*node_modules[^"]*\/bin\/node)"/.exec(plan.text)?.[1] ?? '';
      assert.ok(runtime.startsWith(prefix) && existsSync(runtime), plan.text);
    },
    { limitMs: 400_000, needs: () => (process.platform === 'win32' ? 'needs a POSIX system' : null) },
  );
});
