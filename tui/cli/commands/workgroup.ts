/** `workgroup …`: founding, inviting, joining, and who belongs. */
import { PotluckError } from '../../../protocol/errors.js';
import { INVITE_DEFAULT_MS, INVITE_MAX_MS } from '../../../protocol/limits.js';
import type { MemberRow } from '../../../protocol/local/api.js';
import { safe } from '../../../protocol/text.js';
import { day, duration } from '../../units.js';
import type { Context } from '../context.js';
import type { Cell } from '../table.js';
import { readDuration } from '../units.js';

export async function create({ args, call, out }: Context): Promise<void> {
  const self = await call('workgroup.create', { name: args.at(0) });
  const name = safe(self.workgroup?.name ?? '');
  await out.result(self, () => `${name} is founded; let the next PC in: potluck workgroup invite`);
}

export async function invite({ args, call, out }: Context): Promise<void> {
  const typed = args.value('expires');
  const lifeMs = typed === null ? INVITE_DEFAULT_MS : readDuration('--expires', typed);
  if (lifeMs > INVITE_MAX_MS) throw new PotluckError('USAGE', `--expires: at most ${INVITE_MAX_MS / 3_600_000}h`);
  const invitation = await call('workgroup.invite', { lifeMs });
  await out.result(invitation, async () => {
    const picture = out.isTerminal ? (await import('uqr')).renderUnicodeCompact(invitation.link) : '';
    return [
      out.paint(invitation.code, 'strong'),
      `Good for one PC, for ${duration(lifeMs / 1000)}. On that PC: potluck workgroup join ${invitation.code}`,
      ...(picture === '' ? [] : [picture]),
    ].join('\n');
  });
}

export async function join({ args, call, out }: Context): Promise<void> {
  const address = args.value('peer');
  const self = await call('workgroup.join', { code: args.at(0), ...(address === null ? {} : { address }) });
  await out.result(self, () => `this PC is a member of ${safe(self.workgroup?.name ?? '')}`);
}

export async function members({ call, out }: Context): Promise<void> {
  const { members: rows } = await call('workgroup.members', {});
  const columns = [{ head: 'MEMBER' }, { head: 'ID' }, { head: 'STATE' }, { head: 'LET IN BY' }, { head: 'SINCE' }];
  await out.result(rows, () => out.table(columns, rows.map(memberCells)));
}

export async function remove({ args, call, out }: Context): Promise<void> {
  const only = args.values('keep');
  if (only.length > 0 && args.has('keep-none'))
    throw new PotluckError('USAGE', '--keep and --keep-none exclude each other');
  const keep = only.length > 0 || args.has('keep-none') ? { keep: only } : {};
  const answer = await call('workgroup.remove', { peer: args.at(0), ...keep });
  await out.result(answer, () => `out for good: ${safe(answer.removed.join(', '))}`);
}

export async function leave({ call, out }: Context): Promise<void> {
  const self = await call('workgroup.leave', {});
  await out.result(self, () => 'this PC is in no workgroup now');
}

function memberCells(row: MemberRow): (string | Cell)[] {
  const state: Cell = row.self
    ? { text: 'this PC' }
    : { text: row.state, ...(row.state === 'online' ? { style: 'good' as const } : {}) };
  const since = row.addedAt === null ? '' : day(row.addedAt, Date.now());
  return [row.name, row.id.slice(0, 7), state, row.addedBy ?? 'founder', since];
}
