/**
 * React's doors to the rest: the store, the theme and the keys. The only file that calls Ink's hooks.
 */
import { createContext, useContext, useEffect, useSyncExternalStore } from 'react';
import { useApp, useInput, usePaste, type Key as InkKey } from 'ink';
import type { AppStore } from '../store/app-store.js';
import type { Key } from '../store/field.js';
import type { AppState } from '../store/state.js';
import type { Theme } from './theme.js';

/** What every part of the view shares. */
export interface Ui {
  readonly store: AppStore;
  readonly theme: Theme;
  readonly onKey: (key: Key) => void;
  /** Given Ink's way to hand the terminal over while something else runs. */
  readonly onSuspendable: (suspend: Suspend) => void;
}

/** Gives the terminal away until `during` has resolved, then draws everything anew. */
export type Suspend = (during: () => Promise<void>) => Promise<void>;

export const UiContext = createContext<Ui | null>(null);

function useUi(): Ui {
  const ui = useContext(UiContext);
  if (ui === null) throw new Error('used outside UiContext');
  return ui;
}

export function useTheme(): Theme {
  return useUi().theme;
}

export function useAppState(): AppState {
  const { store } = useUi();
  return useSyncExternalStore(store.subscribe, store.getSnapshot);
}

export function useSuspension(): void {
  const { onSuspendable } = useUi();
  const { suspendTerminal } = useApp();
  useEffect(() => onSuspendable(suspendTerminal), [onSuspendable, suspendTerminal]);
}

/** Every key and every paste goes to `onKey`, in the order in which they were pressed. */
export function useKeys(): void {
  const { onKey } = useUi();
  useInput((input, key) => {
    for (const pressed of keysOf(input, key)) onKey(pressed);
  });
  usePaste((text) => onKey({ name: 'paste', text }));
}

const NAMED = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pgup'],
  ['pageDown', 'pgdn'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'esc'],
  ['backspace', 'backspace'],
  ['delete', 'delete'],
] as const satisfies readonly (readonly [keyof InkKey, string])[];

/**
 * Ink's description of what was read, in the names of the keymap. Fast typing arrives as several
 * characters at once.
 */
export function keysOf(input: string, key: InkKey): readonly Key[] {
  if (key.eventType === 'release') return [];
  if (key.tab) return [{ name: key.shift ? 'shift+tab' : 'tab', text: '' }];
  const named = NAMED.find(([flag]) => key[flag]);
  if (named !== undefined) return [{ name: named[1], text: '' }];
  if (key.ctrl) return [{ name: `ctrl+${input.toLowerCase()}`, text: '' }];
  if (key.meta) return [];
  return Array.from(input, (character): Key => {
    if (character === '\r' || character === '\n') return { name: 'enter', text: '' };
    return { name: character === ' ' ? 'space' : character, text: character };
  });
}
