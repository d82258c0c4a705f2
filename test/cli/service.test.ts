/** Starting at log-in: what is written for each system, read back as the system reads it, and what is run. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { planService, type ServiceFacts, type ServicePlan, systemOf, TEMPLATES } from '../../tui/cli/service/plan.js';
import { systemdAssignment, systemdWord, windowsWord, xmlText } from '../../tui/cli/service/quoting.js';
import { potluck } from '../support/cli.js';
import { openFakeAgent } from '../support/fake-agent.js';
import { run } from '../support/process.js';
import { spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const facts = (part: Partial<ServiceFacts> = {}): ServiceFacts => ({
  platform: 'linux',
  env: {},
  userHome: '/home/ana',
  userName: 'ana',
  uid: 1000,
  runtime: '/opt/po "t" luck/50%/node',
  agent: '/opt/po "t" luck/50%/$HOME/main.js',
  home: '/home/ana/.local/state/potluck',
  output: '/home/ana/.local/state/potluck/agent.start.log',
  ...part,
});

function planFor(part: Partial<ServiceFacts> = {}): ServicePlan {
  const all = facts(part);
  return planService(all, readFileSync(`install/service/${TEMPLATES[systemOf(all.platform)]}`, 'utf8'));
}

/** Reads a line of words as systemd.syntax(7) says, specifiers and (but for the first word) `$$` resolved. */
function systemdWords(line: string): string[] {
  const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? '').replaceAll(/\\(.)/g, '$1'));
  return words.map((word, at) => (at === 0 ? word : word.replaceAll('$$', '$')).replaceAll('%%', '%'));
}

/** As CommandLineToArgvW does. */
function windowsWords(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const slashes = /^\\*/.exec(line.slice(at))?.[0].length ?? 0;
    if (slashes > 0) {
      const quote = line[at + slashes] === '"';
      word += '\\'.repeat(quote ? Math.floor(slashes / 2) : slashes);
      at += slashes - 1;
      if (quote && slashes % 2 === 1) {
        word += '"';
        at += 1;
      }
    } else if (line[at] === '"') quoted = !quoted;
    else if (line[at] === ' ' && !quoted) {
      words.push(word);
      word = '';
    } else word += line[at] ?? '';
  }
  return [...words, word];
}

function xmlRead(text: string): string {
  const signs: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replaceAll(/&(\w+);/g, (_whole, name: string) => signs[name] ?? '');
}

const paths = fc.string({ unit: fc.constantFrom(...'ab \\"\'%$&<>é/:;|`~#'.split('')), minLength: 1, maxLength: 20 });

spec('quoting', (it) => {
  it('is read back by each system as it was', () => {
    fc.assert(
      fc.property(paths, paths, (one, other) => {
        assert.equal(systemdWords(`${systemdWord(one, true)} ${systemdWord(other)}`), [one, other]);
        assert.equal(systemdWords(systemdAssignment('A', one)), [`A=${one}`]);
        assert.equal(windowsWords(`${windowsWord(one)} ${windowsWord(other)}`), [one, other]);
        assert.is(xmlRead(xmlText(one)), one);
      }),
    );
  });

  it('refuses what no unit can hold', () => {
    for (const quote of [systemdWord, xmlText, windowsWord]) assert.throws(() => quote('a\nb'), /line break/);
  });
});

