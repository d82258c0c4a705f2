/**
 * First run: into a workgroup, the name of this PC, what it shares. Each step is done when it is accepted,
 * so that a wrong code is told at once; nothing is shared unless it was ticked.
 */
import path from 'node:path';
import { toPotluckError } from '../../../protocol/errors.js';
import { suggestionOf } from '../../store/field.js';
import { selfOf } from '../../store/select.js';
import type { Setup, Tick } from '../../store/state.js';
import { absolutePath, homePath } from '../local-files.js';
import type { Shell } from '../shell.js';
import { completePath } from './forms.js';

/** Folders of a home that people may want to share; offered where they exist. */
const OFFERED = ['Public', 'Documents', 'Pictures', 'Projects'];
const FIRST_GROUP_NAME = 'Office';

/** Rows of a step that the cursor can stand on. */
function rowCount(setup: Setup): number {
  switch (setup.step) {
    case 'choose':
    case 'join':
      return 2;
    case 'create':
    case 'name':
      return 1;
    case 'folders':
      return setup.folders.length + 1;
    default:
      return setup.step satisfies never;
  }
}

export function moveInSetup(shell: Shell, by: number): void {
  change(shell, (setup) => ({ index: Math.max(0, Math.min(rowCount(setup) - 1, setup.index + by)) }));
}

export async function completeOrNext(shell: Shell): Promise<void> {
  const { setup } = shell.state.ui;
  if (setup?.step === 'folders' && setup.index === setup.folders.length) await completePath(shell);
  else change(shell, ({ index, ...rest }) => ({ index: (index + 1) % rowCount({ index, ...rest }) }));
}

export function tickInSetup(shell: Shell): void {
  change(shell, (setup) => ({
    folders: setup.folders.map((tick, index) => (index === setup.index ? { ...tick, isOn: !tick.isOn } : tick)),
  }));
}

export function backInSetup(shell: Shell): void {
  const { setup } = shell.state.ui;
  if (setup === null) return;
  if (shell.stop('setup')) {
    change(shell, () => ({ busy: null }));
    return;
  }
  if (setup.step === 'join' || setup.step === 'create') {
    change(shell, () => ({ step: 'choose', index: setup.step === 'join' ? 0 : 1, problem: null }));
  } else if (setup.step === 'folders') change(shell, () => ({ step: 'name', index: 0, problem: null }));
}

export async function acceptSetup(shell: Shell): Promise<void> {
  const { setup } = shell.state.ui;
  if (setup === null || setup.busy !== null) return;
  switch (setup.step) {
    case 'choose':
      if (setup.index === 0) change(shell, () => ({ step: 'join', index: 0 }));
      else change(shell, () => ({ step: 'create', index: 0, group: suggestionOf(FIRST_GROUP_NAME) }));
      return;
    case 'join':
      await join(shell, setup);
      return;
    case 'create':
      await create(shell, setup);
      return;
    case 'name':
      await rename(shell, setup);
      return;
    case 'folders':
      await shareFolders(shell, setup);
      return;
    default:
      setup.step satisfies never;
  }
}

async function join(shell: Shell, setup: Setup): Promise<void> {
  const code = setup.code.value.trim();
  const address = setup.address.value.trim();
  if (code === '') {
    change(shell, () => ({ index: 0, problem: 'Type the code that a coworker’s PC shows' }));
    return;
  }
  const asked = { code, ...(address === '' ? {} : { address }) };
  await working(shell, 'Looking for the PC that made this code…', {
    work: (signal) => shell.call('workgroup.join', asked, signal),
    next: (self) => ({ step: 'name', index: 0, name: suggestionOf(self.name) }),
  });
}

async function create(shell: Shell, setup: Setup): Promise<void> {
  const name = setup.group.value.trim();
  if (name === '') {
    change(shell, () => ({ problem: 'A workgroup has a name' }));
    return;
  }
  await working(shell, 'Creating it…', {
    work: (signal) => shell.call('workgroup.create', { name }, signal),
    next: (self) => ({ step: 'name', index: 0, name: suggestionOf(self.name) }),
  });
}

async function rename(shell: Shell, setup: Setup): Promise<void> {
  const name = setup.name.value.trim();
  const isSame = name === '' || name === selfOf(shell.state)?.name;
  await working(shell, 'Telling it to coworkers…', {
    work: async (signal) => {
      if (!isSame) await shell.call('agent.rename', { name }, signal);
      return setup.folders.length > 0 ? setup.folders : offeredFolders(shell);
    },
    next: (folders) => ({ step: 'folders', index: 0, folders }),
  });
}

async function offeredFolders(shell: Shell): Promise<readonly Tick[]> {
  const names = await shell.files.list(shell.files.home).catch(() => []);
  return OFFERED.filter((name) => names.some((entry) => entry.isFolder && entry.name === name)).map((name) => {
    const id = path.join(shell.files.home, name);
    return { id, label: homePath(id, shell.files.home), isOn: false };
  });
}

async function shareFolders(shell: Shell, setup: Setup): Promise<void> {
  const typed = setup.other.value.trim();
  const folders = [
    ...setup.folders.filter((tick) => tick.isOn).map((tick) => tick.id),
    ...(typed === '' ? [] : [absolutePath(typed, shell.files.home)]),
  ];
  const isDone = await working(shell, 'Sharing…', {
    work: async (signal) => {
      const known = new Set([...shell.state.agent.tables.shares.values()].map((share) => share.folder));
      for (const folder of folders) if (!known.has(folder)) await shell.call('share.add', { folder }, signal);
    },
    next: () => ({}),
  });
  if (!isDone) return;
  shell.do({ type: 'setup', setup: null });
  const self = selfOf(shell.state);
  const where = `${self?.name ?? 'This PC'} is in ${self?.workgroup?.name ?? 'the workgroup'}`;
  shell.say('good', `${where} · i invites a coworker · ? shows the keys`);
}

/**
 * Does the work of a step; what goes wrong stands under the step. The next step is shown in one change
 * with the end of this one, so that no event finds a question that is answered already.
 * @returns whether it was done
 */
async function working<T>(
  shell: Shell,
  busy: string,
  { work, next }: { readonly work: (signal: AbortSignal) => Promise<T>; readonly next: (result: T) => Partial<Setup> },
): Promise<boolean> {
  const signal = shell.begin('setup');
  change(shell, () => ({ busy, problem: null }));
  try {
    const result = await work(signal);
    if (signal.aborted) return false;
    shell.stop('setup');
    change(shell, () => ({ busy: null, ...next(result) }));
    return true;
  } catch (thrown) {
    if (signal.aborted) return false;
    shell.stop('setup');
    const error = toPotluckError(thrown);
    change(shell, () => ({ busy: null, problem: `${error.message} [${error.code}]` }));
    return false;
  }
}

function change(shell: Shell, next: (setup: Setup) => Partial<Setup>): void {
  const { setup } = shell.state.ui;
  if (setup !== null) shell.do({ type: 'setup', setup: { ...setup, ...next(setup) } });
}
