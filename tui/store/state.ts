/**
 * Everything that the screen shows, as one immutable value: what the agent told (`agent`), and where the
 * person is (`ui`). Nothing here is React, nothing waits, nothing is guessed: a command does not change
 * `agent`, only the agent's own events do.
 *
 * Texts are raw here, as peers, printers and disks chose them; view/format makes them safe to show.
 */
import type { EntryRow, LocalInput, LocalMethod } from '../../protocol/local/api.js';
import type { Tables } from '../../protocol/local/model.js';
import { EMPTY_FIELD, type Field } from './field.js';

/** In the order of their number keys. */
export const SCREENS = ['peers', 'browse', 'transfers', 'printers', 'activity'] as const;
export type Screen = (typeof SCREENS)[number];

/** Lines of this session that Activity keeps beside the agent's notices. */
export const LOG_MAX_COUNT = 200;
/** Downloads of this session whose place in a share is remembered for the HERE column. */
export const FETCHED_MAX_COUNT = 1000;

/**
 * `starting` before the first snapshot, `live`, `lost` while the agent does not answer (the last picture
 * stays), `absent` when none ever answered.
 */
export type Link = 'starting' | 'live' | 'lost' | 'absent';

export interface AgentState {
  readonly link: Link;
  /** Why the agent cannot be asked, as the client said it; empty while it can. */
  readonly because: string;
  /** Number of the newest event that was reduced; null before a snapshot. */
  readonly seq: number | null;
  readonly tables: Tables;
}

/** The selected row by its id, and where it stood, for when it is gone. */
export interface Cursor {
  readonly id: string | null;
  readonly index: number;
}

/** Where Browse is: all coworkers, the shares of one, or a folder of a share. `peer` is an id. */
export interface Place {
  readonly peer: string | null;
  readonly share: string | null;
  readonly path: readonly string[];
}

export const ROOT_PLACE: Place = { peer: null, share: null, path: [] };

