/** The table of keys, and what is made of it. */
import * as assert from 'uvu/assert';
import { helpLineBindings, helpRows, paletteEntries } from '../../../tui/keys/catalogue.js';
import { activeBindings, dispatch, placesOf } from '../../../tui/keys/dispatch.js';
import { KEYMAP, type PlaceName } from '../../../tui/keys/keymap.js';
import { EMPTY_FIELD, fieldOf, type Key } from '../../../tui/store/field.js';
import { reduce, type Action } from '../../../tui/store/reduce.js';
import { FIRST_SETUP, initialState, type AppState, type Dialog, type Screen } from '../../../tui/store/state.js';
import { download, job, NOW, peer, printer, self, type Rows } from '../../support/fake-office.js';
import { FakeClient } from '../../support/fake-client.js';
import { spec } from '../../support/spec.js';

const DIALOG_KEYS: readonly PlaceName[] = ['filter', 'confirm', 'palette', 'help', 'text', 'invite', 'prompt', 'print'];

const key = (name: string): Key => ({ name, text: name.length === 1 ? name : '' });

/** A live state with these rows, on a screen, after these actions. */
async function stateWith(rows: Rows, screen: Screen, ...actions: readonly Action[]): Promise<AppState> {
  const stop = new AbortController();
  const client = new FakeClient({ self: [self()], ...rows });
  const watch = client.watch(null, stop.signal);
  const { value: event } = await watch.next();
  stop.abort();
  await watch.return(undefined);
  const first = reduce(initialState(NOW), { type: 'event', event, now: NOW });
  return [{ type: 'screen', screen } as Action, ...actions].reduce(reduce, first);
}

const opened = (dialog: Dialog): Action => ({ type: 'open', dialog });
const outcome = (state: AppState, name: string): string => {
  const result = dispatch(state, key(name));
  if (result.type === 'command') return result.command;
  return result.type === 'refused' ? `refused: ${result.reason}` : result.type;
};

spec('keymap', (it) => {
  it('gives no key two meanings in one place', () => {
    for (const place of new Set(KEYMAP.map((binding) => binding.place))) {
      const keys = KEYMAP.filter((binding) => binding.place === place).flatMap((binding) => binding.keys);
      assert.is(new Set(keys).size, keys.length, place);
    }
  });

  it('never gives the key of a verb another meaning on another screen', () => {
    const lists = new Set<PlaceName>(['peers', 'browse', 'transfers', 'printers', 'activity']);
    const meanings: Readonly<Record<string, RegExp>> = {
      d: /download/,
      p: /print/,
      s: /pause/,
      o: /share/,
      x: /remove|cancel/,
      i: /invite/,
      y: /path/,
      r: /retry|reload/,
      n: /add/,
      a: /mark/,
    };
    for (const binding of KEYMAP.filter((known) => lists.has(known.place))) {
      for (const name of binding.keys) {
        const meaning = meanings[name];
        if (meaning !== undefined) assert.match(binding.command, meaning, `${name} on ${binding.place}`);
      }
    }
  });

  it('can leave every overlay with esc, and the whole UI with ctrl+c from everywhere', () => {
    for (const place of DIALOG_KEYS) {
      assert.ok(
        KEYMAP.some((binding) => binding.place === place && binding.keys.includes('esc')),
        place,
      );
      assert.ok(activeBindings([place, 'anywhere']).some((binding) => binding.command === 'app.quit'));
    }
  });

  it('never leaves the UI with esc', () => {
    assert.equal(
      KEYMAP.filter((binding) => binding.keys.includes('esc') && binding.command === 'app.quit'),
      [],
    );
  });

  it('has labels that fit the help line and sentences for the rest', () => {
    for (const { label, help } of KEYMAP) {
      assert.ok(label.length > 0 && label.split(' ').length <= 2, label);
      assert.match(help, /^[A-Z]/);
    }
  });

  it('lets a nearer place hide the keys of a farther one', () => {
    const commands = activeBindings(['browse', 'list', 'global']).filter((binding) => binding.keys.includes('esc'));
    assert.equal(
      commands.map((binding) => binding.command),
      ['browse.up'],
    );
  });
});

const setup = (change: object): Action => ({ type: 'setup', setup: { ...FIRST_SETUP, ...change } });

