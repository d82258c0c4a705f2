/** What a key means now. Pure: the state and the keymap decide, nothing is done here. */
import type { Key } from '../store/field.js';
import { stageOf } from '../store/select.js';
import { topDialog, type AppState } from '../store/state.js';
import { KEYMAP, type Binding, type CommandId, type PlaceName } from './keymap.js';
import { reasonAgainst } from './reasons.js';
import { focusedField } from './typing.js';

export type Outcome =
  | { readonly type: 'command'; readonly command: CommandId }
  /** The key has a meaning here, but not now. */
  | { readonly type: 'refused'; readonly reason: string }
  /** It goes into the text field that has the focus. */
  | { readonly type: 'typed' }
  | { readonly type: 'nothing' };

const EDITING = new Set([
  'paste',
  'left',
  'right',
  'home',
  'end',
  'backspace',
  'delete',
  'ctrl+a',
  'ctrl+e',
  'ctrl+k',
  'ctrl+u',
  'ctrl+w',
]);

export function dispatch(state: AppState, key: Key): Outcome {
  const isText = key.text !== '' || EDITING.has(key.name);
  if (isText && focusedField(state) !== null) return { type: 'typed' };
  const binding = activeBindings(placesOf(state)).find((active) => active.keys.includes(key.name));
  if (binding === undefined) return { type: 'nothing' };
  const reason = reasonAgainst(binding.command, state);
  return reason === null ? { type: 'command', command: binding.command } : { type: 'refused', reason };
}

/** Who hears a key now, the nearest first. */
export function placesOf(state: AppState): readonly PlaceName[] {
  const dialog = topDialog(state);
  if (dialog !== null) return [dialog.type, 'anywhere'];
  const stage = stageOf(state);
  return stage === 'main' ? [state.ui.screen, 'list', 'global', 'anywhere'] : [stage, 'anywhere'];
}

/** The bindings that are heard in these places; a nearer one hides the keys of a farther one. */
export function activeBindings(places: readonly PlaceName[]): readonly Binding<CommandId>[] {
  const taken = new Set<string>();
  return places.flatMap((place) => {
    const here = KEYMAP.filter((binding) => binding.place === place)
      .map((binding) => ({ ...binding, keys: binding.keys.filter((key) => !taken.has(key)) }))
      .filter((binding) => binding.keys.length > 0);
    for (const binding of here) for (const key of binding.keys) taken.add(key);
    return here;
  });
}
