/** Commands about the workgroup, coworkers and this PC itself. */
import * as v from 'valibot';
import { INVITE_DEFAULT_MS } from '../../../protocol/limits.js';
import type { PeerRow } from '../../../protocol/local/model.js';
import { EMPTY_FIELD, fieldOf } from '../../store/field.js';
import { selectedRow } from '../../store/rows.js';
import { selfOf } from '../../store/select.js';
import type { Tick } from '../../store/state.js';
import { selfDetails } from '../details.js';
import type { Shell } from '../shell.js';

/** A member that was let in long ago is hardly the doing of whoever found a lost PC. */
const TRUSTED_AFTER_MS = 7 * 24 * 60 * 60 * 1000;

/** Lines of a log that are shown. */
const LOG_LINES_COUNT = 200;

const LogRecord = v.pipe(
  v.string(),
  v.parseJson(),
  v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
);

export async function openInvite(shell: Shell, isAnother: boolean): Promise<void> {
  const invitation = await shell.call('workgroup.invite', { lifeMs: INVITE_DEFAULT_MS });
  const dialog = { type: 'invite', ...invitation } as const;
  shell.do({ type: isAnother ? 'swap' : 'open', dialog });
}

function selectedPeer(shell: Shell): PeerRow | null {
  const row = selectedRow(shell.state);
  return row?.kind === 'peer' ? row.peer : null;
}

/** Asks first: a removed PC stays out for good, and whoever it let in may be the wrong ones. */
export async function removePeer(shell: Shell): Promise<void> {
  const peer = selectedPeer(shell);
  if (peer === null) return;
  const { members } = await shell.pending(peer.id, 'removing', () => shell.call('workgroup.members', {}));
  const ticks: Tick[] = members
    .filter((member) => member.addedBy === peer.name && member.id !== peer.id)
    .map((member) => ({
      id: member.id,
      label: `${member.name} stays`,
      isOn: member.self || shell.now() - Date.parse(member.addedAt ?? '') > TRUSTED_AFTER_MS,
    }));
  shell.open({
    type: 'confirm',
    title: `Remove ${peer.name} from the workgroup?`,
    lines: [
      'It loses every share and every printer at once, on all PCs of the workgroup.',
      'It stays out for good; what it has downloaded stays with it.',
      ...(ticks.length > 0 ? ['It let these in; whoever is not ticked goes with it:'] : []),
    ],
    ticks,
    choices: [
      { label: 'Keep it', call: null, done: '' },
      {
        label: 'Remove it',
        call: { method: 'workgroup.remove', input: { peer: peer.id } },
        done: `${peer.name} is no longer in the workgroup`,
      },
    ],
    index: ticks.length,
  });
}

export async function retryPeer(shell: Shell): Promise<void> {
  const peer = selectedPeer(shell);
  const address = peer?.addresses[0];
  if (peer === null || address === undefined) return;
  await shell.pending(peer.id, 'connecting', () => shell.call('peer.connect', { address }));
  shell.say('good', `${peer.name} is reached at ${address}`);
}

export async function blockPeer(shell: Shell, method: 'peer.block' | 'peer.unblock'): Promise<void> {
  const peer = selectedPeer(shell);
  if (peer === null) return;
  await shell.pending(peer.id, method, () => shell.call(method, { peer: peer.id }));
  const said = method === 'peer.block' ? 'is blocked: this PC no longer talks to it' : 'is not blocked any more';
  shell.say('good', `${peer.name} ${said}`);
}

export function askAddress(shell: Shell): void {
  shell.open({
    type: 'prompt',
    purpose: 'peer.connect',
    title: 'Connect to a coworker by address',
    lines: [
      'For networks in which PCs do not find each other by themselves.',
      'The address of the other PC is shown there by : and “about”.',
    ],
    label: 'HOST or HOST:PORT',
    field: EMPTY_FIELD,
    suggestions: [],
    isBusy: false,
    problem: null,
  });
}

export function askName(shell: Shell): void {
  shell.open({
    type: 'prompt',
    purpose: 'agent.rename',
    title: 'Name of this PC',
    lines: ['Coworkers see this name.'],
    label: 'Name',
    field: fieldOf(selfOf(shell.state)?.name ?? ''),
    suggestions: [],
    isBusy: false,
    problem: null,
  });
}

export function showAbout(shell: Shell): void {
  const self = selfOf(shell.state);
  if (self === null) return;
  const peers = [...shell.state.agent.tables.peers.values()];
  shell.open({ type: 'text', title: 'This PC', lines: selfDetails(self, peers, shell.now()), index: 0 });
}

export function askToLeave(shell: Shell): void {
  const group = selfOf(shell.state)?.workgroup?.name ?? '';
  shell.open({
    type: 'confirm',
    title: `Leave ${group}?`,
    lines: [
      'This PC no longer sees the shares and printers of coworkers, and they no longer see its own.',
      'Coming back needs a new code from a coworker.',
    ],
    ticks: [],
    choices: [
      { label: 'Stay', call: null, done: '' },
      { label: 'Leave it', call: { method: 'workgroup.leave', input: {} }, done: `This PC has left ${group}` },
    ],
    index: 0,
  });
}

export async function startAgent(shell: Shell): Promise<void> {
  const signal = shell.begin('startup');
  shell.do({ type: 'startup', what: 'Starting the agent…' });
  try {
    await shell.startAgent(signal);
  } finally {
    shell.do({ type: 'startup', what: null });
  }
}

/**
 * The log is read from the disk: there is no agent to ask for it. What the last start printed comes after
 * it, because an agent that did not come up has written no log.
 */
export async function showLog(shell: Shell): Promise<void> {
  const { log, startLog } = shell.paths;
  const [written, printed] = await Promise.all([log, startLog].map((file) => tailOrNothing(shell, file)));
  const lines = [...(written ?? []).map(logText), ...(printed ?? [])];
  const text = lines.length === 0 ? ['There is no log yet: no agent was started here.'] : lines;
  shell.open({ type: 'text', title: log, lines: text, index: Math.max(0, text.length - 1) });
}

async function tailOrNothing(shell: Shell, file: string): Promise<readonly string[]> {
  try {
    return await shell.files.tail(file, LOG_LINES_COUNT);
  } catch {
    // Not written yet, which the other file or the sentence instead of both tells.
    return [];
  }
}

/** A line of the log is a JSON object; what cannot be read as one is shown as it is. */
function logText(line: string): string {
  const record = v.safeParse(LogRecord, line);
  if (!record.success) return line;
  const { at, level, part, msg, ...rest } = record.output;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  return [at, level, part, msg, ...fields].filter((text) => text !== undefined).join(' ');
}
