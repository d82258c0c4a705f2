/**
 * What the agent tells, into the mirror of its tables. Pure.
 *
 * Events are numbered. Whoever feeds them here has seen to it that none is missing (store/sync).
 */
import type { WatchEvent } from '../../protocol/local/events.js';
import type { Row, TableName, Tables } from '../../protocol/local/model.js';
import { FIRST_SETUP, type AgentState, type AppState, type Level, type UiState } from './state.js';
import { suggestionOf } from './field.js';

/** @param now  Unix ms, for the toast that a notice becomes */
export function reduceEvent(state: AppState, event: WatchEvent, now: number): AppState {
  const agent = mirror(state.agent, event);
  if (agent === state.agent) return state;
  return { agent, ui: follow(state.ui, agent, event, now) };
}

function mirror(agent: AgentState, event: WatchEvent): AgentState {
  switch (event.type) {
    case 'snapshot':
      return { link: 'live', because: '', seq: event.seq, tables: tablesOf(event.tables) };
    case 'put':
      return { ...agent, seq: event.seq, tables: put(agent.tables, event.table, event.key, event.row) };
    case 'del':
      return { ...agent, seq: event.seq, tables: del(agent.tables, event.table, event.key) };
    case 'alive':
      return agent;
    default:
      return event satisfies never;
  }
}

function tablesOf(rows: { readonly [T in TableName]: readonly [string, Row<T>][] }): Tables {
  return {
    self: new Map(rows.self),
    peers: new Map(rows.peers),
    shares: new Map(rows.shares),
    transfers: new Map(rows.transfers),
    printers: new Map(rows.printers),
    jobs: new Map(rows.jobs),
    notices: new Map(rows.notices),
  };
}

/** `row` has the type of `table`: the schema of the event saw to it. */
function put(tables: Tables, table: TableName, key: string, row: Row<TableName>): Tables {
  return { ...tables, [table]: new Map<string, unknown>(tables[table]).set(key, row) };
}

function del(tables: Tables, table: TableName, key: string): Tables {
  if (!tables[table].has(key)) return tables;
  const rows = new Map<string, unknown>(tables[table]);
  rows.delete(key);
  return { ...tables, [table]: rows };
}

/** What an event changes about where the person is. */
function follow(ui: UiState, agent: AgentState, event: WatchEvent, now: number): UiState {
  if (event.type === 'put' && event.table === 'notices') {
    const { level, text, code } = event.row;
    return { ...ui, toast: { level: TOAST_LEVEL[level], text, code, at: now } };
  }
  const isAboutSelf = event.type === 'snapshot' || (event.type === 'put' && event.table === 'self');
  return isAboutSelf ? followSetup(ui, agent) : ui;
}

const TOAST_LEVEL = { info: 'info', warn: 'warn', error: 'error' } as const satisfies Record<string, Level>;

/** Set-up opens on a PC without a workgroup, and ends when the PC got into one by another door. */
function followSetup(ui: UiState, agent: AgentState): UiState {
  const self = agent.tables.self.get('self');
  if (self === undefined) return ui;
  if (self.workgroup === null) {
    return ui.setup === null ? { ...ui, dialogs: [], setup: { ...FIRST_SETUP, name: suggestionOf(self.name) } } : ui;
  }
  const isAsking = ui.setup !== null && ['choose', 'join', 'create'].includes(ui.setup.step);
  return isAsking && ui.setup.busy === null ? { ...ui, setup: null } : ui;
}
