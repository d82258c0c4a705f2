/** From one state to the next. */
import * as assert from 'uvu/assert';
import type { WatchEvent, WatchSnapshot } from '../../../protocol/local/events.js';
import type { SelfRow } from '../../../protocol/local/model.js';
import { reduce, type Action } from '../../../tui/store/reduce.js';
import { stageOf } from '../../../tui/store/select.js';
import { FIRST_SETUP, initialState, LOG_MAX_COUNT, type AppState, type Toast } from '../../../tui/store/state.js';
import { file, NOW, notice, peer, self } from '../../support/fake-office.js';
import { spec } from '../../support/spec.js';

const after = (state: AppState, ...actions: readonly Action[]): AppState => actions.reduce(reduce, state);
const event = (told: WatchEvent, now = NOW): Action => ({ type: 'event', event: told, now });
const toast = (level: Toast['level'], at = NOW): Toast => ({ level, text: 'said', code: null, at });

function snapshot(row: SelfRow, seq = 7): WatchSnapshot {
  const tables = { self: [['self', row]], peers: [], shares: [], transfers: [], printers: [], jobs: [], notices: [] };
  return { type: 'snapshot', seq, tables } as unknown as WatchSnapshot;
}

const start = initialState(NOW);
const live = after(start, event(snapshot(self())));

spec('reduce: the agent', (it) => {
  it('mirrors the tables', () => {
    const told: WatchEvent = { type: 'put', seq: 8, table: 'peers', key: 'id-bruno', row: peer('bruno') };
    const one = after(live, event(told));
    assert.is(one.agent.tables.peers.get('id-bruno')?.name, 'bruno');
    assert.is(one.agent.seq, 8);
    assert.is(live.agent.tables.peers.size, 0, 'the state before is untouched');
    assert.is(one.agent.tables.shares, live.agent.tables.shares, 'the other tables are the same');
    const none = after(one, event({ type: 'del', seq: 9, table: 'peers', key: 'id-bruno' }));
    assert.is(none.agent.tables.peers.size, 0);
  });

  it('changes nothing for a sign of life', () => {
    assert.is(after(live, event({ type: 'alive', seq: 7 })), live);
  });

  it('keeps the last picture while the agent is away, and forgets it with the next snapshot', () => {
    const lost = after(live, { type: 'link', link: 'lost', because: 'gone' });
    assert.is(lost.agent.tables, live.agent.tables);
    assert.is(stageOf(lost), 'main');
    const back = after(lost, event(snapshot(self({ name: 'other' }), 1)));
    assert.is(back.agent.link, 'live');
    assert.is(back.agent.tables.self.get('self')?.name, 'other');
  });

  it('shows a notice that comes, not those that were there', () => {
    assert.is(live.ui.toast, null);
    const told: WatchEvent = {
      type: 'put',
      seq: 8,
      table: 'notices',
      key: 'n1',
      row: notice('it failed', { level: 'error', code: 'GONE' }),
    };
    const { toast: shown, log } = after(live, event(told)).ui;
    assert.equal(shown, { level: 'error', text: 'it failed', code: 'GONE', at: NOW });
    assert.is(log.length, 0, 'Activity has it from the agent already');
  });
});

spec('reduce: set-up', (it) => {
  const alone = event(snapshot(self({ workgroup: null })));

  it('opens on a PC without a workgroup and names it', () => {
    const state = after(start, alone);
    assert.is(stageOf(state), 'setup');
    assert.is(state.ui.setup?.name.value, 'ana-laptop');
  });

  it('ends when the PC got into a workgroup by another door', () => {
    assert.is(after(start, alone, event(snapshot(self()))).ui.setup, null);
  });

  it('goes on with its questions when the PC got in through it', () => {
    const joining: Action = { type: 'setup', setup: { ...FIRST_SETUP, step: 'join', busy: 'joining' } };
    assert.is(after(start, alone, joining, event(snapshot(self()))).ui.setup?.step, 'join');
    const naming: Action = { type: 'setup', setup: { ...FIRST_SETUP, step: 'name' } };
    assert.is(after(start, alone, naming, event(snapshot(self()))).ui.setup?.step, 'name');
  });

  it('opens again, over nothing else, when the PC is no longer in a workgroup', () => {
    const helping: Action = { type: 'open', dialog: { type: 'text', title: '', lines: [], index: 0 } };
    const state = after(live, helping, alone);
    assert.is(stageOf(state), 'setup');
    assert.is(state.ui.dialogs.length, 0);
  });
});

