/** PCs of one office without a network between them: what each has on its disk, opened, and how they meet. */
import path from 'node:path';
import * as assert from 'uvu/assert';
import { Events } from '../../agent/platform/events.js';
import { silentLog } from '../../agent/platform/log.js';
import { openIdentity } from '../../agent/workgroup/identity.js';
import { openMembership } from '../../agent/workgroup/membership.js';
import type { PeerId } from '../../protocol/ids.js';
import { FakeClock } from './fake-clock.js';
import type { Case } from './spec.js';
import { temporaryFolder } from './temporary.js';

/** One PC: what is on its disk, opened. */
export async function openPc(t: Case, name: string, folder = temporaryFolder(t)) {
  const identity = await openIdentity(folder);
  const events = new Events((thrown) => assert.unreachable(String(thrown)));
  const changes: (readonly PeerId[])[] = [];
  events.on('workgroup.changed', ({ removed }) => changes.push(removed));
  const membership = await openMembership({ folder, identity, events, log: silentLog, clock: new FakeClock() });
  t.defer(() => membership.close());
  const reopen = async () => {
    await membership.close();
    return openPc(t, name, folder);
  };
  return {
    name,
    folder,
    identity,
    id: identity.id,
    membership,
    changes,
    reopen,
    file: path.join(folder, 'workgroup.json'),
  };
}
export type Pc = Awaited<ReturnType<typeof openPc>>;

export async function founder(t: Case): Promise<Pc> {
  const ana = await openPc(t, 'ana');
  await ana.membership.create('Office', 'ana');
  return ana;
}

export async function letIn(member: Pc, joiner: Pc): Promise<void> {
  const record = await member.membership.addMember(joiner.identity.spki, joiner.name);
  const { group, root, name } = member.membership;
  if (group === null || root === null || name === null) throw new Error('in no workgroup');
  await joiner.membership.accept({ group, root, name, record });
}

/** Both send each other what they know, as two links do. */
export function meet(one: Pc, other: Pc): void {
  const [ours, theirs] = [one.membership.pages(), other.membership.pages()];
  for (const page of ours) other.membership.merge(page);
  for (const page of theirs) one.membership.merge(page);
}

/** Ana founded, let Bruno in, and he Carla; all have met. */
export async function office(t: Case) {
  const ana = await founder(t);
  const [bruno, carla] = [await openPc(t, 'bruno'), await openPc(t, 'carla')];
  await letIn(ana, bruno);
  await letIn(bruno, carla);
  meet(ana, bruno);
  meet(carla, bruno);
  return { ana, bruno, carla };
}

export const namesOf = ({ membership }: Pc): string =>
  membership
    .members()
    .map(({ name }) => name)
    .toSorted()
    .join(' ');
