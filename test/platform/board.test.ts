/** The board: numbered changes, nothing for an unchanged row, and going on after a gap. */
import * as assert from 'uvu/assert';
import { Board } from '../../agent/platform/board.js';
import { WATCH_RING_COUNT } from '../../protocol/limits.js';
import type { NoticeRow } from '../../protocol/local/model.js';
import { spec } from '../support/spec.js';

const notice = (id: number, text = 'hello'): NoticeRow => ({ id: `${id}`, at: '', level: 'info', text, code: null });

spec('board', (it) => {
  it('numbers changes and tells them to subscribers', () => {
    const board = new Board();
    const seen: string[] = [];
    const stop = board.subscribe((change) => seen.push(`${change.seq} ${change.type} ${change.key}`));
    board.put('notices', '1', notice(1));
    board.put('notices', '1', notice(1));
    board.put('notices', '1', notice(1, 'other'));
    board.delete('notices', '1');
    board.delete('notices', '1');
    stop();
    board.put('notices', '2', notice(2));
    assert.equal(seen, ['1 put 1', '2 put 1', '3 del 1']);
    assert.is(board.seq, 4);
  });

  it('gives what followed a number, or null when that is not kept or lies ahead', () => {
    const board = new Board();
    assert.equal(board.since(0), []);
    for (let id = 1; id <= 3; id++) board.put('notices', `${id}`, notice(id));
    assert.equal(
      board.since(1)?.map((change) => change.seq),
      [2, 3],
    );
    assert.equal(board.since(3), []);
    assert.is(board.since(4), null);
    for (let id = 4; id <= WATCH_RING_COUNT + 4; id++) board.put('notices', `${id}`, notice(id));
    assert.is(board.since(1), null);
    assert.is(board.since(4)?.length, WATCH_RING_COUNT);
  });
});
