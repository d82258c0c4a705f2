/** The whole screen: which lines stand where. Everything it shows comes from the store. */
import { Box } from 'ink';
import { stageOf } from '../store/select.js';
import { topDialog, type AppState } from '../store/state.js';
import { useAppState, useKeys, useSuspension, useTheme } from './hooks.js';
import { COLUMNS_MIN, layout, ROWS_MIN, type Layout } from './layout.js';
import { fill, fitLine, inTone, line, type Line } from './line.js';
import { activityView } from './screens/activity.js';
import { browseView } from './screens/browse.js';
import { dialogView } from './screens/dialogs.js';
import { noAgentLines } from './screens/no-agent.js';
import { peersView } from './screens/peers.js';
import { printersView } from './screens/printers.js';
import type { ScreenView } from './screens/screen.js';
import { setupLines } from './screens/setup.js';
import { transfersView } from './screens/transfers.js';
import { helpLine, messageLine, ruleLine, tabsLine, titleLine } from './widgets/chrome.js';
import { Rows } from './widgets/rows.js';

/** The message and the keys. */
const LINES_BELOW = 2;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export function App({ columns, rows }: Size): React.ReactNode {
  const state = useAppState();
  const { isAscii } = useTheme();
  useKeys();
  useSuspension();
  const frame = layout(columns, rows);
  const dialog = topDialog(state);
  const covering = dialog === null || frame.mode === 'tiny' ? null : dialogView(state, dialog, frame, isAscii);
  const lines = frameLines(state, frame);
  return (
    <Box width={frame.width} height={frame.height} overflow="hidden">
      <Rows lines={covering === null ? lines : behind(lines)} />
      {covering === null ? null : (
        <Box position="absolute" left={covering.at.x} top={covering.at.y}>
          <Rows lines={covering.lines} />
        </Box>
      )}
    </Box>
  );
}

/** What is covered gives way to what covers it; message and keys belong to that. */
function behind(lines: readonly Line[]): readonly Line[] {
  return lines.map((spans, index) => (index < lines.length - LINES_BELOW ? inTone(spans, 'faint') : spans));
}

/** Exactly as many lines as the frame is high, each exactly as wide. */
function frameLines(state: AppState, frame: Layout): readonly Line[] {
  const { width, height } = frame;
  if (frame.mode === 'tiny') {
    const wanted = `Make the window larger: ${COLUMNS_MIN}x${ROWS_MIN} at least.`;
    return fill([line(wanted)], height).map((spans) => fitLine(spans, width));
  }
  const stage = stageOf(state);
  const { setup } = state.ui;
  if (stage !== 'main') {
    const below = [ruleLine(width), messageLine(state, [], width), helpLine(state, width)];
    const room = height - below.length;
    const isSetup = stage === 'setup' && setup !== null;
    const lines = isSetup ? setupLines(state, setup, width, room) : noAgentLines(state, frame);
    return [...fill(lines, room), ...below].map((spans) => fitLine(spans, width));
  }
  const view = screenView(state, frame);
  return [
    titleLine(state, frame),
    tabsLine(state, frame),
    ruleLine(width),
    ...(state.agent.link === 'lost' ? view.body.map((spans) => inTone(spans, 'faint')) : view.body),
    ruleLine(width, view.status),
    messageLine(state, view.hint, width),
    helpLine(state, width),
  ].map((spans) => fitLine(spans, width));
}

function screenView(state: AppState, frame: Layout): ScreenView {
  switch (state.ui.screen) {
    case 'peers':
      return peersView(state, frame);
    case 'browse':
      return browseView(state, frame);
    case 'transfers':
      return transfersView(state, frame);
    case 'printers':
      return printersView(state, frame);
    case 'activity':
      return activityView(state, frame);
    default:
      return state.ui.screen satisfies never;
  }
}
