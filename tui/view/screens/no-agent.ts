/** When there is no agent to show anything of: why, and what can be done about it. */
import type { AppState } from '../../store/state.js';
import { wrap } from '../format.js';
import type { Layout } from '../layout.js';
import { line, span, type Line } from '../line.js';
import { keysLine } from './screen.js';

export function noAgentLines(state: AppState, frame: Layout): readonly Line[] {
  const { link, because } = state.agent;
  if (link === 'starting') return [line(''), line('   Asking the agent…', 'faint')];
  const { startup } = state.ui;
  return [
    line(''),
    line(' The agent of this computer does not answer, so there is nothing to show.', 'strong'),
    ...wrap(because, frame.width - 2).map((text) => line(` ${text}`, 'faint')),
    line(''),
    ...(startup === null
      ? [
          keysLine('   ', 'enter', '  start it now'),
          keysLine('   ', 'l    ', '  last lines of its log'),
          keysLine('   ', 'q    ', '  leave'),
          line(''),
          ...wrap('`potluck service install` starts it at each log-in.', frame.width - 2).map((text) =>
            line(` ${text}`, 'faint'),
          ),
        ]
      : [[span(`   ◐ ${startup}`, 'accent')] satisfies Line]),
  ];
}