/** What was read of the place; own shares are not here, they are a table. */
export interface Listing {
  readonly shares: readonly { readonly name: string; readonly writable: boolean }[];
  readonly entries: readonly EntryRow[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
  readonly total: number;
  readonly readAt: number;
}

export const EMPTY_LISTING: Listing = { shares: [], entries: [], next: null, total: 0, readAt: 0 };

export interface BrowseState {
  readonly place: Place;
  readonly listing: Listing;
  /** Names of the marked entries of this folder. */
  readonly marked: ReadonlySet<string>;
  /** What is being opened or read, for the line that says so. */
  readonly opening: string | null;
  /** How the rest of the folder is read: `busy` one page, `toEnd` all; after `failed` and `stopped` nothing. */
  readonly paging: 'idle' | 'busy' | 'toEnd' | 'failed' | 'stopped';
}

/** One call of the local API as a value, so that a dialog can hold what it would do. */
export type AgentCall = {
  readonly [M in LocalMethod]: { readonly method: M; readonly input: LocalInput<M> };
}[LocalMethod];

export interface Choice {
  readonly label: string;
  /** What choosing it asks of the agent; null for the choice that changes nothing. */
  readonly call: AgentCall | null;
  /** Said when the agent has done it. */
  readonly done: string;
}

export interface Tick {
  readonly id: string;
  readonly label: string;
  readonly isOn: boolean;
}

export type PromptPurpose = 'peer.connect' | 'share.add' | 'agent.rename' | 'printer.add';

export const PRINT_FIELDS = ['file', 'printer', 'copies', 'sides', 'color'] as const;

export interface PrintForm {
  readonly file: Field;
  /** A coworker's file, fetched before it is printed; then `file` is only its name. */
  readonly remote: { readonly place: Place; readonly name: string } | null;
  /** Key in the table of printers. */
  readonly printer: string | null;
  readonly copies: number;
  readonly sides: 'default' | 'off' | 'long' | 'short';
  readonly color: 'default' | 'color' | 'mono';
  readonly focus: number;
}

/** What covers the screen; the last one has the keys. */
export type Dialog =
  | { readonly type: 'help'; readonly field: Field; readonly index: number }
  | { readonly type: 'palette'; readonly field: Field; readonly index: number }
  | { readonly type: 'filter'; readonly field: Field; readonly before: string }
  | {
      readonly type: 'confirm';
      readonly title: string;
      readonly lines: readonly string[];
      /** Things that the person may leave out; their ids replace `keep` in the call that is chosen. */
      readonly ticks: readonly Tick[];
      readonly choices: readonly Choice[];
      /** Into `ticks`, then into `choices`. The first choice changes nothing and is the default. */
      readonly index: number;
    }
  | { readonly type: 'text'; readonly title: string; readonly lines: readonly string[]; readonly index: number }
  | { readonly type: 'invite'; readonly code: string; readonly link: string; readonly expiresAt: string }
  | {
      readonly type: 'prompt';
      readonly purpose: PromptPurpose;
      readonly title: string;
      readonly lines: readonly string[];
      readonly label: string;
      readonly field: Field;
      readonly suggestions: readonly string[];
      readonly isBusy: boolean;
      readonly problem: string | null;
    }
  | {
      readonly type: 'print';
      readonly form: PrintForm;
      readonly suggestions: readonly string[];
      readonly isBusy: boolean;
      readonly problem: string | null;
    };

export type DialogOf<T extends Dialog['type']> = Extract<Dialog, { readonly type: T }>;

/** First run: how this PC gets into a workgroup, its name, and what it shares. */
export interface Setup {
  readonly step: 'choose' | 'join' | 'create' | 'name' | 'folders';
  /** The row that has the cursor, in each step. */
  readonly index: number;
  readonly code: Field;
  readonly address: Field;
  readonly group: Field;
  readonly name: Field;
  readonly folders: readonly Tick[];
  readonly other: Field;
  readonly suggestions: readonly string[];
  /** What is being done, for the line that says so. */
  readonly busy: string | null;
  readonly problem: string | null;
}

export const FIRST_SETUP: Setup = {
  step: 'choose',
  index: 0,
  code: EMPTY_FIELD,
  address: EMPTY_FIELD,
  group: EMPTY_FIELD,
  name: EMPTY_FIELD,
  folders: [],
  other: EMPTY_FIELD,
  suggestions: [],
  busy: null,
  problem: null,
};

export type Level = 'info' | 'good' | 'warn' | 'error';

export interface Toast {
  readonly level: Level;
  readonly text: string;
  readonly code: string | null;
  /** When it appeared, Unix ms. */
  readonly at: number;
}

export interface UiState {
  readonly screen: Screen;
  /** Unix ms, for ages; moves only as often as something shown depends on it. */
  readonly now: number;
  readonly cursors: Readonly<Record<Screen, Cursor>>;
  readonly filters: Readonly<Record<Screen, string>>;
  readonly browse: BrowseState;
  readonly dialogs: readonly Dialog[];
  readonly toast: Toast | null;
  /** What this session did and what failed, oldest first. */
  readonly log: readonly Toast[];
  /** Row ids with a command under way, and what it is. */
  readonly pending: ReadonlyMap<string, string>;
  /** Place in a share (`peer/share/path`) to the transfer that fetches it. */
  readonly fetched: ReadonlyMap<string, string>;
  /** Null when this PC is set up. */
  readonly setup: Setup | null;
  /** What is being done on the screen that has no agent; null when nothing is. */
  readonly startup: string | null;
}

export interface AppState {
  readonly agent: AgentState;
  readonly ui: UiState;
}

const NO_CURSOR: Cursor = { id: null, index: 0 };

const EMPTY_TABLES: Tables = {
  self: new Map(),
  peers: new Map(),
  shares: new Map(),
  transfers: new Map(),
  printers: new Map(),
  jobs: new Map(),
  notices: new Map(),
};

/** @param now  Unix ms */
export function initialState(now: number): AppState {
  return {
    agent: { link: 'starting', because: '', seq: null, tables: EMPTY_TABLES },
    ui: {
      screen: 'peers',
      now,
      cursors: {
        peers: NO_CURSOR,
        browse: NO_CURSOR,
        transfers: NO_CURSOR,
        printers: NO_CURSOR,
        activity: NO_CURSOR,
      },
      filters: { peers: '', browse: '', transfers: '', printers: '', activity: '' },
      browse: {
        place: ROOT_PLACE,
        listing: EMPTY_LISTING,
        marked: new Set(),
        opening: null,
        paging: 'idle',
      },
      dialogs: [],
      toast: null,
      log: [],
      pending: new Map(),
      fetched: new Map(),
      setup: null,
      startup: null,
    },
  };
}

/** The dialog that has the keys. */
export function topDialog(state: AppState): Dialog | null {
  return state.ui.dialogs.at(-1) ?? null;
}
