/** Commands of Printers, and the form that prints a file. */
import path from 'node:path';
import { PotluckError } from '../../../protocol/errors.js';
import type { PrinterRow, TransferRow } from '../../../protocol/local/model.js';
import { EMPTY_FIELD, fieldOf } from '../../store/field.js';
import { isSelf, selectedRow, TRANSFER_OVER } from '../../store/rows.js';
import { fetchedKey } from '../../store/select.js';
import { PRINT_FIELDS, topDialog, type DialogOf, type PrintForm } from '../../store/state.js';
import { jobDetails, printerDetails } from '../details.js';
import { absolutePath, homePath } from '../local-files.js';
import type { Shell } from '../shell.js';
import { startDownload } from './browse.js';

export function showPrinter(shell: Shell): void {
  const row = selectedRow(shell.state);
  if (row?.kind === 'printer') {
    shell.open({ type: 'text', title: row.printer.name, lines: printerDetails(row.printer), index: 0 });
  } else if (row?.kind === 'job') {
    shell.open({ type: 'text', title: row.job.title, lines: jobDetails(row.job, shell.now()), index: 0 });
  }
}

function selectedPrinter(shell: Shell): { readonly id: string; readonly printer: PrinterRow } | null {
  const row = selectedRow(shell.state);
  return row?.kind === 'printer' ? { id: row.id, printer: row.printer } : null;
}

export async function shareOrStop(shell: Shell): Promise<void> {
  const row = selectedPrinter(shell);
  if (row === null) return;
  const { name, shared } = row.printer;
  const method = shared ? 'printer.unshare' : 'printer.share';
  await shell.pending(row.id, method, () => shell.call(method, { name }));
  shell.say('good', shared ? `${name} is no longer shared` : `${name} is shared: every coworker can print on it`);
}

export async function makeTray(shell: Shell): Promise<void> {
  const printer = await shell.call('printer.share', { name: 'tray' });
  const folder = homePath(printer.uri.replace(/^tray:/, ''), shell.files.home);
  shell.do({ type: 'screen', screen: 'printers' });
  shell.say('good', `${printer.name} is shared: what coworkers print lands in ${folder}`);
}

export function askPrinterAddress(shell: Shell): void {
  shell.open({
    type: 'prompt',
    purpose: 'printer.add',
    title: 'Add a network printer',
    lines: ['Most printers of the last ten years answer at ipp://ADDRESS/ipp/print.'],
    label: 'Address',
    field: fieldOf('ipp://'),
    suggestions: [],
    isBusy: false,
    problem: null,
  });
}

export async function removePrinter(shell: Shell): Promise<void> {
  const row = selectedPrinter(shell);
  if (row === null) return;
  await shell.pending(row.id, 'removing', () => shell.call('printer.remove', { name: row.printer.name }));
  shell.say('good', `${row.printer.name} is removed`);
}

export function askToCancelJob(shell: Shell): void {
  const row = selectedRow(shell.state);
  if (row?.kind !== 'job') return;
  const { id, title, state } = row.job;
  shell.open({
    type: 'confirm',
    title: `Cancel ${title}?`,
    lines: [
      state === 'printing'
        ? 'It is being printed: what is on paper already stays there.'
        : 'Nothing of it is on paper yet.',
    ],
    ticks: [],
    choices: [
      { label: 'Keep it', call: null, done: '' },
      { label: 'Cancel it', call: { method: 'job.cancel', input: { id } }, done: `${title} is cancelled` },
    ],
    index: 0,
  });
}

/** The form for a file of this PC, empty or filled in. */
export function openPrint(shell: Shell, file: string, remote: PrintForm['remote']): void {
  const { printers } = shell.state.agent.tables;
  const chosen = selectedRow(shell.state);
  const usable = [...printers].filter(([, printer]) => printer.state !== 'offline').map(([key]) => key);
  const printer =
    chosen?.kind === 'printer' ? chosen.id.slice('printer '.length) : (usable[0] ?? [...printers.keys()][0] ?? null);
  shell.open({
    type: 'print',
    form: {
      file: file === '' ? EMPTY_FIELD : fieldOf(file),
      remote,
      printer,
      copies: 1,
      sides: 'default',
      color: 'default',
      focus: PRINT_FIELDS.indexOf(file === '' ? 'file' : 'printer'),
    },
    suggestions: [],
    isBusy: false,
    problem: null,
  });
}

/** A file of a share: of this PC by its path, of a coworker from where it was downloaded, else fetched first. */
export function printEntry(shell: Shell): void {
  const row = selectedRow(shell.state);
  const { ui, agent } = shell.state;
  const { place } = ui.browse;
  if (row?.kind !== 'entry' || place.peer === null || place.share === null) return;
  if (agent.tables.printers.size === 0) {
    shell.hint('No printer is shared yet, and this PC has none');
    return;
  }
  const { name } = row.entry;
  if (isSelf(shell.state, place.peer)) {
    const folder = [...agent.tables.shares.values()].find((share) => share.name === place.share)?.folder ?? '';
    openPrint(shell, homePath(path.join(folder, ...place.path, name), shell.files.home), null);
    return;
  }
  const known = agent.tables.transfers.get(ui.fetched.get(fetchedKey(place, name)) ?? '');
  if (known?.state === 'done') openPrint(shell, homePath(known.to, shell.files.home), null);
  else openPrint(shell, name, { place, name });
}