const tick = (ms: number): Action => ({ type: 'tick', now: NOW + ms });

spec('reduce: the screen', (it) => {
  it('ends a toast after six seconds, an error only by a key', () => {
    const said = after(live, { type: 'toast', toast: toast('good') });
    assert.is(after(said, tick(5_999)).ui.toast?.level, 'good');
    assert.is(after(said, tick(6_000)).ui.toast, null);
    const failed = after(live, { type: 'toast', toast: toast('error') });
    assert.is(after(failed, tick(60_000)).ui.toast?.level, 'error');
    assert.is(after(failed, { type: 'key' }).ui.toast, null);
    assert.is(after(said, { type: 'key' }).ui.toast?.level, 'good');
  });

  it('keeps what was said for Activity, within a bound, but not why a key did nothing', () => {
    const many = Array.from({ length: LOG_MAX_COUNT + 5 }, (): Action => ({ type: 'toast', toast: toast('info') }));
    assert.is(after(live, ...many).ui.log.length, LOG_MAX_COUNT);
    assert.is(after(live, { type: 'hint', toast: toast('warn') }).ui.log.length, 0);
  });

  it('moves its clock only when something that is shown depends on it', () => {
    assert.is(after(live, { type: 'tick', now: NOW + 9_999 }), live);
    assert.is(after(live, { type: 'tick', now: NOW + 10_000 }).ui.now, NOW + 10_000);
    const inviting: Action = { type: 'open', dialog: { type: 'invite', code: '', link: '', expiresAt: '' } };
    assert.is(after(live, inviting, { type: 'tick', now: NOW + 1_000 }).ui.now, NOW + 1_000);
  });

  it('replaces a dialog only while it is still open', () => {
    const text = { type: 'text', title: 'one', lines: [], index: 0 } as const;
    assert.equal(after(live, { type: 'swap', dialog: text }).ui.dialogs, []);
    const swapped = after(live, { type: 'open', dialog: text }, { type: 'swap', dialog: { ...text, index: 3 } });
    assert.equal(swapped.ui.dialogs, [{ ...text, index: 3 }]);
    assert.is(after(live, { type: 'close' }), live);
  });

  it('adds a page to the folder it belongs to, and to no other', () => {
    const place = { peer: 'p', share: 's', path: [] };
    const page = { entry: null, entries: [file('b', 1)], next: null, total: 2 };
    const listing = { shares: [], entries: [file('a', 1)], next: '1', total: 2, readAt: NOW };
    const there = after(live, { type: 'arrived', place, listing, cursor: { id: null, index: 0 } });
    const whole = after(there, { type: 'page', place, page }).ui.browse;
    assert.equal(
      whole.listing.entries.map((entry) => entry.name),
      ['a', 'b'],
    );
    assert.is(whole.listing.next, null);
    assert.is(after(there, { type: 'page', place: { ...place }, page }), there);
  });

  it('leaves marks and filter behind when it arrives somewhere', () => {
    const marked = after(
      live,
      { type: 'marked', names: new Set(['a']) },
      { type: 'filter', screen: 'browse', text: 'x' },
    );
    const listing = { shares: [], entries: [], next: null, total: 0, readAt: NOW };
    const place = { peer: 'p', share: 's', path: [] };
    const { ui } = after(marked, { type: 'arrived', place, listing, cursor: { id: 'b', index: 0 } });
    assert.is(ui.browse.marked.size, 0);
    assert.is(ui.filters.browse, '');
    assert.is(ui.cursors.browse.id, 'b');
  });
});
