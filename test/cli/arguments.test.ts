/** What is typed after a verb, and which verb is meant. */
import * as assert from 'uvu/assert';
import type { PotluckError } from '../../protocol/errors.js';
import { Arguments, readArguments, type Syntax } from '../../tui/cli/arguments.js';
import { commandOf } from '../../tui/cli/commands.js';
import { completionsFor, SHELLS } from '../../tui/cli/completions.js';
import { findVerb } from '../../tui/cli/find-verb.js';
import { helpOf, overview, usageOf, verbsNamed } from '../../tui/cli/help.js';
import { nearest } from '../../tui/cli/nearest.js';
import { readCount, readDuration, readPages } from '../../tui/cli/units.js';
import { VERBS } from '../../tui/cli/verbs.js';
import { run } from '../support/process.js';
import { spec } from '../support/spec.js';

const syntax: Syntax = {
  words: ['x'],
  args: [{ name: 'FILE', many: true }],
  options: [
    { name: 'to', value: 'FOLDER', help: '' },
    { name: 'only', value: 'PEER', many: true, help: '' },
    { name: 'mono', help: '' },
    { name: 'wait', value: 'DURATION', valueOptional: true, help: '' },
  ],
};

/** The message of what the work throws, or what it gave. */
function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return (thrown as PotluckError).code === 'USAGE' ? (thrown as PotluckError).message : thrown;
  }
}

const read = (...typed: string[]): unknown => outcome(() => readArguments(syntax, typed));

function taken(...typed: string[]): Arguments {
  const args = read(...typed);
  if (!(args instanceof Arguments)) throw new Error(String(args));
  return args;
}

spec('arguments', (it) => {
  it('are options before, between and after what they belong to', () => {
    const args = taken('--to', 'A', 'one', '--only=ana', 'two', '--only', 'bruno', '--mono');
    assert.equal(args.positionals, ['one', 'two']);
    assert.is(args.value('to'), 'A');
    assert.equal(args.values('only'), ['ana', 'bruno']);
    assert.ok(args.has('mono'));
    assert.is(args.value('wait'), null);
  });

  it('take everything after -- as it is', () => {
    assert.equal(taken('--', '--to', '-x').positionals, ['--to', '-x']);
  });

  it('take an optional value only with =', () => {
    assert.is(taken('f', '--wait=5m').value('wait'), '5m');
    const bare = taken('--wait', 'f');
    assert.ok(bare.has('wait'));
    assert.is(bare.value('wait'), null);
    assert.equal(bare.positionals, ['f']);
  });

  const REFUSED: Record<string, [typed: string[], says: string]> = {
    'nothing where something is needed': [[], 'FILE is missing'],
    'an unknown option': [['f', '--wat'], 'unknown option --wat, did you mean --wait?'],
    'one that nothing is like': [['f', '--frobnicate'], 'unknown option --frobnicate'],
    'a short option': [['f', '-t'], 'unknown option -t'],
    'a flag with a value': [['f', '--mono=yes'], '--mono takes no value'],
    'an option without its value': [['f', '--to'], '--to needs a value: --to FOLDER'],
    'an option whose value is the next option': [['--to', '--mono', 'f'], '--to needs a value: --to FOLDER'],
    'an empty value': [['f', '--to='], '--to needs a value: --to FOLDER'],
    'an empty argument': [['f', ''], 'FILE is empty'],
  };
  for (const [what, [typed, says]] of Object.entries(REFUSED)) {
    it(`refuse ${what}`, () => assert.is(read(...typed), says));
  }

  it('refuse one too many where there is a number of them', () => {
    const one: Syntax = { words: ['x'], args: [{ name: 'NAME' }], options: [] };
    assert.is(
      outcome(() => readArguments(one, ['a', 'b'])),
      'one argument too many: b',
    );
  });
});

const verbOf = (...argv: string[]): unknown =>
  outcome(() => {
    const { verb, rest } = findVerb(argv);
    return [verb.words.join(' '), ...rest].join('|');
  });

