/** The rows of the lists and the cursor among them. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { Tables } from '../../../protocol/local/model.js';
import {
  countOf,
  movedCursor,
  nextSection,
  rowsOf,
  selectedIndex,
  selectedRow,
  type ListRow,
} from '../../../tui/store/rows.js';
import { initialState, type AppState, type Screen } from '../../../tui/store/state.js';
import { download, job, NOW, peer, printer, self } from '../../support/fake-office.js';
import { spec } from '../../support/spec.js';

function stateWith(tables: Partial<Tables>, screen: Screen, filter = ''): AppState {
  const state = initialState(NOW);
  return {
    agent: { ...state.agent, seq: 1, tables: { ...state.agent.tables, self: new Map([['self', self()]]), ...tables } },
    ui: { ...state.ui, screen, filters: { ...state.ui.filters, [screen]: filter } },
  };
}

const keyed = <R extends { readonly id: string }>(...rows: readonly R[]): Map<string, R> =>
  new Map(rows.map((row) => [row.id, row]));
const idsOf = (state: AppState): string[] => rowsOf(state, state.ui.screen).map((row) => row.id);

spec('rows', (it) => {
  it('are coworkers by name, numbers by their size', () => {
    const peers = keyed(peer('pc-10'), peer('Ana'), peer('pc-9'), peer('bruno'));
    assert.equal(idsOf(stateWith({ peers }, 'peers')), ['id-Ana', 'id-bruno', 'id-pc-9', 'id-pc-10']);
  });

  it('are transfers by direction: what runs in the order of its start, then what is over, the newest first', () => {
    const transfers = keyed(
      download('old', 1, { state: 'done', finishedAt: '2026-05-14T09:00:00Z' }),
      download('new', 1, { state: 'done', finishedAt: '2026-05-14T09:30:00Z' }),
      download('second', 0, { startedAt: '2026-05-14T09:02:00Z' }),
      download('first', 0, { startedAt: '2026-05-14T09:01:00Z', state: 'paused' }),
      download('up', 0, { direction: 'up' }),
    );
    assert.equal(idsOf(stateWith({ transfers }, 'transfers')), [
      'heading down',
      't-first',
      't-second',
      't-new',
      't-old',
      'heading up',
      't-up',
    ]);
  });

  it('are printers, my jobs, and jobs on my printers; parts without rows are left out', () => {
    const printers = new Map([['u', printer('HP')]]);
    const jobs = keyed(job('theirs', { mine: false }));
    assert.equal(idsOf(stateWith({ printers, jobs }, 'printers')), [
      'heading printers',
      'printer u',
      'heading theirs',
      'job-theirs',
    ]);
  });

  it('are those that hold every word of the filter, whatever their case', () => {
    const peers = keyed(peer('Bruno PC', { addresses: ['10.0.0.7:1'] }), peer('Bruno Mac'), peer('Ana PC'));
    const filtered = stateWith({ peers }, 'peers', 'pc bru');
    assert.equal(idsOf(filtered), ['id-Bruno PC']);
    assert.is(countOf(filtered, 'peers'), 3);
    assert.equal(idsOf(stateWith({ peers }, 'peers', '10.0.0.7')), ['id-Bruno PC']);
  });

  it('are the same reference while nothing they are made of changed', () => {
    const state = stateWith({ peers: keyed(peer('a')) }, 'peers');
    const later = { ...state, ui: { ...state.ui, now: NOW + 1 } };
    assert.is(rowsOf(state, 'peers'), rowsOf(later, 'peers'));
  });
});

const row = (id: string): ListRow => ({ kind: 'peer', id, peer: peer(id) });

const heading = (id: string): ListRow => ({ kind: 'heading', id, text: id, note: '' });

spec('cursor', (it) => {
  const rows = [heading('h1'), row('a'), row('b'), heading('h2'), row('c')];

  it('stands on the row that was chosen, wherever that is now', () => {
    assert.is(selectedIndex(rows, { id: 'b', index: 4 }), 2);
    assert.is(selectedIndex([row('new'), ...rows], { id: 'b', index: 2 }), 3);
  });

  it('stands on what took the place of a row that is gone', () => {
    assert.is(selectedIndex(rows, { id: 'gone', index: 2 }), 2);
    assert.is(selectedIndex(rows, { id: 'gone', index: 3 }), 4);
    assert.is(selectedIndex(rows, { id: 'gone', index: 99 }), 4);
    assert.is(selectedIndex([row('a'), heading('h')], { id: 'gone', index: 1 }), 0);
    assert.is(selectedIndex([], { id: 'gone', index: 1 }), -1);
  });

  it('steps over headings and stops at both ends', () => {
    const start = { id: 'b', index: 2 };
    assert.is(movedCursor(rows, start, 1).id, 'c');
    assert.is(movedCursor(rows, start, 99).id, 'c');
    assert.is(movedCursor(rows, start, -99).id, 'a');
    assert.equal(movedCursor([], start, 1), start);
  });

  it('jumps from part to part and round', () => {
    assert.is(nextSection(rows, { id: 'a', index: 1 }).id, 'c');
    assert.is(nextSection(rows, { id: 'c', index: 4 }).id, 'a');
  });

  it('never stands on a heading', () => {
    const any = fc.array(fc.oneof(fc.constant(heading('h')), fc.string().map(row)), { maxLength: 20 });
    fc.assert(
      fc.property(any, fc.string(), fc.nat(30), fc.integer({ min: -30, max: 30 }), (list, id, index, by) => {
        const cursor = movedCursor(list, { id, index }, by);
        const at = selectedIndex(list, cursor);
        assert.is(
          at === -1,
          list.every((entry) => entry.kind === 'heading'),
        );
        if (at >= 0) assert.is.not(list[at]?.kind, 'heading');
      }),
    );
  });

  it('is the selected row of the screen', () => {
    const state = stateWith({ peers: keyed(peer('b'), peer('a')) }, 'peers');
    assert.is(selectedRow(state)?.id, 'id-a');
    assert.is(selectedRow(stateWith({}, 'peers')), null);
  });
});
