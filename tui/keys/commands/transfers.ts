/** Commands of Transfers. */
import type { TransferRow } from '../../../protocol/local/model.js';
import { selectedRow } from '../../store/rows.js';
import type { Choice } from '../../store/state.js';
import { bytes } from '../../units.js';
import { transferDetails } from '../details.js';
import type { Shell } from '../shell.js';

function selected(shell: Shell): TransferRow | null {
  const row = selectedRow(shell.state);
  return row?.kind === 'transfer' ? row.transfer : null;
}

export function showTransfer(shell: Shell): void {
  const row = selected(shell);
  if (row === null) return;
  shell.open({ type: 'text', title: row.name, lines: transferDetails(row, shell.now()), index: 0 });
}

export async function pauseOrResume(shell: Shell): Promise<void> {
  const row = selected(shell);
  if (row === null) return;
  const method = row.state === 'paused' ? 'transfer.resume' : 'transfer.pause';
  await shell.pending(row.id, method, () => shell.call(method, { id: row.id }));
}

export async function retry(shell: Shell): Promise<void> {
  const row = selected(shell);
  if (row === null) return;
  await shell.pending(row.id, 'retrying', () => shell.call('transfer.resume', { id: row.id }));
}

/** Asks first, because what is here of it would be lost; pausing loses nothing. */
export function askToCancel(shell: Shell): void {
  const row = selected(shell);
  if (row === null) return;
  const { id, name } = row;
  const pause: Choice = {
    label: 'Pause instead',
    call: { method: 'transfer.pause', input: { id } },
    done: `${name} is paused; s lets it go on`,
  };
  const isPausable = row.state !== 'paused' && row.state !== 'failed';
  shell.open({
    type: 'confirm',
    title: `Cancel ${name}?`,
    lines: [
      row.bytes > 0 ? `${bytes(row.bytes)} are already here and would be deleted.` : 'Nothing of it is here yet.',
      ...(row.filesDone > 0 && row.files > 1 ? ['Files that are complete stay.'] : []),
    ],
    ticks: [],
    choices: [
      { label: 'Keep it', call: null, done: '' },
      ...(isPausable ? [pause] : []),
      { label: 'Cancel it', call: { method: 'transfer.cancel', input: { id } }, done: `${name} is cancelled` },
    ],
    index: 0,
  });
}
