/** Every verb as a process: what it asks the agent, what it prints, with which code it ends. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import type { LocalHandlers } from '../../agent/api/local-calls.js';
import { PotluckError } from '../../protocol/errors.js';
import type { PeerRow, PrinterRow, SelfRow, ShareRow } from '../../protocol/local/model.js';
import { shortIdOf } from '../../tui/cli/place.js';
import { potluck, PROGRAM } from '../support/cli.js';
import { envOf, openFakeAgent } from '../support/fake-agent.js';
import { type Ended, run } from '../support/process.js';
import { type Case, spec } from '../support/spec.js';
import { temporaryFolder } from '../support/temporary.js';

const HARD = 'a\u001b[2Jb';

const self: SelfRow = {
  id: '6ECFZQ5-7QGMRNA',
  name: 'ana-laptop',
  workgroup: { id: '0123456789abcdef', name: 'Rua Nova 12' },
  version: '0.1.0',
  platform: 'linux',
  port: 27685,
  addresses: ['192.168.1.10:27685'],
  startedAt: '2026-11-21T10:00:00.000Z',
  discovery: true,
  inviteUntil: null,
  downloads: '/home/ana/Downloads',
  disk: { free: 10e9, total: 100e9 },
  rateDown: 0,
  rateUp: 0,
};

const peer = (name: string, part: Partial<PeerRow> = {}): PeerRow => ({
  id: 'P56IOI7-MZJNU2Y',
  name,
  state: 'online',
  because: '',
  addresses: ['192.168.1.11:27685'],
  lastSeen: null,
  version: '0.1.0',
  platform: 'linux',
  disk: null,
  shares: 2,
  printers: 1,
  internet: false,
  ...part,
});

const shareRow: ShareRow = {
  id: '0',
  name: 'Docs',
  folder: '/home/ana/Docs',
  writable: false,
  only: [],
  except: [],
  state: 'ok',
};

const printerRow: PrinterRow = {
  peer: 'P56IOI7-MZJNU2Y',
  peerName: 'bruno-pc',
  name: 'HP',
  state: 'idle',
  reasons: [],
  because: 'ready',
  info: '',
  location: '',
  formats: ['application/pdf'],
  media: [],
  mediaDefault: null,
  color: true,
  duplex: true,
  copiesMax: 99,
  queued: 0,
  shared: true,
  only: [],
  local: false,
  uri: 'potluck:bruno-pc/HP',
};

const entry = (name: string, type: 'file' | 'folder', size = 0) => ({
  name,
  type,
  size,
  modified: '2026-08-12T08:00:00.000Z',
  content: null,
});

/** Three pages of a folder, and a file. */
const browse: LocalHandlers['browse.list'] = async ({ path: wanted, cursor }) => {
  if (wanted === 'plan.pdf') return { entry: entry('plan.pdf', 'file', 1200), entries: [], next: null, total: 1 };
  if (wanted === 'nope') throw new PotluckError('PATH_UNKNOWN', 'nope: there is no such file or folder');
  const at = Number(cursor ?? 0);
  const names = ['drawings', HARD, 'plan.pdf'];
  const entries = [entry(names[at] ?? '', at === 0 ? 'folder' : 'file', at * 1000)];
  return { entry: null, entries, next: at < 2 ? String(at + 1) : null, total: 3 };
};