spec('the plan of a service', (it) => {
  it('is a unit of this user for systemd', () => {
    const plan = planFor();
    assert.is(plan.file, '/home/ana/.config/systemd/user/potluck.service');
    const [line] = /(?<=^ExecStart=).*$/m.exec(plan.text) ?? [''];
    assert.equal(systemdWords(line), [facts().runtime, facts().agent]);
    assert.not.match(plan.text, /\{\{|POTLUCK_HOME/);
    assert.match(plan.text, /^Restart=on-failure$/m);
    assert.equal(plan.install.at(-1), ['systemctl', '--user', 'enable', '--now', 'potluck.service']);
  });

  it('is another one for another home', () => {
    const home = '/srv/a b%';
    const plan = planFor({ env: { POTLUCK_HOME: home, XDG_CONFIG_HOME: '/cfg' }, home });
    assert.match(plan.file, /^\/cfg\/systemd\/user\/potluck-[0-9a-f]{8}\.service$/);
    const [line] = /(?<=^Environment=).*$/m.exec(plan.text) ?? [''];
    assert.equal(systemdWords(line), [`POTLUCK_HOME=${home}`]);
  });

  it('is an agent of this log-in for launchd', () => {
    const plan = planFor({ platform: 'darwin', env: { POTLUCK_HOME: '/a&b' }, home: '/a&b' });
    assert.match(plan.file, /^\/home\/ana\/Library\/LaunchAgents\/org\.potluck\.agent-[0-9a-f]{8}\.plist$/);
    const strings = [...plan.text.matchAll(/<string>(.*?)<\/string>/g)].map((match) => xmlRead(match[1] ?? ''));
    assert.ok(strings.includes(facts().runtime) && strings.includes(facts().agent) && strings.includes('/a&b'));
    assert.equal(plan.install, [['launchctl', 'bootstrap', 'gui/1000', plan.file]]);
  });

  it('is a task at log-on for Windows, without a window', () => {
    const plan = planFor({ platform: 'win32', runtime: 'C:\\P F\\node.exe', agent: 'C:\\P F\\', home: 'C:\\h' });
    const [, line = ''] = /<Arguments>(.*)<\/Arguments>/.exec(plan.text) ?? [];
    assert.equal(windowsWords(xmlRead(line)), ['--headless', 'C:\\P F\\node.exe', 'C:\\P F\\']);
    assert.is(plan.encoding, 'utf16le');
    assert.ok(plan.text.startsWith('\uFEFF<?xml'));
  });

  it('does not exist elsewhere', () => {
    assert.throws(() => systemOf('freebsd'), /no service manager/);
  });

  it(
    'is found sound by systemd itself',
    async (t) => {
      const folder = temporaryFolder(t);
      const file = path.join(folder, 'potluck.service');
      // A program that is there: systemd looks.
      writeFileSync(file, planFor({ runtime: process.execPath, agent: '/a b/50%/main.js' }).text);
      const { code, stderr, stdout } = await run('systemd-analyze', ['verify', '--user', file], {
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      });
      assert.not.match(stdout + stderr, /potluck\.service:\d+:/);
      assert.ok(code === 0 || /Failed to|Operation not permitted/.test(stderr), stderr);
    },
    { needs: () => (existsSync('/usr/bin/systemd-analyze') ? null : 'no systemd-analyze'), limitMs: 30_000 },
  );
});

spec('potluck service', (it) => {
  const linux = { needs: () => (process.platform === 'linux' ? null : 'the commands of Linux') };

  it('shows what it would do and does nothing', async (t) => {
    const agent = await openFakeAgent(t);
    const { code, stdout, stderr } = await potluck(agent.env, 'service', 'install', '--dry-run', '--json');
    assert.is(code, 0, stderr);
    const shown = JSON.parse(stdout) as { file: string; text: string; steps: string[][] };
    assert.ok(shown.text.includes(agent.paths.home));
    assert.ok(shown.steps.length > 0);
    assert.not(existsSync(shown.file));
    const text = await potluck(agent.env, 'service', 'uninstall', '--dry-run');
    assert.match(text.stdout, /would remove .*\nwould run:|would remove/);
  });

  it(
    'installs, tells its state, and takes itself away, by the commands of the plan',
    async (t) => {
      const agent = await openFakeAgent(t);
      await agent.server.close();
      const folder = temporaryFolder(t);
      const bin = path.join(folder, 'bin');
      const said = path.join(folder, 'said');
      mkdirSync(bin);
      // A systemctl that writes down what it is told, and believes that everything runs.
      writeFileSync(
        path.join(bin, 'systemctl'),
        `#!/bin/sh\necho "$*" >>'${said}'\n[ "$2" = is-active ] && echo active; exit 0\n`,
      );
      chmodSync(path.join(bin, 'systemctl'), 0o755);
      const env = { ...agent.env, HOME: folder, PATH: `${bin}:${process.env['PATH']}` };
      const installed = await potluck(env, 'service', 'install', '--json');
      assert.is(installed.code, 0, installed.stderr + installed.stdout);
      const state = JSON.parse(installed.stdout) as {
        file: string;
        name: string;
        installed: boolean;
        running: boolean;
      };
      assert.ok(state.installed && state.running);
      assert.ok(readFileSync(state.file, 'utf8').includes(agent.paths.home));
      const removed = await potluck(env, 'service', 'uninstall', '--json');
      assert.is((JSON.parse(removed.stdout) as { installed: boolean }).installed, false);
      assert.not(existsSync(state.file));
      assert.equal(readFileSync(said, 'utf8').trim().split('\n'), [
        `--user disable --now ${state.name}`,
        '--user daemon-reload',
        `--user enable --now ${state.name}`,
        `--user is-active ${state.name}`,
        `--user disable --now ${state.name}`,
        '--user daemon-reload',
      ]);
    },
    linux,
  );

  it(
    'tells in one line what the system refused',
    async (t) => {
      const agent = await openFakeAgent(t);
      await agent.server.close();
      const folder = temporaryFolder(t);
      writeFileSync(path.join(folder, 'systemctl'), '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n', {
        mode: 0o755,
      });
      const env = { ...agent.env, HOME: folder, PATH: `${folder}:${process.env['PATH']}` };
      const { code, stderr } = await potluck(env, 'service', 'install');
      assert.is(code, 1);
      assert.match(
        stderr,
        /^potluck: service install: systemctl --user daemon-reload: Failed to connect to bus \(FAILED\)\ntry: potluck agent\n$/,
      );
    },
    linux,
  );
});
