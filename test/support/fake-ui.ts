/**
 * The terminal UI on the terminal that it is started in, with an agent in memory behind it: for the tests
 * that need a real terminal, and to look at it.
 *
 *   node --import tsx test/support/fake-ui.ts [--first-run] [--away] [--moving] [--throw] [--pid FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { TransferRow } from '../../protocol/local/model.js';
import { openUi } from '../../tui/ui.js';
import { FakeClient } from './fake-client.js';
import { NOW, office, self } from './fake-office.js';

const STEP_MS = 100;

const { values } = parseArgs({
  options: {
    /** This PC is in no workgroup. */
    'first-run': { type: 'boolean', default: false },
    /** No agent answers until it is started from the screen. */
    away: { type: 'boolean', default: false },
    /** Downloads make progress. */
    moving: { type: 'boolean', default: false },
    /** Something fails that nobody expected, a moment after the start. */
    throw: { type: 'boolean', default: false },
    /** Where its process id is written. */
    pid: { type: 'string' },
  },
});

if (values.pid !== undefined) writeFileSync(values.pid, String(process.pid));
const { rows, folders } = office();
const agent = new FakeClient(
  values['first-run'] ? { self: [self({ workgroup: null })] } : broughtToNow(rows),
  broughtToNow([...folders]).reduce((map, [key, entries]) => map.set(key, entries), new Map()),
);
agent.answer('workgroup.invite', async ({ lifeMs }) => {
  const expiresAt = new Date(Date.now() + lifeMs).toISOString();
  const code = '7K2MQ-X4T9B-0RWZC-HN5DV';
  agent.board.put('self', 'self', self({ inviteUntil: expiresAt }));
  return { code, link: `potluck:join?c=${code}`, expiresAt };
});
if (values.away) agent.goAway();
if (values.moving) setInterval(move, STEP_MS).unref();
if (values.throw) {
  setTimeout(() => {
    throw new Error('nobody expected this');
  }, STEP_MS * 5);
}
await openUi({
  client: agent,
  paths: { log: '/home/ana/.potluck/agent.log', startLog: '/home/ana/.potluck/agent.start.log' } as never,
  startAgent: async () => agent.comeBack(),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
});

/** The office with its times as far from now as they are from its own moment. */
function broughtToNow<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), movedTime) as T;
}

function movedTime(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value)) return value;
  return new Date(Date.parse(value) - NOW + Date.now()).toISOString();
}

function move(): void {
  for (const row of agent.board.rows('transfers')) {
    if (row.state !== 'active') continue;
    const bytes = Math.min(row.size, row.bytes + row.rate * (STEP_MS / 1000) * (0.8 + Math.random() * 0.4));
    const isDone = bytes >= row.size;
    const next: TransferRow = {
      ...row,
      bytes,
      state: isDone ? 'done' : 'active',
      left: isDone ? null : (row.size - bytes) / row.rate,
      finishedAt: isDone ? new Date().toISOString() : null,
    };
    agent.board.put('transfers', row.id, next);
  }
}
