/**
 * The only place where the state changes: an action in, the next state out. Pure: the time comes with
 * the action.
 */
import type { LocalAnswer } from '../../protocol/local/api.js';
import type { WatchEvent } from '../../protocol/local/events.js';
import { reduceEvent } from './reduce-agent.js';
import {
  FETCHED_MAX_COUNT,
  LOG_MAX_COUNT,
  type AppState,
  type BrowseState,
  type Cursor,
  type Dialog,
  type Link,
  type Listing,
  type Place,
  type Screen,
  type Setup,
  type Toast,
  type UiState,
} from './state.js';

/** How long a toast stays; an error stays until a key. */
const TOAST_MS = 6_000;
/** How far the clock of the screen may lag: ages are shown in minutes. */
const CLOCK_STEP_MS = 10_000;

export type Action =
  | { readonly type: 'link'; readonly link: Link; readonly because: string }
  | { readonly type: 'event'; readonly event: WatchEvent; readonly now: number }
  | { readonly type: 'tick'; readonly now: number }
  | { readonly type: 'screen'; readonly screen: Screen }
  | { readonly type: 'cursor'; readonly screen: Screen; readonly cursor: Cursor }
  | { readonly type: 'filter'; readonly screen: Screen; readonly text: string }
  | { readonly type: 'open'; readonly dialog: Dialog }
  /** Replaces the topmost dialog if it is of the same kind: it may have been closed meanwhile. */
  | { readonly type: 'swap'; readonly dialog: Dialog }
  | { readonly type: 'close' }
  | { readonly type: 'toast'; readonly toast: Toast }
  /** A toast that Activity does not keep. */
  | { readonly type: 'hint'; readonly toast: Toast }
  | { readonly type: 'key' }
  | { readonly type: 'pending'; readonly id: string; readonly what: string | null }
  | { readonly type: 'opening'; readonly what: string | null }
  | { readonly type: 'arrived'; readonly place: Place; readonly listing: Listing; readonly cursor: Cursor }
  | { readonly type: 'paging'; readonly paging: BrowseState['paging'] }
  | { readonly type: 'page'; readonly place: Place; readonly page: LocalAnswer<'browse.list'> }
  | { readonly type: 'marked'; readonly names: ReadonlySet<string> }
  | { readonly type: 'fetched'; readonly key: string; readonly transfer: string }
  | { readonly type: 'setup'; readonly setup: Setup | null }
  | { readonly type: 'startup'; readonly what: string | null };

export function reduce(state: AppState, action: Action): AppState {
  if (action.type === 'event') return reduceEvent(state, action.event, action.now);
  if (action.type === 'link') {
    const { link, because } = action;
    const isSame = state.agent.link === link && state.agent.because === because;
    return isSame ? state : { ...state, agent: { ...state.agent, link, because } };
  }
  const ui = reduceUi(state.ui, action);
  return ui === state.ui ? state : { ...state, ui };
}

type UiAction = Exclude<Action, { readonly type: 'event' | 'link' }>;

function reduceUi(ui: UiState, action: UiAction): UiState {
  switch (action.type) {
    case 'tick':
      return tick(ui, action.now);
    case 'screen':
      return ui.screen === action.screen ? ui : { ...ui, screen: action.screen };
    case 'cursor':
      return { ...ui, cursors: { ...ui.cursors, [action.screen]: action.cursor } };
    case 'filter':
      return { ...ui, filters: { ...ui.filters, [action.screen]: action.text } };
    case 'open':
      return { ...ui, dialogs: [...ui.dialogs, action.dialog] };
    case 'swap':
      return ui.dialogs.at(-1)?.type === action.dialog.type
        ? { ...ui, dialogs: [...ui.dialogs.slice(0, -1), action.dialog] }
        : ui;
    case 'close':
      return ui.dialogs.length === 0 ? ui : { ...ui, dialogs: ui.dialogs.slice(0, -1) };
    case 'toast':
      return { ...ui, toast: action.toast, log: [...ui.log, action.toast].slice(-LOG_MAX_COUNT) };
    case 'hint':
      return { ...ui, toast: action.toast };
    case 'key':
      return ui.toast?.level === 'error' ? { ...ui, toast: null } : ui;
    case 'pending':
      return { ...ui, pending: withEntry(ui.pending, action.id, action.what) };
    case 'fetched':
      return { ...ui, fetched: bounded(withEntry(ui.fetched, action.key, action.transfer)) };
    case 'setup':
      return { ...ui, setup: action.setup };
    case 'startup':
      return { ...ui, startup: action.what };
    case 'opening':
    case 'arrived':
    case 'paging':
    case 'page':
    case 'marked':
      return withBrowse(ui, action);
    default:
      return action satisfies never;
  }
}

/** Arriving somewhere also places the cursor and ends the filter. */
function withBrowse(ui: UiState, action: BrowseAction): UiState {
  const browse = reduceBrowse(ui.browse, action);
  if (browse === ui.browse) return ui;
  if (action.type !== 'arrived') return { ...ui, browse };
  const cursors = { ...ui.cursors, browse: action.cursor };
  return { ...ui, browse, cursors, filters: { ...ui.filters, browse: '' } };
}

type BrowseAction = Extract<UiAction, { readonly type: 'opening' | 'arrived' | 'paging' | 'page' | 'marked' }>;

function reduceBrowse(browse: BrowseState, action: BrowseAction): BrowseState {
  switch (action.type) {
    case 'opening':
      return browse.opening === action.what ? browse : { ...browse, opening: action.what };
    case 'arrived':
      return { place: action.place, listing: action.listing, marked: new Set(), opening: null, paging: 'idle' };
    case 'paging':
      return { ...browse, paging: action.paging };
    case 'page': {
      if (browse.place !== action.place) return browse;
      const { entries, next, total } = action.page;
      const listing = { ...browse.listing, entries: [...browse.listing.entries, ...entries], next, total };
      const paging = browse.paging === 'toEnd' && next !== null ? 'toEnd' : 'idle';
      return { ...browse, listing, paging };
    }
    case 'marked':
      return { ...browse, marked: action.names };
    default:
      return action satisfies never;
  }
}

/** The same state unless something that is shown depends on the time that went by. */
function tick(ui: UiState, now: number): UiState {
  const isToastOver = ui.toast !== null && ui.toast.level !== 'error' && now - ui.toast.at >= TOAST_MS;
  const isCountingDown = ui.dialogs.some((dialog) => dialog.type === 'invite');
  if (!isToastOver && !isCountingDown && now - ui.now < CLOCK_STEP_MS) return ui;
  return { ...ui, now, toast: isToastOver ? null : ui.toast };
}

function withEntry(map: ReadonlyMap<string, string>, key: string, value: string | null): ReadonlyMap<string, string> {
  const next = new Map(map);
  if (value === null) next.delete(key);
  else next.set(key, value);
  return next;
}

function bounded(map: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return map.size <= FETCHED_MAX_COUNT ? map : new Map([...map].slice(-FETCHED_MAX_COUNT));
}
