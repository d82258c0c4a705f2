/** First run: three questions, each of which can be answered with enter alone. */
import { selfOf } from '../../store/select.js';
import type { AppState, Setup } from '../../store/state.js';
import { wrap } from '../format.js';
import { fill, line, span, spread, type Line } from '../line.js';
import { labelledField } from '../widgets/text-field.js';
import { rowMark } from './peers.js';

const STEP_OF = { choose: 1, join: 1, create: 1, name: 2, folders: 3 } as const satisfies Record<Setup['step'], number>;
const INDENT = 3;
const LABEL_COLUMNS = 10;

/** The screen above its line of keys: `height` lines. What went wrong is shown even where room is short. */
export function setupLines(state: AppState, setup: Setup, width: number, height: number): readonly Line[] {
  const step = `${STEP_OF[setup.step]} of 3 `;
  const problem = problemLines(setup, width);
  const content = [
    spread([span(` ${titleOf(state, setup)}`, 'strong')], line(step, 'faint'), width),
    line(''),
    ...stepLines(state, setup, width),
    line(''),
  ];
  return fill([...content.slice(0, height - problem.length), ...problem], height);
}

function titleOf(state: AppState, setup: Setup): string {
  switch (setup.step) {
    case 'choose':
      return 'Welcome. This computer is not in a workgroup yet.';
    case 'join':
      return 'Join coworkers with a code';
    case 'create':
      return 'Start a new workgroup';
    case 'name':
      return `You are in ${selfOf(state)?.workgroup?.name ?? 'the workgroup'}. Name of this computer:`;
    case 'folders':
      return 'Which folders may coworkers see?';
    default:
      return setup.step satisfies never;
  }
}

function stepLines(state: AppState, setup: Setup, width: number): readonly Line[] {
  switch (setup.step) {
    case 'choose':
      return [
        ...option(setup.index === 0, 'Join coworkers', 'You have a code that somebody’s Potluck shows.', width),
        line(''),
        ...option(setup.index === 1, 'Start a new workgroup', 'You are the first; then you invite the others.', width),
      ];
    case 'join':
      return [
        field('Code', setup.code, setup.index === 0, width, 'XXXXX-XXXXX-XXXXX-XXXXX'),
        field('Address', setup.address, setup.index === 1, width, 'may stay empty'),
        line(''),
        ...explain('The code: a coworker presses i in Potluck, or types `potluck workgroup invite`.', width),
        ...explain('The address of that PC: only where PCs do not find each other by themselves.', width),
      ];
    case 'create':
      return [
        field('Name', setup.group, true, width, 'of your office, your team, your street'),
        line(''),
        ...explain(
          'Coworkers see this name when they join. Nothing leaves this network, and nobody is in charge.',
          width,
        ),
      ];
    case 'name':
      return [
        field('Name', setup.name, true, width, ''),
        line(''),
        ...explain(
          `Coworkers see it beside your folders and printers. Enter keeps ${selfOf(state)?.name ?? 'it'}.`,
          width,
        ),
      ];
    case 'folders':
      return folderLines(setup, width);
    default:
      return setup.step satisfies never;
  }
}

function folderLines(setup: Setup, width: number): readonly Line[] {
  const isOther = setup.index === setup.folders.length;
  return [
    ...setup.folders.map(({ label, isOn }, index) =>
      line(
        `${rowMark(index === setup.index, false)}[${isOn ? 'x' : ' '}] ${label}`,
        index === setup.index ? 'accent' : 'plain',
      ),
    ),
    [
      span(rowMark(isOther, false), isOther ? 'accent' : 'plain'),
      ...labelledField('Another:', LABEL_COLUMNS, setup.other, width - INDENT - 1, isOther, 'path of a folder'),
    ],
    ...setup.suggestions.map((name) => line(`${' '.repeat(INDENT + LABEL_COLUMNS)}${name}`, 'faint')),
    line(''),
    ...explain(
      'None unless ticked; coworkers can look and download, not change. You can add and stop any time.',
      width,
    ),
  ];
}

function option(isHere: boolean, title: string, about: string, width: number): readonly Line[] {
  return [
    line(`${rowMark(isHere, false)}${title}`, isHere ? 'accent' : 'plain'),
    ...wrap(about, width - INDENT - 3).map((text) => line(`${' '.repeat(INDENT + 2)}${text}`, 'faint')),
  ];
}

function field(label: string, value: Setup['code'], isHere: boolean, width: number, hint: string): Line {
  return [
    span(rowMark(isHere, false), isHere ? 'accent' : 'plain'),
    ...labelledField(`${label}:`, LABEL_COLUMNS, value, width - INDENT - 1, isHere, hint),
  ];
}

function explain(text: string, width: number): readonly Line[] {
  return wrap(text, width - INDENT - 1).map((part) => line(`${' '.repeat(INDENT)}${part}`, 'faint'));
}

function problemLines(setup: Setup, width: number): readonly Line[] {
  if (setup.busy !== null)
    return [[span(`   ◐ ${setup.busy}`, 'accent'), span('  esc', 'strong'), span(' stops', 'faint')]];
  if (setup.problem === null) return [];
  return wrap(setup.problem, width - 6).map((text, index) => line(`   ${index === 0 ? '✗' : ' '} ${text}`, 'bad'));
}
