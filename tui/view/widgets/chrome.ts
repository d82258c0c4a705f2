/** What stands above and below every screen: title, tabs, the message line and the line of keys. Pure. */
import { badgeOf, onlineCount, selfOf } from '../../store/select.js';
import { countOf as rowCount, positionIn, rowsOf } from '../../store/rows.js';
import { SCREENS, topDialog, type AppState, type Screen } from '../../store/state.js';
import { rate } from '../../units.js';
import { helpLineBindings, keySign } from '../../keys/catalogue.js';
import { widthOf } from '../format.js';
import type { Layout } from '../layout.js';
import { fitLine, line, lineWidth, span, spread, type Line, type Span } from '../line.js';
import { TOAST_SIGNS } from '../signs.js';
import { fieldLine } from './text-field.js';

const NAMES: Readonly<Record<Screen, string>> = {
  peers: 'Peers',
  browse: 'Browse',
  transfers: 'Transfers',
  printers: 'Printers',
  activity: 'Activity',
};

/** Workgroup at the left; this PC, who is online and how much flows at the right. */
export function titleLine(state: AppState, frame: Layout): Line {
  const self = selfOf(state);
  const group = self?.workgroup?.name ?? 'Potluck';
  if (state.agent.link === 'lost') {
    return spread([span(` ${group}`, 'strong')], line('the agent is away · reconnecting… ', 'warn'), frame.width);
  }
  const flow =
    self === null || (self.rateDown === 0 && self.rateUp === 0)
      ? ''
      : `↓ ${rate(self.rateDown)} ↑ ${rate(self.rateUp)}`;
  const online = `${onlineCount(state)} online`;
  const forms = [[self?.name ?? '', online, flow], [online, flow], [online]].map((parts): Line => {
    return [span('  '), span(`${parts.filter(Boolean).join(' · ')} `, 'faint')];
  });
  const left = [span(` ${group}`, 'strong')];
  const right = forms.find((form) => lineWidth(left) + lineWidth(form) <= frame.width) ?? forms.at(-1) ?? [];
  return spread(left, right, frame.width);
}

/** The screens with their number keys, and how much is under way on each. */
export function tabsLine(state: AppState, frame: Layout): Line {
  const forms = [tabs(state, ' ', NAME_MAX), ...[NAME_MAX, 5, 4, 3].map((letters) => tabs(state, '', letters))];
  return fitLine(forms.find((form) => lineWidth(form) <= frame.width) ?? [], frame.width);
}

/** Longer than any name of a screen. */
const NAME_MAX = 20;

/** @param letters  how many of each name are shown */
function tabs(state: AppState, gap: string, letters: number): Line {
  return SCREENS.flatMap((screen, index): Span[] => {
    const badge = badgeOf(state, screen);
    const isHere = screen === state.ui.screen;
    const count = badge === 0 ? '' : `${gap === '' ? ':' : ' '}${badge}`;
    const text = `${index + 1}${gap}${NAMES[screen].slice(0, letters)}${count}`;
    return [span(' '), span(isHere ? `▸${text}` : ` ${text}`, isHere ? 'accent' : 'plain'), span(gap)];
  });
}

/** A rule, with where the cursor is at its right end. */
export function ruleLine(width: number, status = ''): Line {
  if (status === '') return line('─'.repeat(width), 'faint');
  const room = Math.max(0, width - widthOf(status) - 4);
  return fitLine([span('─'.repeat(room), 'faint'), span(` ${status} `), span('──', 'faint')], width);
}

/** One line: the filter that is being typed, else the toast, else why the selected row is as it is. */
export function messageLine(state: AppState, hint: Line, width: number): Line {
  const dialog = topDialog(state);
  if (dialog?.type === 'filter') {
    const { screen } = state.ui;
    const found = positionIn(rowsOf(state, screen), -1).count;
    const count = span(`  ${found} of ${rowCount(state, screen)} `, 'faint');
    const room = width - lineWidth([count]) - 3;
    return [span(' / ', 'accent'), ...fieldLine(dialog.field, room, true), count];
  }
  const { toast } = state.ui;
  if (toast === null) return fitLine([span(' '), ...hint], width);
  const { sign, tone } = TOAST_SIGNS[toast.level];
  const code = toast.code === null ? [] : [span(` [${toast.code}] `, 'faint')];
  const said: Line = [span(` ${sign} `, tone), span(toast.text, toast.level === 'error' ? tone : 'plain')];
  return spread(said, code, width);
}

/** As many keys as fit, the most useful first; what cannot be used now is left out. */
export function helpLine(state: AppState, width: number): Line {
  const parts: Span[] = [span(' ')];
  let room = width - 2;
  for (const { keys, label } of helpLineBindings(state)) {
    const key = keySign(keys[0] ?? '');
    const needed = widthOf(key) + widthOf(label) + 1 + (parts.length > 1 ? 3 : 0);
    if (needed > room) continue;
    if (parts.length > 1) parts.push(span(' · ', 'faint'));
    parts.push(span(key, 'strong'), span(` ${label}`));
    room -= needed;
  }
  return fitLine(parts, width);
}
