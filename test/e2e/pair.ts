/** Two members on this machine's loopback, for what needs no network of its own. */
import type { PeerRow } from '../../protocol/local/model.js';
import { openAgent, type Agent, type AgentOptions } from '../support/agent.js';
import { until } from '../support/process.js';
import type { Case } from '../support/spec.js';

export interface Pair {
  readonly ana: Agent;
  readonly bruno: Agent;
}

/** Ana founded the workgroup, Bruno joined by a code; both are linked. */
export async function openPair(
  t: Case,
  more: { readonly ana?: Partial<AgentOptions>; readonly bruno?: Partial<AgentOptions> } = {},
): Promise<Pair> {
  const ana = await openAgent(t, { name: 'ana', ...more.ana });
  const bruno = await openAgent(t, { name: 'bruno', peers: [ana.port], ...more.bruno });
  await ana.ask('workgroup', 'create', 'Front office');
  await join(bruno, ana);
  await Promise.all([sees(ana, 'bruno', 'online'), sees(bruno, 'ana', 'online')]);
  return { ana, bruno };
}

export async function join(newcomer: Agent, member: Agent): Promise<void> {
  const { code } = await member.ask<{ code: string }>('workgroup', 'invite');
  await newcomer.ask('workgroup', 'join', code, '--peer', `127.0.0.1:${member.port}`);
}

/** Resolves once the agent shows the peer in the state. */
export function sees(agent: Agent, name: string, state: PeerRow['state']): Promise<PeerRow> {
  return until(
    `${agent.name} sees ${name} ${state}`,
    async () => (await agent.ask<PeerRow[]>('peers')).find((peer) => peer.name === name && peer.state === state),
    20_000,
  );
}
