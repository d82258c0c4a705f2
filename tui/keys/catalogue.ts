/** The keymap as it is shown: the help line, the rows of the help overlay and of the palette. Pure. */
import type { AppState, DialogOf } from '../store/state.js';
import { activeBindings, placesOf } from './dispatch.js';
import { KEYMAP, type Binding, type CommandId, type PlaceName } from './keymap.js';
import { isHelpful, reasonAgainst } from './reasons.js';

/** What can be pressed now and is worth a place on one line, the most useful first. */
export function helpLineBindings(state: AppState): readonly Binding<CommandId>[] {
  return activeBindings(placesOf(state))
    .filter((binding) => binding.rank !== null && isHelpful(binding.command, state))
    .toSorted((one, other) => (one.rank ?? 0) - (other.rank ?? 0));
}

/** Keys that have a sign of their own. */
const KEY_SIGNS: Readonly<Record<string, string>> = { up: '↑', down: '↓', left: '←', right: '→' };

export function keySign(key: string): string {
  return KEY_SIGNS[key] ?? key;
}

export interface PaletteEntry {
  readonly binding: Binding<CommandId>;
  /** Why it cannot be used now; null when it can. */
  readonly reason: string | null;
}

/** Commands whose sentence holds the typed letters in their order; the best match first. */
export function paletteEntries(state: AppState, typed: string): readonly PaletteEntry[] {
  const seen = new Set<string>();
  return KEYMAP.filter((binding) => {
    const isNew = binding.palette && !seen.has(binding.command);
    if (isNew) seen.add(binding.command);
    return isNew;
  })
    .map((binding) => ({ binding, reason: paletteReason(binding, state), score: score(binding.help, typed) }))
    .filter((entry) => entry.score !== null)
    .toSorted(
      (one, other) =>
        Number(one.reason !== null) - Number(other.reason !== null) || (other.score ?? 0) - (one.score ?? 0),
    );
}

/** These ask for what they need and look at no row, so the palette offers them everywhere. */
const ANYWHERE: ReadonlySet<CommandId> = new Set(['printer.print']);

/** A verb of another screen works on the row that is selected there, so it is used there. */
function paletteReason(binding: Binding<CommandId>, state: AppState): string | null {
  const elsewhere = ELSEWHERE[binding.place];
  const isElsewhere = elsewhere !== undefined && binding.place !== state.ui.screen && binding.keys.length > 0;
  if (isElsewhere && !ANYWHERE.has(binding.command)) return elsewhere;
  return reasonAgainst(binding.command, state);
}

const ELSEWHERE: Partial<Record<PlaceName, string>> = {
  peers: 'Go to Peers first',
  browse: 'Go to Browse first',
  transfers: 'Go to Transfers first',
  printers: 'Go to Printers first',
  activity: 'Go to Activity first',
};

export type HelpRow =
  | { readonly type: 'title'; readonly text: string }
  | { readonly type: 'key'; readonly binding: Binding<CommandId>; readonly reason: string | null };

const TITLES = [
  ['peers', 'Peers'],
  ['browse', 'Browse'],
  ['transfers', 'Transfers'],
  ['printers', 'Printers'],
  ['activity', 'Activity'],
  ['list', 'Every list'],
  ['global', 'Everywhere'],
  ['anywhere', 'Also while something is asked'],
] as const satisfies readonly (readonly [PlaceName, string])[];

/** Every key, those of this screen first. */
export function helpRows(state: AppState, typed: string): readonly HelpRow[] {
  const isHere = (place: PlaceName): boolean => place === state.ui.screen;
  const ordered = TITLES.toSorted(([one], [other]) => Number(isHere(other)) - Number(isHere(one)));
  const word = typed.trim().toLowerCase();
  return ordered.flatMap(([place, title]): readonly HelpRow[] => {
    const keys = KEYMAP.filter((binding) => binding.place === place && binding.keys.length > 0)
      .filter((binding) => word === '' || `${binding.help} ${binding.keys.join(' ')}`.toLowerCase().includes(word))
      .map((binding) => {
        const reason = isHere(place) ? reasonAgainst(binding.command, state) : null;
        return { type: 'key', binding, reason } as const;
      });
    return keys.length === 0 ? [] : [{ type: 'title', text: title }, ...keys];
  });
}

export function chosenEntry(state: AppState, dialog: DialogOf<'palette'>): PaletteEntry | null {
  const entries = paletteEntries(state, dialog.field.value);
  return entries[Math.min(dialog.index, entries.length - 1)] ?? null;
}

/**
 * How well `text` answers to what was typed: null when the letters are not in it in that order; more for
 * letters that stand together and at the beginning of words.
 */
function score(text: string, typed: string): number | null {
  const letters = typed.toLowerCase().replaceAll(' ', '');
  const lower = text.toLowerCase();
  let sum = 0;
  let at = -1;
  for (const letter of letters) {
    const found = lower.indexOf(letter, at + 1);
    if (found < 0) return null;
    if (found === at + 1) sum += 2;
    if (found === 0 || lower[found - 1] === ' ') sum += 3;
    at = found;
  }
  return sum - text.length / 100;
}
