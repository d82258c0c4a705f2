/** A small office in the lab: hosts with agents that are members of one workgroup, joined as people would. */
import type { PeerRow } from '../../protocol/local/model.js';
import { openAgent, type Agent, type AgentOptions } from '../support/agent.js';
import { openLab, type Host, type Lab, type LabOptions } from '../support/lab.js';
import { until } from '../support/process.js';
import type { Case } from '../support/spec.js';

/** Names of the agents, host by host. */
const NAMES = ['ana', 'bruno', 'carla', 'dora'] as const;

export interface Desk {
  readonly host: Host;
  readonly agent: Agent;
}

export interface Office {
  readonly lab: Lab;
  readonly ana: Desk;
  readonly bruno: Desk;
}

/** Two members on two hosts, linked. `more` says what the agent of each host is started with besides. */
export async function openOffice(
  t: Case,
  options: Partial<LabOptions> = {},
  more: (host: Host) => Partial<AgentOptions> | Promise<Partial<AgentOptions>> = () => ({}),
): Promise<Office> {
  const lab = await openLab(t, { hosts: 2, ...options });
  const desk = async (number: number): Promise<Desk> => {
    const host = lab.host(number);
    const name = NAMES[number - 1] ?? `pc-${number}`;
    return { host, agent: await openAgent(t, { name, host, ...(await more(host)) }) };
  };
  const [ana, bruno] = [await desk(1), await desk(2)];
  await ana.agent.ask('workgroup', 'create', 'Front office');
  await joinByCode(bruno.agent, ana.agent);
  await Promise.all([online(ana.agent, 'bruno'), online(bruno.agent, 'ana')]);
  return { lab, ana, bruno };
}

/** The newcomer joins with a code that the member made for it. `address`: where nothing is announced. */
export async function joinByCode(newcomer: Agent, member: Agent, address?: string): Promise<void> {
  const { code } = await member.ask<{ code: string }>('workgroup', 'invite');
  await newcomer.ask('workgroup', 'join', code, ...(address === undefined ? [] : ['--peer', address]));
}

/** Resolves with the row once the agent sees the peer in a state that fits. */
export function seen(agent: Agent, name: string, fits: (peer: PeerRow) => boolean, limitMs = 20_000): Promise<PeerRow> {
  return until(
    `${agent.name} sees ${name} as expected`,
    async () => (await agent.ask<PeerRow[]>('peers')).find((peer) => peer.name === name && fits(peer)),
    limitMs,
  );
}

export function online(agent: Agent, name: string, limitMs?: number): Promise<PeerRow> {
  return seen(agent, name, (peer) => peer.state === 'online', limitMs);
}

export function offline(agent: Agent, name: string, limitMs?: number): Promise<PeerRow> {
  return seen(agent, name, (peer) => peer.state === 'offline', limitMs);
}
