/** Activity: what happened, told by the agent, and what this session did, the newest first. */
import type { NoticeRow } from '../../../protocol/local/model.js';
import type { RowOf } from '../../store/rows.js';
import type { AppState } from '../../store/state.js';
import { clock, day } from '../../units.js';
import type { Layout } from '../layout.js';
import { line, span, type Line } from '../line.js';
import { NOTICE_SIGNS } from '../signs.js';
import { rowMark } from './peers.js';
import { keysLine, listScreen, type ScreenView } from './screen.js';

export function activityView(state: AppState, frame: Layout): ScreenView {
  const { now } = state.ui;
  return listScreen<RowOf<'notice'>>(state, frame, {
    screen: 'activity',
    head: null,
    heading: (row) => line(row.text),
    rowHeight: 1,
    rowLines: ({ notice }, isSelected) => [noticeLine(notice, isSelected, now)],
    empty: [
      line('Nothing has happened yet.', 'strong'),
      line(''),
      keysLine('Here stands who came and went, what was fetched and printed, and what failed.'),
    ],
    hint: ({ notice }) => (notice.code === null ? [] : line(`[${notice.code}] · enter shows the whole text`, 'faint')),
  });
}

function noticeLine(notice: NoticeRow, isSelected: boolean, now: number): Line {
  const { sign, tone } = NOTICE_SIGNS[notice.level];
  const when = day(notice.at, now);
  const at = when === clock(notice.at) ? when : `${when} ${clock(notice.at)}`;
  return [
    span(rowMark(isSelected, false)),
    span(at.padEnd(13), 'faint'),
    span(`${sign} `, tone),
    span(notice.text),
    ...(notice.code === null ? [] : [span(` [${notice.code}]`, 'faint')]),
  ];
}
