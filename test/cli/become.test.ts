/** `potluck agent` is the agent: the same process where the system can, with its streams, signals and exit code. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { start } from '../support/process.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const BECOME = fileURLToPath(new URL('../../tui/cli/become.js', import.meta.url));

spec('becoming another program', (it) => {
  it(
    'keeps process, arguments, environment and signals',
    async (t) => {
      const program = path.join(temporaryFolder(t), 'program.mjs');
      writeFileSync(
        program,
        `process.on('SIGTERM', () => process.exit(4));
       console.log(JSON.stringify([process.pid, process.env.MARK, ...process.argv.slice(2)]));
       setInterval(() => {}, 1000);`,
      );
      const main = path.join(path.dirname(program), 'main.mjs');
      writeFileSync(
        main,
        `const { becomeProgram } = await import(${JSON.stringify(BECOME)});
      process.exitCode = await becomeProgram(${JSON.stringify(program)}, ['a b', '--json']);`,
      );
      const env = { ...process.env, MARK: 'here' };
      const child = await start(t, process.execPath, [main], { env });
      const [line] = await child.line(/^\[.*\]$/);
      assert.equal(JSON.parse(line), [child.pid, 'here', 'a b', '--json']);
      child.signal('SIGTERM');
      assert.is((await child.ended).code, 4);
    },
    { needs: () => (process.execve === undefined ? 'this Node has no execve' : null) },
  );
});