spec('verbs', (it) => {
  it('are one word or two, with options of every verb before them', () => {
    assert.is(verbOf('ls', 'bruno/Docs'), 'ls|bruno/Docs');
    assert.is(verbOf('share', 'add', '/x', '--name', 'N'), 'share add|/x|--name|N');
    assert.is(verbOf('--json', 'status'), 'status|--json');
    assert.is(verbOf('--help'), 'help');
    assert.is(verbOf('share', '--help'), 'help|share');
  });

  it('are suggested where one is mistyped', () => {
    assert.is(verbOf('stauts'), 'no such verb, did you mean status?');
    assert.is(verbOf('share', 'lst'), 'lst is no verb of it, did you mean share list?');
    assert.is(verbOf('share'), 'one more word is needed: add, list, set, remove');
    assert.is(verbOf('frobnicate'), 'no such verb');
  });

  it('of later issues do not exist', () => {
    for (const word of ['put', 'send', 'inbox', 'search', 'say', 'messages', 'internet', 'limits', 'doctor']) {
      assert.ok(String(verbOf(word)).startsWith('no such verb'), word);
    }
  });

  it('each have their command, and a help that names everything they take', async () => {
    for (const verb of VERBS) {
      const load = commandOf(verb.words);
      if (load === null) assert.is(verb.words.join(' '), 'agent');
      else assert.type(await load(), 'function', verb.words.join(' '));
      const text = helpOf([verb]);
      for (const { name } of verb.options) assert.ok(text.includes(`--${name}`), `${verb.words.join(' ')} --${name}`);
      assert.ok(overview().includes(verb.words.join(' ')));
      assert.ok(usageOf(verb).length <= 80);
    }
    assert.is(verbsNamed(['share']).length, 4);
    assert.is(verbsNamed(['share', 'add']).length, 1);
    assert.is(verbsNamed(['nope']).length, 0);
  });

  it('fit the width of a terminal in the overview', () => {
    assert.equal(
      overview()
        .split('\n')
        .filter((line) => line.length > 100),
      [],
    );
  });
});

const complete = async (...typed: string[]): Promise<string[]> => {
  const script = `${completionsFor('bash')}
COMP_WORDS=(${typed.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${typed.length - 1}; _potluck; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await run('bash', ['-c', script]);
  assert.is(stderr, '');
  return stdout.trim().split('\n');
};

spec('completions', (it) => {
  const bash = { needs: () => (process.platform === 'win32' ? 'needs bash' : null) };

  it(
    'are verbs, the verbs of a noun, and the options of a verb',
    async () => {
      assert.equal(await complete('potluck', 'pr'), ['printers', 'printer', 'print']);
      assert.equal(await complete('potluck', 'share', ''), ['add', 'list', 'set', 'remove']);
      assert.equal(await complete('potluck', 'share', 'add', '--o'), ['--only']);
      assert.equal(await complete('potluck', 'get', 'b/D/x', '--t'), ['--to']);
      assert.equal(await complete('potluck', 'get', 'b/D'), ['']);
    },
    bash,
  );

  it('exist for every shell, with every verb', () => {
    for (const shell of SHELLS) {
      for (const { words } of VERBS)
        assert.ok(completionsFor(shell).includes(words.at(-1) ?? ''), `${shell} ${words.join(' ')}`);
    }
  });
});

spec('nearest', (it) => {
  const words = ['status', 'share', 'peers', 'pause', 'print', 'printers'];
  const MEANT: Record<string, string | null> = {
    statsu: 'status',
    stat: 'status',
    peer: 'peers',
    pintr: 'print',
    shrae: 'share',
    x: null,
    '': null,
    completely: null,
    ['s'.repeat(1000)]: null,
  };
  for (const [typed, meant] of Object.entries(MEANT)) {
    it(`takes ${typed.slice(0, 12) || 'nothing'} for ${meant ?? 'nothing'}`, () =>
      assert.is(nearest(typed, words), meant));
  }
});

spec('units that are typed', (it) => {
  it('are durations', () => {
    assert.is(readDuration('--wait', '90s'), 90_000);
    assert.is(readDuration('--wait', '1h30m'), 5_400_000);
    assert.is(readDuration('--wait', '2d'), 172_800_000);
    for (const wrong of ['', '5', '5x', '1.5h', '-5m', '5 m', 'm', '0s', '30m1h', '1m1m', '1234567s']) {
      assert.match(String(outcome(() => readDuration('--wait', wrong))), /not a duration/, wrong);
    }
  });

  it('are pages', () => {
    assert.equal(readPages('--pages', '1-3,7'), [
      [1, 3],
      [7, 7],
    ]);
    for (const wrong of ['', '0', '3-1', '1-', '-3', '1,,2', '1-2-3', 'a']) {
      assert.match(String(outcome(() => readPages('--pages', wrong))), /not pages/, wrong);
    }
  });

  it('are counts within their bound', () => {
    assert.is(readCount('--copies', '99', 99), 99);
    for (const wrong of ['0', '100', '1.5', '1e2', '-1', ' 1', '']) {
      assert.match(String(outcome(() => readCount('--copies', wrong, 99))), /a number from 1 to 99/, wrong);
    }
  });
});
