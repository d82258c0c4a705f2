/** The text field that has the keys, and what a key that goes into it changes. Pure. */
import { editField, type Field, type Key } from '../store/field.js';
import type { Action } from '../store/reduce.js';
import { stageOf } from '../store/select.js';
import { PRINT_FIELDS, topDialog, type AppState, type Dialog, type Setup } from '../store/state.js';

export function focusedField(state: AppState): Field | null {
  const dialog = topDialog(state);
  if (dialog !== null) return dialogField(dialog);
  return stageOf(state) === 'setup' && state.ui.setup !== null ? setupField(state.ui.setup) : null;
}

/** @returns the actions that make it so, none when the key changes nothing */
export function typeInto(state: AppState, key: Key): readonly Action[] {
  const field = focusedField(state);
  if (field === null) return [];
  const next = editField(field, key);
  if (next === field) return [];
  const dialog = topDialog(state);
  if (dialog === null) {
    return state.ui.setup === null ? [] : [{ type: 'setup', setup: withSetupField(state.ui.setup, next) }];
  }
  const swapped: Action = { type: 'swap', dialog: withField(dialog, next) };
  return dialog.type === 'filter'
    ? [swapped, { type: 'filter', screen: state.ui.screen, text: next.value }]
    : [swapped];
}

/** Does the focused field hold a path of this PC, so that it can be completed? */
export function isPathField(state: AppState): boolean {
  const dialog = topDialog(state);
  if (dialog !== null) return dialog.type === 'print' || (dialog.type === 'prompt' && dialog.purpose === 'share.add');
  return state.ui.setup?.step === 'folders';
}

/** The dialog or set-up with another text in the focused field, and what can follow it. */
export function withCompletion(state: AppState, field: Field, suggestions: readonly string[]): Action | null {
  const dialog = topDialog(state);
  if (dialog === null) {
    const { setup } = state.ui;
    return setup === null ? null : { type: 'setup', setup: { ...withSetupField(setup, field), suggestions } };
  }
  if (dialog.type !== 'prompt' && dialog.type !== 'print') return null;
  const filled = withField(dialog, field);
  return { type: 'swap', dialog: { ...filled, suggestions } as Dialog };
}

function dialogField(dialog: Dialog): Field | null {
  switch (dialog.type) {
    case 'help':
    case 'palette':
    case 'filter':
      return dialog.field;
    case 'prompt':
      return dialog.isBusy ? null : dialog.field;
    case 'print':
      return PRINT_FIELDS[dialog.form.focus] === 'file' && dialog.form.remote === null ? dialog.form.file : null;
    case 'confirm':
    case 'text':
    case 'invite':
      return null;
    default:
      return dialog satisfies never;
  }
}

function withField(dialog: Dialog, field: Field): Dialog {
  switch (dialog.type) {
    case 'help':
    case 'palette':
      return { ...dialog, field, index: 0 };
    case 'filter':
      return { ...dialog, field };
    case 'prompt':
      return { ...dialog, field, suggestions: [], problem: null };
    case 'print':
      return { ...dialog, form: { ...dialog.form, file: field }, suggestions: [], problem: null };
    case 'confirm':
    case 'text':
    case 'invite':
      return dialog;
    default:
      return dialog satisfies never;
  }
}

function setupField(setup: Setup): Field | null {
  if (setup.busy !== null) return null;
  switch (setup.step) {
    case 'join':
      return setup.index === 0 ? setup.code : setup.address;
    case 'create':
      return setup.group;
    case 'name':
      return setup.name;
    case 'folders':
      return setup.index === setup.folders.length ? setup.other : null;
    case 'choose':
      return null;
    default:
      return setup.step satisfies never;
  }
}

function withSetupField(setup: Setup, field: Field): Setup {
  const calm = { ...setup, problem: null, suggestions: [] };
  switch (setup.step) {
    case 'join':
      return setup.index === 0 ? { ...calm, code: field } : { ...calm, address: field };
    case 'create':
      return { ...calm, group: field };
    case 'name':
      return { ...calm, name: field };
    case 'folders':
      return { ...calm, other: field };
    case 'choose':
      return setup;
    default:
      return setup.step satisfies never;
  }
}
