/** `status`, `name`: this PC itself. */
import { countOf, bytes, duration } from '../../units.js';
import type { LocalAnswer } from '../../../protocol/local/api.js';
import type { SelfRow } from '../../../protocol/local/model.js';
import type { Context } from '../context.js';
import type { Cell } from '../table.js';

export async function status({ call, out }: Context): Promise<void> {
  const answer = await call('agent.status', {});
  await out.result(answer, () => out.pairs(factsOf(answer)));
}

export async function rename({ args, call, out }: Context): Promise<void> {
  const self = await call('agent.rename', { name: args.at(0) });
  await out.result(self, () => `this PC is now called ${nameOf(self)}`);
}

function factsOf(answer: LocalAnswer<'agent.status'>): [string, string | Cell][] {
  const { counts, disk } = answer;
  const workgroup = answer.workgroup?.name ?? 'none: potluck workgroup create NAME, or join CODE';
  return [
    ['name', { text: answer.name, style: 'strong' }],
    ['id', answer.id],
    ['workgroup', workgroup],
    ['coworkers', `${counts.online} of ${Math.max(0, counts.members - 1)} online`],
    ['addresses', answer.addresses.join(', ') || 'none'],
    ['port', String(answer.port)],
    ['discovery', answer.discovery ? 'on' : 'off'],
    ['shares', String(counts.shares)],
    ['printers', `${counts.printersShared} shared`],
    ['active', `${countOf(counts.transfersActive, 'transfer')}, ${countOf(counts.jobsActive, 'print job')}`],
    ['downloads', answer.downloads],
    ['disk', disk === null ? 'unknown' : `${bytes(disk.free)} free of ${bytes(disk.total)}`],
    ['home', answer.home],
    ['runs for', `${duration(answer.uptimeSeconds)}, version ${answer.version} on ${answer.platform}`],
  ];
}

function nameOf(self: SelfRow): string {
  return JSON.stringify(self.name);
}