const HANDLERS: Partial<LocalHandlers> = {
  'agent.status': async () => ({
    ...self,
    uptimeSeconds: 4000,
    home: '/h',
    counts: { members: 3, online: 1, shares: 2, transfersActive: 0, jobsActive: 1, printersShared: 1 },
  }),
  'agent.rename': async ({ name }) => ({ ...self, name }),
  'workgroup.create': async ({ name }) => ({ ...self, workgroup: { id: '1', name } }),
  'workgroup.invite': async ({ lifeMs }) => ({
    code: 'ABCDE-FGHJK-MNPQR-STVWX',
    link: 'potluck:join?c=ABCDEFGHJKMNPQRSTVWX',
    expiresAt: new Date(lifeMs).toISOString(),
  }),
  'workgroup.join': async () => self,
  'workgroup.members': async () => ({
    members: [
      { id: '6ECFZQ5-7QGMRNA', name: 'ana', self: true, addedBy: null, addedAt: null, state: 'online' as const },
    ],
  }),
  'workgroup.remove': async () => ({ removed: ['bruno-pc'] }),
  'workgroup.leave': async () => ({ ...self, workgroup: null }),
  'peer.list': async () => ({ peers: [peer('bruno-pc'), peer(HARD, { id: 'HARDONE-AAAAAAA', state: 'connecting' })] }),
  'peer.connect': async () => peer('bruno-pc'),
  'peer.block': async () => peer('bruno-pc', { state: 'blocked' }),
  'peer.unblock': async () => peer('bruno-pc'),
  'share.add': async ({ folder }) => ({ ...shareRow, folder }),
  'share.list': async () => ({ shares: [shareRow] }),
  'share.set': async () => shareRow,
  'share.remove': async () => shareRow,
  'browse.shares': async () => ({ shares: [{ name: 'Docs', writable: false }] }),
  'browse.list': browse,
  'transfer.list': async () => ({ transfers: [] }),
  'printer.list': async () => ({ printers: [printerRow] }),
  'printer.share': async () => printerRow,
  'printer.unshare': async () => printerRow,
  'printer.add': async ({ uri }) => ({ ...printerRow, uri }),
  'printer.remove': async () => printerRow,
  'job.list': async () => ({ jobs: [] }),
  'agent.log': async () => ({
    lines: [
      '{"level":"info","at":"2026-11-21T10:05:12.000Z","part":"net","peer":"6ECFZQ5","msg":"link.up"}',
      'not JSON',
    ],
    offset: 7,
  }),
};

interface Outcome {
  readonly asked: unknown[];
  readonly json: unknown;
}

