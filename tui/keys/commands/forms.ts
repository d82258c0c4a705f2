/** Commands of the overlays that ask something: confirm, prompt, and the completion of paths. */
import path from 'node:path';
import { toPotluckError } from '../../../protocol/errors.js';
import { fieldOf } from '../../store/field.js';
import { topDialog, type AgentCall, type DialogOf } from '../../store/state.js';
import { absolutePath, homePath } from '../local-files.js';
import type { Shell } from '../shell.js';
import { focusedField, isPathField, withCompletion } from '../typing.js';

/** Names shown below a field. */
const SUGGESTIONS_MAX_COUNT = 8;

export function moveInConfirm(shell: Shell, by: number): void {
  const dialog = topDialog(shell.state);
  if (dialog?.type !== 'confirm') return;
  const last = dialog.ticks.length + dialog.choices.length - 1;
  shell.do({ type: 'swap', dialog: { ...dialog, index: Math.max(0, Math.min(last, dialog.index + by)) } });
}

export function tickInConfirm(shell: Shell): void {
  const dialog = topDialog(shell.state);
  if (dialog?.type !== 'confirm') return;
  const ticks = dialog.ticks.map((tick, index) => (index === dialog.index ? { ...tick, isOn: !tick.isOn } : tick));
  shell.do({ type: 'swap', dialog: { ...dialog, ticks } });
}

export async function chooseInConfirm(shell: Shell): Promise<void> {
  const dialog = topDialog(shell.state);
  if (dialog?.type !== 'confirm') return;
  if (dialog.index < dialog.ticks.length) {
    tickInConfirm(shell);
    return;
  }
  const choice = dialog.choices[dialog.index - dialog.ticks.length];
  shell.do({ type: 'close' });
  if (choice === undefined || choice.call === null) return;
  await shell.perform(withKept(choice.call, dialog));
  shell.say('good', choice.done);
}

/** Those who are ticked stay although the one who let them in goes. */
function withKept(call: AgentCall, dialog: DialogOf<'confirm'>): AgentCall {
  if (call.method !== 'workgroup.remove' || dialog.ticks.length === 0) return call;
  const keep = dialog.ticks.filter((tick) => tick.isOn).map((tick) => tick.id);
  return { method: call.method, input: { ...call.input, keep } };
}

export async function acceptPrompt(shell: Shell): Promise<void> {
  const dialog = topDialog(shell.state);
  if (dialog?.type !== 'prompt' || dialog.isBusy) return;
  const typed = dialog.field.value.trim();
  if (typed === '') {
    shell.do({ type: 'swap', dialog: { ...dialog, problem: 'Type something first, or esc to change nothing' } });
    return;
  }
  shell.do({ type: 'swap', dialog: { ...dialog, isBusy: true, problem: null, suggestions: [] } });
  try {
    const said = await carryOut(shell, dialog, typed);
    shell.do({ type: 'close' });
    shell.say('good', said);
  } catch (thrown) {
    const error = toPotluckError(thrown);
    shell.do({ type: 'swap', dialog: { ...dialog, problem: `${error.message} [${error.code}]` } });
  }
}

/** @returns what is said when it is done */
async function carryOut(shell: Shell, dialog: DialogOf<'prompt'>, typed: string): Promise<string> {
  switch (dialog.purpose) {
    case 'peer.connect': {
      const peer = await shell.call('peer.connect', { address: typed });
      return `${peer.name} is reached at ${typed}`;
    }
    case 'agent.rename': {
      const self = await shell.call('agent.rename', { name: typed });
      return `This PC is now ${self.name}`;
    }
    case 'share.add': {
      const share = await shell.call('share.add', { folder: absolutePath(typed, shell.files.home) });
      return `${share.name} is shared with every coworker`;
    }
    case 'printer.add': {
      const printer = await shell.call('printer.add', { uri: typed });
      return `${printer.name} is added; o shares it`;
    }
    default:
      return dialog.purpose satisfies never;
  }
}

/** Completes the path in the focused field as far as it is unambiguous, and shows what can follow. */
export async function completePath(shell: Shell): Promise<void> {
  const field = focusedField(shell.state);
  if (field === null || !isPathField(shell.state)) return;
  const signal = shell.begin('complete');
  const typed = field.value === '' ? `~${path.sep}` : field.value;
  const whole = absolutePath(typed, shell.files.home);
  const folder = /[/\\]$/.test(typed) ? whole : path.dirname(whole);
  const beginning = /[/\\]$/.test(typed) ? '' : path.basename(whole);
  const foldersOnly = topDialog(shell.state)?.type !== 'print';
  const names = (await shell.files.list(folder))
    .filter((entry) => entry.name.startsWith(beginning) && (entry.isFolder || !foldersOnly))
    .map((entry) => (entry.isFolder ? `${entry.name}${path.sep}` : entry.name));
  if (signal.aborted) return;
  const common = commonStart(names);
  const base = homePath(folder, shell.files.home);
  const next = names.length === 0 ? field.value : `${base.endsWith(path.sep) ? base : base + path.sep}${common}`;
  const action = withCompletion(
    shell.state,
    fieldOf(next),
    names.length === 1 ? [] : names.slice(0, SUGGESTIONS_MAX_COUNT),
  );
  if (action !== null) shell.do(action);
}

function commonStart(names: readonly string[]): string {
  const [first = '', ...rest] = names;
  let length = first.length;
  for (const name of rest) while (!name.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, length);
}