export async function acceptPrint(shell: Shell): Promise<void> {
  const dialog = topDialog(shell.state);
  if (dialog?.type !== 'print' || dialog.isBusy) return;
  const { form } = dialog;
  const printer = shell.state.agent.tables.printers.get(form.printer ?? '');
  if (printer === undefined) return complain(shell, dialog, 'Choose a printer first');
  if (form.remote !== null) {
    shell.do({ type: 'close' });
    return fetchAndPrint(shell, form.remote, form, printer);
  }
  if (form.file.value.trim() === '') return complain(shell, dialog, 'Type the path of a file; tab completes it');
  const file = absolutePath(form.file.value, shell.files.home);
  const kind = await shell.files.kindOf(file);
  if (kind === 'none') return complain(shell, dialog, 'There is no such file');
  if (kind === 'folder') return complain(shell, dialog, 'This is a folder; go on to a file in it');
  shell.do({ type: 'swap', dialog: { ...dialog, isBusy: true, problem: null } });
  try {
    await print(shell, file, form, printer);
    shell.do({ type: 'close' });
  } catch (thrown) {
    shell.do({ type: 'swap', dialog });
    throw thrown;
  }
}

function complain(shell: Shell, dialog: DialogOf<'print'>, problem: string): void {
  shell.do({ type: 'swap', dialog: { ...dialog, problem } });
}

async function print(shell: Shell, file: string, form: PrintForm, printer: PrinterRow): Promise<void> {
  const job = await shell.call('job.print', {
    file,
    printer: `${printer.peer}/${printer.name}`,
    copies: form.copies,
    ...(form.sides === 'default' ? {} : { duplex: form.sides }),
    ...(form.color === 'default' ? {} : { color: form.color === 'color' }),
  });
  shell.say('good', `${job.title} goes to ${printer.name} · 4 shows what becomes of it`);
}

/** The download is the agent's and goes on in any case; that it is printed then is up to this UI. */
async function fetchAndPrint(
  shell: Shell,
  { place, name }: NonNullable<PrintForm['remote']>,
  form: PrintForm,
  printer: PrinterRow,
): Promise<void> {
  const started = await shell.pending(name, 'fetching', () => startDownload(shell, place, name));
  shell.say('info', `${name} is fetched, then printed on ${printer.name}; leave this window open until then`);
  const ended = await transferEnd(shell, started.id);
  if (ended?.state !== 'done') {
    throw new PotluckError('FAILED', `${name} was not printed: its download ${ended?.state ?? 'is gone'}`);
  }
  await print(shell, ended.to, form, printer);
}

/** Resolves with the transfer when it is over, null when it is no longer known; rejects when the UI ends. */
function transferEnd(shell: Shell, id: string): Promise<TransferRow | null> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      unsubscribe();
      shell.signal.removeEventListener('abort', stop);
      act();
    };
    const stop = (): void => settle(() => reject(new PotluckError('CANCELLED', 'the window was closed')));
    let wasSeen = false;
    const look = (): void => {
      const row = shell.state.agent.tables.transfers.get(id) ?? null;
      if (row !== null && TRANSFER_OVER.has(row.state)) settle(() => resolve(row));
      else if (row === null && wasSeen) settle(() => resolve(null));
      wasSeen ||= row !== null;
    };
    const unsubscribe = shell.store.subscribe(look);
    shell.signal.addEventListener('abort', stop, { once: true });
    look();
  });
}

export function moveInPrint(shell: Shell, by: number): void {
  changeForm(shell, (form) => ({
    ...form,
    focus: Math.max(0, Math.min(PRINT_FIELDS.length - 1, form.focus + by)),
  }));
}

const SIDES = ['default', 'off', 'long', 'short'] as const;
const COLORS = ['default', 'color', 'mono'] as const;

/** The next or previous value of the line that has the focus. */
export function changePrintValue(shell: Shell, by: number): void {
  const printers = [...shell.state.agent.tables.printers.entries()];
  changeForm(shell, (form) => {
    const printer = shell.state.agent.tables.printers.get(form.printer ?? '');
    switch (PRINT_FIELDS[form.focus]) {
      case 'printer':
        return {
          ...form,
          printer: neighbour(
            printers.map(([key]) => key),
            form.printer ?? '',
            by,
          ),
        };
      case 'copies':
        return { ...form, copies: Math.max(1, Math.min(printer?.copiesMax ?? 1, form.copies + by)) };
      case 'sides':
        return printer?.duplex === true ? { ...form, sides: neighbour(SIDES, form.sides, by) } : form;
      case 'color':
        return printer?.color === true ? { ...form, color: neighbour(COLORS, form.color, by) } : form;
      case 'file':
      case undefined:
        return form;
      default:
        return form;
    }
  });
}

function changeForm(shell: Shell, change: (form: PrintForm) => PrintForm): void {
  const dialog = topDialog(shell.state);
  if (dialog?.type !== 'print' || dialog.isBusy) return;
  shell.do({ type: 'swap', dialog: { ...dialog, form: change(dialog.form), suggestions: [], problem: null } });
}

/** Round at both ends. */
function neighbour<T>(values: readonly T[], value: T, by: number): T {
  const at = values.indexOf(value);
  return values[(at + by + values.length) % values.length] ?? value;
}