/** Runs a verb with --json that has to succeed: what it asked of the agent, and what it printed. */
async function asks(t: Case, ...args: readonly string[]): Promise<Outcome> {
  const agent = await openFakeAgent(t, HANDLERS);
  const { code, stdout, stderr } = await potluck(agent.env, ...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code}: ${stdout}${stderr}`);
  return { asked: agent.asked.map(({ method, input }) => [method, input]), json: JSON.parse(stdout) as unknown };
}

const named = (json: unknown): unknown[] =>
  (json as { name: string; type: string }[]).map(({ name, type }) => `${type} ${name}`);

spec('verbs and what they ask', (it) => {
  const ASKED: Record<string, [args: string[], method: string, input: object]> = {
    status: [['status'], 'agent.status', {}],
    name: [['name', 'ana 2'], 'agent.rename', { name: 'ana 2' }],
    create: [['workgroup', 'create', 'Rua Nova'], 'workgroup.create', { name: 'Rua Nova' }],
    invite: [['workgroup', 'invite'], 'workgroup.invite', { lifeMs: 3_600_000 }],
    'a short invitation': [['workgroup', 'invite', '--expires', '10m'], 'workgroup.invite', { lifeMs: 600_000 }],
    join: [['workgroup', 'join', 'C', '--peer', 'h:1'], 'workgroup.join', { code: 'C', address: 'h:1' }],
    remove: [['workgroup', 'remove', 'bruno'], 'workgroup.remove', { peer: 'bruno' }],
    'remove with its guests': [
      ['workgroup', 'remove', 'b', '--keep-none'],
      'workgroup.remove',
      { peer: 'b', keep: [] },
    ],
    connect: [['connect', 'h:1'], 'peer.connect', { address: 'h:1' }],
    block: [['block', 'bruno'], 'peer.block', { peer: 'bruno' }],
    'share add': [
      ['share', 'add', '/x y', '--name', 'N', '--only', 'a', '--only', 'b'],
      'share.add',
      { folder: '/x y', name: 'N', only: ['a', 'b'], except: [] },
    ],
    'share set': [['share', 'set', 'N', '--everybody'], 'share.set', { name: 'N', only: [], except: [] }],
    'printer share': [['printer', 'share', 'HP', '--only', 'a'], 'printer.share', { name: 'HP', only: ['a'] }],
    'printer add': [['printer', 'add', 'tray:/t', '--name', 'T'], 'printer.add', { uri: 'tray:/t', name: 'T' }],
    jobs: [['jobs', '--all'], 'job.list', { all: true }],
    log: [['log', '--lines', '5'], 'agent.log', { lines: 5 }],
  };
  for (const [what, [args, method, input]] of Object.entries(ASKED)) {
    it(what, async (t) => {
      const { asked, json } = await asks(t, ...args);
      assert.equal(asked, [[method, input]]);
      assert.ok(json !== null && typeof json === 'object');
    });
  }

  it('a relative folder is the one where the person is', async (t) => {
    const { asked } = await asks(t, 'share', 'add', 'some/folder');
    assert.equal(asked, [['share.add', { folder: path.resolve('some/folder') }]]);
  });
});

spec('verbs and what they print', (it) => {
  it(
    'ls gives coworkers, shares, every page of a folder, and a file',
    async (t) => {
      assert.equal(named((await asks(t, 'ls')).json), ['peer bruno-pc', `peer ${HARD}`]);
      assert.equal(named((await asks(t, 'ls', 'bruno-pc')).json), ['share Docs']);
      assert.equal(named((await asks(t, 'ls', 'bruno-pc/Docs')).json), [
        'folder drawings',
        `file ${HARD}`,
        'file plan.pdf',
      ]);
      assert.equal((await asks(t, 'ls', 'bruno-pc/Docs/plan.pdf')).json, [
        { name: 'plan.pdf', type: 'file', size: 1200, modified: '2026-08-12T08:00:00.000Z', content: null },
      ]);
    },
    { limitMs: 30_000 },
  );

  it(
    'ls shows a name that cannot be typed harmless and with its short id, which can be typed',
    async (t) => {
      const agent = await openFakeAgent(t, HANDLERS);
      const { stdout } = await potluck(agent.env, 'ls', 'bruno-pc/Docs');
      assert.ok(stdout.includes(`a·[2Jb  ${shortIdOf(HARD)}`), stdout);
      const { asked } = await asks(t, 'ls', `bruno-pc/Docs/${shortIdOf(HARD)}`);
      const last = asked.at(-1) as [string, { path: string }];
      assert.is(last[1].path, HARD);
      const bad = await potluck(agent.env, 'ls', 'bruno-pc/Docs/@0000');
      assert.is(bad.code, 4);
    },
    { limitMs: 30_000 },
  );

  it('peers are online, offline or blocked for scripts', async (t) => {
    const { json } = await asks(t, 'peers');
    assert.equal(
      (json as PeerRow[]).map(({ state }) => state),
      ['online', 'offline'],
    );
  });

  it(
    'each verb prints something for people, and no escape in it',
    async (t) => {
      const agent = await openFakeAgent(t, HANDLERS);
      const verbs = [
        'status',
        'peers',
        'ls',
        'share list',
        'printers',
        'jobs',
        'transfers',
        'log',
        'workgroup members',
        'workgroup invite',
      ];
      for (const verb of verbs) {
        const { code, stdout, stderr } = await potluck(agent.env, ...verb.split(' '));
        assert.is(code, 0, `${verb}: ${stderr}`);
        assert.ok(stdout.length > 5, verb);
        assert.not.ok(stdout.includes('\u001b'), verb);
        assert.is(stderr, '', verb);
      }
    },
    { limitMs: 60_000 },
  );

  it('log is the records themselves for scripts', async (t) => {
    const { json } = await asks(t, 'log');
    assert.equal(
      (json as { msg: string }[]).map(({ msg }) => msg),
      ['link.up', 'not JSON'],
    );
  });

  it(
    'help and version need no agent',
    async (t) => {
      const env = envOf(path.join(temporaryFolder(t), 'agent'));
      for (const args of [
        ['help'],
        ['--help'],
        ['-h'],
        ['version'],
        ['--version'],
        ['get', '--help'],
        ['help', 'share'],
        ['agent', '--help'],
      ]) {
        const { code, stdout, stderr } = await potluck(env, ...args);
        assert.is(code, 0, `${args.join(' ')}: ${stderr}`);
        assert.ok(stdout.includes('potluck'), args.join(' '));
      }
    },
    { limitMs: 60_000 },
  );
});

spec('verbs that cannot', (it) => {
  const LINE = /^potluck: [^\n]+: [^\n]+ \(([A-Z_]+)\)\n(?:try: [^\n]+\n)?$/;

  const WRONG: Record<string, string[]> = {
    'no such verb': ['frobnicate'],
    'a missing argument': ['get'],
    'an unknown option': ['status', '--wat'],
    'a place without a share': ['get', 'bruno-pc'],
    'a place that is none': ['ls', 'bruno//x'],
    'a duration that is none': ['get', 'b/D/x', '--wait', 'soon'],
    'two that exclude each other': ['share', 'set', 'N', '--only', 'a', '--except', 'b'],
    'an unknown way': ['get', 'b/D/x', '--on-conflict', 'pray'],
    'a wrong number of copies': ['print', '/etc/hostname', '--copies', '0'],
    'the UI without a terminal': [],
  };
  for (const [what, args] of Object.entries(WRONG)) {
    it(`end with 2 and one line: ${what}`, async (t) => {
      const agent = await openFakeAgent(t, HANDLERS);
      const { code, stdout, stderr } = await potluck(agent.env, ...args);
      assert.is(code, 2, stderr);
      assert.is(LINE.exec(stderr)?.[1], 'USAGE', stderr);
      assert.match(stderr, /\ntry: potluck help/);
      assert.is(stdout, '');
    });
  }

  it('say that no agent runs, with 3 and what mends it', async (t) => {
    const env = envOf(path.join(temporaryFolder(t), 'agent'));
    const { code, stderr } = await potluck(env, 'peers');
    assert.is(code, 3);
    assert.match(stderr, /^potluck: peers: .*\(NO_AGENT\)\ntry: potluck agent/);
    const json = await potluck(env, 'peers', '--json');
    assert.is(json.code, 3);
    assert.is((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'NO_AGENT');
    assert.is(json.stderr, '');
  });

  it('say that it is another user’s, with 5', async (t) => {
    const agent = await openFakeAgent(t, HANDLERS);
    writeFileSync(agent.paths.token, `${'0'.repeat(64)}\n`);
    const { code, stderr } = await potluck(agent.env, 'peers');
    assert.is(code, 5);
    assert.is(LINE.exec(stderr)?.[1], 'NOT_ALLOWED', stderr);
  });

  it('end with the code of the agent’s error', async (t) => {
    const agent = await openFakeAgent(t, HANDLERS);
    const missing = await potluck(agent.env, 'ls', 'bruno-pc/Docs/nope');
    assert.is(missing.code, 4);
    assert.is(missing.stderr, 'potluck: ls: nope: there is no such file or folder (PATH_UNKNOWN)\n');
    const file = await potluck(agent.env, 'print', '/no/such.pdf');
    assert.is(file.code, 4);
  });

  it(
    'are quiet when their reader has seen enough',
    async (t) => {
      const agent = await openFakeAgent(t, HANDLERS);
      const { code, stderr } = await potluckInto('head -c 1 >/dev/null', agent.env, 'help');
      assert.is(stderr, '');
      assert.is(code, 0);
    },
    { needs: () => (process.platform === 'win32' ? 'needs a POSIX shell' : null) },
  );
});

/** Runs a verb into a reader that ends early. */
function potluckInto(reader: string, env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> {
  const command = `'${process.execPath}' '${PROGRAM}' ${args.join(' ')} | ${reader}; exit \${PIPESTATUS[0]}`;
  return run('bash', ['-c', command], { env });
}