spec('dispatch', (it) => {
  it('finds the command of a key on its screen', async () => {
    const state = await stateWith({ peers: [peer('bruno')] }, 'peers');
    assert.equal(placesOf(state), ['peers', 'list', 'global', 'anywhere']);
    assert.is(outcome(state, 'enter'), 'peer.browse');
    assert.is(outcome(state, 'j'), 'list.down');
    assert.is(outcome(state, '3'), 'screen.transfers');
    assert.is(outcome(state, 'Z'), 'nothing');
  });

  it('gives the keys to the topmost overlay only', async () => {
    const text: Dialog = { type: 'text', title: '', lines: [], index: 0 };
    const state = await stateWith({ peers: [peer('bruno')] }, 'peers', opened(text));
    assert.is(outcome(state, '3'), 'nothing');
    assert.is(outcome(state, 'q'), 'dialog.close');
    assert.is(outcome(state, 'ctrl+c'), 'app.quit');
  });

  it('gives letters and editing keys to a text field, other keys to commands', async () => {
    const state = await stateWith({}, 'peers', opened({ type: 'palette', field: EMPTY_FIELD, index: 0 }));
    for (const name of ['q', '?', '3', 'left', 'backspace', 'ctrl+u', 'ctrl+w', 'paste']) {
      assert.is(outcome(state, name), 'typed', name);
    }
    assert.is(outcome(state, 'down'), 'dialog.down');
    assert.is(outcome(state, 'enter'), 'palette.run');
  });

  it('moves the cursor in the path of a print, and changes the value on its other lines', async () => {
    const form = {
      file: fieldOf('a'),
      remote: null,
      printer: 'u',
      copies: 1,
      sides: 'default',
      color: 'default',
    } as const;
    const print = (focus: number): Dialog => ({
      type: 'print',
      form: { ...form, focus },
      suggestions: [],
      isBusy: false,
      problem: null,
    });
    assert.is(outcome(await stateWith({}, 'printers', opened(print(0))), 'right'), 'typed');
    assert.is(outcome(await stateWith({}, 'printers', opened(print(2))), 'right'), 'print.more');
    assert.is(outcome(await stateWith({}, 'printers', opened(print(2))), 'z'), 'nothing');
  });

  it('types spaces into a field of set-up and ticks with them elsewhere', async () => {
    const space = { name: 'space', text: ' ' };
    const folders = [{ id: 'a', label: 'a', isOn: false }];
    const naming = await stateWith({ self: [self({ workgroup: null })] }, 'peers', setup({ step: 'name' }));
    assert.is(dispatch(naming, space).type, 'typed');
    const ticking = await stateWith(
      { self: [self({ workgroup: null })] },
      'peers',
      setup({ step: 'folders', folders }),
    );
    assert.equal(dispatch(ticking, space), { type: 'command', command: 'setup.tick' });
  });
});

spec('reasons', (it) => {
  const refusals: ReadonlyArray<readonly [string, Rows, Screen, string, string]> = [
    ['an offline coworker', { peers: [peer('b', { state: 'offline' })] }, 'peers', 'enter', 'b is offline'],
    ['a blocked coworker', { peers: [peer('b', { state: 'blocked' })] }, 'peers', 'enter', 'b is blocked on this PC'],
    ['nobody', {}, 'peers', 'x', 'There is no coworker to remove'],
    ['a reachable coworker', { peers: [peer('b')] }, 'peers', 'r', 'b is online already'],
    ['no share open', { peers: [peer('b')] }, 'browse', 'd', 'Open a share and choose a file or folder first'],
    [
      'a finished transfer',
      { transfers: [download('f', 1, { state: 'done' })] },
      'transfers',
      'x',
      'This transfer is over',
    ],
    [
      'an upload',
      { transfers: [download('f', 1, { direction: 'up' })] },
      'transfers',
      's',
      'A coworker fetches this; pause it there',
    ],
    ['a healthy download', { transfers: [download('f', 0)] }, 'transfers', 'r', 'Nothing of this has failed'],
    ['no printer', {}, 'printers', 'p', 'No printer is shared yet, and this PC has none'],
    ['another PC’s printer', { printers: [printer('HP')] }, 'printers', 'o', 'This printer belongs to bruno-pc'],
    ['a finished job', { jobs: [job('j', { state: 'completed' })] }, 'printers', 'x', 'This job is over'],
    ['a list in one part', { peers: [peer('b')] }, 'peers', 'tab', 'This list has no parts'],
  ];
  for (const [what, rows, screen, name, reason] of refusals) {
    it(`say why ${name} does nothing: ${what}`, async () => {
      assert.is(outcome(await stateWith(rows, screen), name), `refused: ${reason}`);
    });
  }

  it('let a failed download be cancelled: its part is still here', async () => {
    const state = await stateWith({ transfers: [download('f', 0.5, { state: 'failed' })] }, 'transfers');
    assert.is(outcome(state, 'x'), 'transfer.cancel');
  });
});

const labels = (state: AppState): string[] => helpLineBindings(state).map((binding) => binding.label);

spec('catalogue', (it) => {
  it('names on the help line what works now, the most useful first', async () => {
    const peers = [peer('b')];
    assert.equal(labels(await stateWith({ peers }, 'peers')).slice(0, 3), ['browse', 'invite', 'remove']);
    const away = [peer('b', { state: 'offline' })];
    assert.is(labels(await stateWith({ peers: away }, 'peers'))[0], 'invite');
  });

  it('finds a command by its letters and puts what cannot be used last', async () => {
    const state = await stateWith({ peers: [peer('b')], printers: [printer('HP')] }, 'peers');
    const [first] = paletteEntries(state, 'rename').concat(paletteEntries(state, 'anoth name'));
    assert.is(first?.binding.command, 'agent.rename');
    const entries = paletteEntries(state, 'print');
    const firstRefused = entries.findIndex((entry) => entry.reason !== null);
    assert.ok(entries.slice(firstRefused).every((entry) => entry.reason !== null));
    assert.equal(paletteEntries(state, 'zzzz'), []);
  });

  it('offers every command of the palette once', async () => {
    const commands = paletteEntries(await stateWith({}, 'peers'), '').map((entry) => entry.binding.command);
    assert.is(new Set(commands).size, commands.length);
    for (const command of ['peer.connect', 'printer.add', 'printer.tray', 'workgroup.leave', 'agent.about'] as const) {
      assert.ok(commands.includes(command), command);
    }
  });

  it('shows the keys of this screen first, and finds keys by what they do', async () => {
    const state = await stateWith({}, 'transfers');
    assert.equal(helpRows(state, '')[0], { type: 'title', text: 'Transfers' });
    const found = helpRows(state, 'download').flatMap((row) => (row.type === 'key' ? row.binding.command : []));
    assert.equal(found, ['browse.download']);
  });
});
