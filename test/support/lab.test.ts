/** The lab itself: hosts that hear each other, cuts that cut, firewalls that block one direction, and no remains. */
import { readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { needLab, openLab, type Host } from './lab.js';
import { FIREWALL, firstReason, needPackages } from './packages.js';
import { must, start, until } from './process.js';
import { spec, type Case } from './spec.js';

/** Roomy: a busy machine takes seconds to make namespaces and start programs in them. */
const LIMIT_MS = 60_000;
const GROUP = '224.0.0.251';
/** Joins the group, answers each datagram to whoever sent it, says when it listens. */
const LISTEN = `
  const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (data, from) => socket.send('pong', from.port, from.address));
  socket.bind(5353, () => { socket.addMembership('${GROUP}'); console.log('listening'); });`;
/** Sends one datagram to the group and prints who answered within the time, sorted. */
const ASK = `
  const socket = require('node:dgram').createSocket('udp4');
  const heard = new Set();
  const wanted = Number(process.argv[1]);
  const done = () => { console.log([...heard].sort().join(' ')); process.exit(0); };
  socket.on('message', (_, from) => { heard.add(from.address); if (heard.size === wanted) done(); });
  socket.bind(0, () => socket.send('ping', 5353, '${GROUP}'));
  setTimeout(done, Number(process.argv[2]));`;
const SERVE = `require('node:net').createServer((socket) => socket.on('error', () => {}).pipe(socket))
  .listen(7000, () => console.log('listening'));`;
/** Connects and waits for its own word to come back; exit 0 when it did. */
const CONNECT = `
  const socket = require('node:net').connect(7000, process.argv[1]);
  socket.setTimeout(Number(process.argv[2]), () => process.exit(1));
  socket.on('error', () => process.exit(1)).on('connect', () => socket.write('word'));
  socket.on('data', () => process.exit(0));`;

async function listen(host: Host): Promise<void> {
  await (await host.spawn(process.execPath, ['-e', LISTEN])).line(/listening/);
}

/** Who answers to a multicast of the host: as many as are wanted, or those that did within the limit. */
async function heardBy(host: Host, wanted: number, limitMs = 5000): Promise<string> {
  return (await host.must(process.execPath, ['-e', ASK, String(wanted), String(limitMs)])).trim();
}

async function reaches(from: Host, to: string, limitMs = 5000): Promise<boolean> {
  return (await from.exec(process.execPath, ['-e', CONNECT, to, String(limitMs)])).code === 0;
}

async function openPair(t: Case): Promise<[Host, Host]> {
  const lab = await openLab(t, { hosts: 2 });
  return [lab.host(1), lab.host(2)];
}

const needs = needLab;
const needsFirewall = (): string | null => firstReason(needLab, () => needPackages(FIREWALL));

spec('lab', (it) => {
  it(
    'lets hosts hear each other by multicast, with no default route',
    async (t) => {
      const lab = await openLab(t, { hosts: 3 });
      await Promise.all([listen(lab.host(2)), listen(lab.host(3))]);
      assert.is(await heardBy(lab.host(1), 2), '10.77.0.2 10.77.0.3');
    },
    { needs, limitMs: LIMIT_MS },
  );

  it(
    'cuts a host off and joins it again',
    async (t) => {
      const [ana, bruno] = await openPair(t);
      await listen(bruno);
      await bruno.cut();
      assert.is(await heardBy(ana, 1, 300), '');
      await bruno.join();
      assert.is(await until('bruno is heard again', () => heardBy(ana, 1, 300)), bruno.address);
    },
    { needs, limitMs: LIMIT_MS },
  );

  for (const blocked of ['in', 'out'] as const) {
    it(
      `blocks new connections one way only, ${blocked}, and no multicast`,
      async (t) => {
        const [ana, bruno] = await openPair(t);
        for (const host of [ana, bruno]) await (await host.spawn(process.execPath, ['-e', SERVE])).line(/listening/);
        await listen(ana);
        await ana.firewall(blocked);
        assert.is(await reaches(bruno, ana.address, blocked === 'in' ? 500 : 5000), blocked === 'out');
        assert.is(await reaches(ana, bruno.address, blocked === 'out' ? 500 : 5000), blocked === 'in');
        assert.ok(await reaches(ana, '127.0.0.1'), 'its own loopback goes on');
        assert.is(await heardBy(bruno, 1), ana.address);
        await ana.firewall('none');
        assert.ok(
          (await reaches(bruno, ana.address)) && (await reaches(ana, bruno.address)),
          'both ways once it is off',
        );
      },
      { needs: needsFirewall, limitMs: LIMIT_MS },
    );
  }

  it(
    'plugs in a host later, on two networks, and changes its address',
    async (t) => {
      const lab = await openLab(t, { hosts: 2, unplugged: [2] });
      const [ana, bruno] = [lab.host(1), lab.host(2)];
      await (await bruno.spawn(process.execPath, ['-e', SERVE])).line(/listening/);
      assert.not(await reaches(ana, bruno.address, 300));
      await bruno.addInterface();
      assert.ok(await reaches(ana, bruno.address), 'the late interface');
      await bruno.changeAddress(77);
      assert.is(bruno.address, '10.77.0.77');
      assert.ok(await reaches(ana, bruno.address), 'the new address');
      assert.not(await reaches(ana, '10.77.0.2', 300), 'the old address');
      await ana.addInterface(1);
      assert.is(await bruno.addInterface(1), '10.78.0.2');
      assert.ok(await reaches(ana, '10.78.0.2'), 'the second network');
    },
    { needs, limitMs: LIMIT_MS },
  );

  it(
    'limits the speed of a cable and counts what passes it',
    async (t) => {
      const lab = await openLab(t, { hosts: 2, rate: '16mbit' });
      const [ana, bruno] = [lab.host(1), lab.host(2)];
      const size = 1024 * 1024;
      const send = `require('node:net').createServer((socket) => socket.end(Buffer.alloc(${size})))
        .listen(7000, () => console.log('listening'));`;
      const fetch = `let size = 0; require('node:net').connect(7000, process.argv[1])
        .on('data', (data) => (size += data.length)).on('close', () => console.log(size));`;
      await (await bruno.spawn(process.execPath, ['-e', send])).line(/listening/);
      const before = await ana.wire();
      const started = performance.now();
      assert.is((await ana.must(process.execPath, ['-e', fetch, bruno.address])).trim(), String(size));
      const seconds = (performance.now() - started) / 1000;
      const received = (await ana.wire()).received - before.received;
      assert.ok(seconds > 0.4, `1 MiB at 2 MB/s takes half a second, not ${seconds}`);
      assert.ok(received > size && received < size * 1.2, `${received} bytes on the wire`);
    },
    { needs, limitMs: LIMIT_MS },
  );

  it(
    'leaves nothing behind, even when a step failed half-way',
    async (t) => {
      const cleanups: Array<() => unknown> = [];
      const inner: Case = { signal: t.signal, defer: (cleanup) => void cleanups.push(cleanup) };
      const cleanUp = async (): Promise<void> => {
        for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
      };
      t.defer(cleanUp);
      const lab = await openLab(inner, { hosts: 1 });
      const name = lab.host(1).namespace;
      const child = await lab.host(1).spawn(process.execPath, ['-e', SERVE]);
      await child.line(/listening/);
      let failure: unknown = null;
      await openLab(inner, { hosts: 2, rate: 'nonsense' }).catch((thrown: unknown) => (failure = thrown));
      assert.instance(failure, Error);
      const before = readdirSync('/run/netns');
      assert.ok(before.includes(name));
      await cleanUp();
      const own = name.replace(/\d+-h1$/, '');
      assert.equal(
        readdirSync('/run/netns').filter((left) => left.startsWith(own)),
        [],
      );
      assert.is((await child.ended).signal, 'SIGTERM');
    },
    { needs, limitMs: LIMIT_MS },
  );

  it(
    'removes what a crashed run left behind, with the processes in it',
    async (t) => {
      const crashed = await start(t, process.execPath, ['-e', '']);
      await crashed.ended;
      const name = `potluck-${crashed.pid}-1-1-h1`;
      await must('ip', ['netns', 'add', name]);
      const orphan = await start(t, 'ip', ['netns', 'exec', name, process.execPath, '-e', SERVE]);
      await orphan.line(/listening/);
      await openLab(t, { hosts: 1 });
      assert.not(readdirSync('/run/netns').includes(name));
      assert.is((await orphan.ended).signal, 'SIGKILL');
    },
    { needs, limitMs: LIMIT_MS },
  );
});
