/** Puts the UI on a terminal: store, agent, keys and Ink, wired; and takes it off again. */
import { render, type Instance } from 'ink';
import type { Readable, Writable } from 'node:stream';
import type { LocalPaths } from '../../protocol/local/paths.js';
import type { AgentClient } from '../client/agent-client.js';
import { press } from '../keys/commands.js';
import type { LocalFiles } from '../keys/local-files.js';
import { followCursor } from '../keys/pager.js';
import { Shell } from '../keys/shell.js';
import type { AppStore } from '../store/app-store.js';
import { goingOn } from '../store/select.js';
import { followAgent, type SyncClock } from '../store/sync.js';
import { countOf } from '../units.js';
import { App, type Size } from './app.js';
import { UiContext, type Suspend, type Ui } from './hooks.js';
import { borrowTerminal, stopProcess, type Borrowed } from './terminal.js';
import { themeOf, type Environment } from './theme.js';

/** How often the clock of the screen is looked at; what depends on it is drawn only when it changes. */
const CLOCK_MS = 1_000;
const FRAMES_PER_SECOND_MAX = 30;

export type TerminalOut = Writable & { readonly columns?: number; readonly rows?: number; readonly isTTY?: boolean };

export interface MountOptions {
  readonly client: AgentClient;
  readonly paths: LocalPaths;
  readonly files: LocalFiles;
  readonly store: AppStore;
  readonly clock: SyncClock;
  /** Starts an agent in the background; resolves when it answers. */
  readonly startAgent: (signal: AbortSignal) => Promise<unknown>;
  readonly env: Environment;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: TerminalOut;
}

export interface Mounted {
  /** Resolves with what to tell the person afterwards, or nothing; rejects when drawing failed. */
  readonly ended: Promise<string>;
  /** Takes it off, from outside. */
  close(): void;
  /** Resolves when everything that changed so far is on the screen. */
  flushed(): Promise<void>;
}

export function mountUi(options: MountOptions): Mounted {
  const { client, store, clock, stdin, stdout } = options;
  const life = new AbortController();
  let farewell = '';
  let suspend: Suspend | null = null;

  const shell = new Shell({
    store,
    client,
    files: options.files,
    paths: options.paths,
    startAgent: async (signal) => void (await options.startAgent(signal)),
    now: clock.now,
    signal: life.signal,
    terminal: {
      size: () => sizeOf(stdout),
      suspend: process.platform === 'win32' ? null : async () => suspend?.(stopProcess),
      leave: (text) => {
        farewell = text;
        terminal.giveBack();
      },
    },
  });
  const drawing = draw(options, {
    store,
    theme: themeOf(options.env),
    onKey: (key) => press(shell, key),
    onSuspendable: (given) => (suspend = given),
  });
  const terminal = borrowTerminal(stdin, stdout, () => {
    life.abort();
    drawing.unmount();
  });
  keepTitle(store, terminal, life.signal);
  const ticking = setInterval(() => store.dispatch({ type: 'tick', now: clock.now() }, 'now'), CLOCK_MS);
  const stopPaging = followCursor(shell);
  const following = followAgent(client, store, clock, life.signal);

  const untilEnd = async (): Promise<string> => {
    try {
      await drawing.waitUntilExit();
      return farewell;
    } finally {
      terminal.giveBack();
      clearInterval(ticking);
      stopPaging();
      await following;
    }
  };
  return { ended: untilEnd(), close: terminal.giveBack, flushed: () => drawing.waitUntilRenderFlush() };
}

/** Hands the screen to Ink, on a terminal whose size may change. */
function draw(
  { stdin, stdout }: MountOptions,
  ui: Ui,
): Pick<Instance, 'unmount' | 'waitUntilExit' | 'waitUntilRenderFlush'> {
  const picture = (): React.ReactNode => (
    <UiContext value={ui}>
      <App {...sizeOf(stdout)} />
    </UiContext>
  );
  const instance = render(picture(), {
    stdin: stdin as NodeJS.ReadStream,
    stdout: stdout as NodeJS.WriteStream,
    exitOnCtrlC: false,
    alternateScreen: true,
    maxFps: FRAMES_PER_SECOND_MAX,
    // Only what changed is written, so nothing flickers where a terminal cannot hold a frame back.
    incrementalRendering: true,
    // Said outright: Ink draws nothing where it finds CI in the environment.
    interactive: true,
    // Nothing of ours prints while the UI is on, and there is no room above a frame that fills the screen.
    patchConsole: false,
  });
  // Before Ink's own listener, which draws what there is: lines made for another width would run over the edge.
  const onResize = (): void => instance.rerender(picture());
  stdout.prependListener('resize', onResize);
  const unmount = (): void => {
    stdout.off('resize', onResize);
    instance.unmount();
  };
  return { ...instance, unmount };
}

function sizeOf(stdout: TerminalOut): Size {
  return { columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 };
}

/** The tab of the terminal says how much is under way. */
function keepTitle(store: AppStore, terminal: Borrowed, signal: AbortSignal): void {
  const show = (): void => {
    const { transfers } = goingOn(store.getSnapshot());
    terminal.setTitle(transfers === 0 ? 'Potluck' : `Potluck: ${countOf(transfers, 'transfer')}`);
  };
  signal.addEventListener('abort', store.subscribe(show), { once: true });
  show();
}
