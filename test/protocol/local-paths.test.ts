/** Where agent and client look for each other: the same answer from different environments of one user. */
import * as assert from 'uvu/assert';
import type { PotluckError } from '../../protocol/errors.js';
import { localPaths, type Surroundings } from '../../protocol/local/paths.js';
import { spec } from '../support/spec.js';

const linux = (env: Surroundings['env'] = {}, uid = 1000): Surroundings => ({
  platform: 'linux',
  env,
  userHome: '/home/ana',
  uid,
});

const sockets = (around: Surroundings): string[] => localPaths(around).places.map(({ socket }) => socket);

const home = (around: Partial<Surroundings>): string => localPaths({ ...linux(), ...around }).home;

function code(around: Surroundings): string {
  try {
    return localPaths(around).home;
  } catch (thrown) {
    return (thrown as PotluckError).code;
  }
}

spec('places of an agent', (it) => {
  it('keeps everything in the data folder of the platform', () => {
    assert.is(home({}), '/home/ana/.local/state/potluck');
    assert.is(home({ env: { XDG_STATE_HOME: '/data' } }), '/data/potluck');
    assert.is(home({ env: { XDG_STATE_HOME: 'relative' } }), '/home/ana/.local/state/potluck');
    assert.is(home({ platform: 'darwin' }), '/home/ana/Library/Application Support/potluck');
    assert.is(
      home({ platform: 'win32', env: { LOCALAPPDATA: 'C:\\Users\\ana\\AppData\\Local' } }),
      'C:\\Users\\ana\\AppData\\Local\\potluck',
    );
    assert.is(home({ env: { POTLUCK_HOME: '/srv/a b/' } }), '/srv/a b');
  });

  it('finds the socket first in the home, whatever else the environment says', () => {
    const desktop = sockets(linux({ XDG_RUNTIME_DIR: '/run/user/1000' }));
    const cron = sockets(linux());
    assert.is(desktop[0], '/home/ana/.local/state/potluck/run/agent.sock');
    assert.equal(desktop, cron);
  });

  it('names two homes apart where they share a folder', () => {
    const [one, other] = ['/a', '/b'].map((folder) => sockets(linux({ POTLUCK_HOME: folder })).at(-1));
    assert.is.not(one, other);
    assert.match(one ?? '', /^\/tmp\/potluck-1000\/agent-[0-9a-f]{16}\.sock$/);
  });

  it('never names a socket that a kernel would cut', () => {
    const long = linux({ POTLUCK_HOME: `/${'ü'.repeat(60)}`, XDG_RUNTIME_DIR: `/${'x'.repeat(200)}` });
    const found = sockets(long);
    assert.ok(found.length > 0);
    for (const socket of found) assert.ok(Buffer.byteLength(socket) <= 103, socket);
  });

  it('does not use a runtime folder that root may have inherited', () => {
    const found = sockets(linux({ XDG_RUNTIME_DIR: '/run/user/1000' }, 0));
    assert.equal(
      found.filter((socket) => socket.startsWith('/run/user')),
      [],
    );
  });

  it('names one pipe on Windows', () => {
    const { places } = localPaths({ platform: 'win32', env: {}, userHome: 'C:\\Users\\ana', uid: -1 });
    assert.is(places.length, 1);
    assert.is(places[0]?.folder, null);
    assert.match(places[0]?.socket ?? '', /^\\\\\.\\pipe\\potluck-[0-9a-f]{16}$/);
  });

  it('refuses a home that is not absolute, and a user without a folder', () => {
    assert.is(code(linux({ POTLUCK_HOME: 'x' })), 'USAGE');
    assert.is(code({ ...linux(), userHome: '' }), 'USAGE');
    assert.is(code({ platform: 'win32', env: { POTLUCK_HOME: '\\x' }, userHome: 'C:\\a', uid: -1 }), 'USAGE');
  });
});
