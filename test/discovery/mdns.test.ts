/** Discovery over real multicast on loopback: who is found, who is not, and what hostile neighbours achieve. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { hostname, userInfo } from 'node:os';
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import { type Candidate, openDiscovery } from '../../agent/discovery/mdns.js';
import { type Interfaces, openInterfaces } from '../../agent/platform/interfaces.js';
import { type Log, silentLog } from '../../agent/platform/log.js';
import { InstanceName, SERVICE_DOMAIN } from '../../protocol/discovery.js';
import { CANDIDATES_MAX_COUNT, DISCOVERY_PAUSE_MS, DISCOVERY_ROTATE_MS } from '../../protocol/limits.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  announcement,
  type Bystander,
  isResponse,
  multicastPort,
  nameBytes,
  openBystander,
  query,
  response,
} from '../support/multicast.js';
import { type Case, spec } from '../support/spec.js';

const GROUP = Buffer.alloc(32, 0xaa);
const OTHER_GROUP = Buffer.alloc(32, 0xbb);
const instance = (text: string): InstanceName => v.parse(InstanceName, text);
const STRANGER = instance('stranger22');

/** One PC that discovers, with a clock of its own. */
async function openPc(
  t: Case,
  udp: number,
  options: { port?: number; group?: Buffer | null; joinOpen?: boolean; interfaces?: Interfaces } = {},
) {
  const clock = new FakeClock();
  const interfaces = options.interfaces ?? openInterfaces({ clock, only: '127.0.0.1' });
  const state = { port: options.port ?? 5001, group: options.group ?? null, joinOpen: options.joinOpen ?? false };
  const events: (Candidate | string)[] = [];
  const warnings: string[] = [];
  const waiting = new Set<() => void>();
  const tell = (event: Candidate | string): void => {
    events.push(event);
    for (const wake of waiting) wake();
  };
  const warn = (event: string): void => {
    warnings.push(event);
    for (const wake of waiting) wake();
  };
  const log: Log = { ...silentLog, warn, part: () => log };
  const discovery = openDiscovery({
    clock,
    log,
    interfaces,
    announce: () => state,
    onCandidate: tell,
    onGone: (gone) => tell(gone),
    port: udp,
  });
  t.defer(() => discovery.close());
  t.defer(() => interfaces.close());
  const until = <T>(look: () => T | undefined | false): Promise<T> =>
    new Promise((resolve) => {
      const wake = (): void => {
        const found = look();
        if (found === undefined || found === false) return;
        waiting.delete(wake);
        resolve(found);
      };
      waiting.add(wake);
      wake();
    });
  /** The newest news of whoever listens at that port. */
  const finds = (port: number, wanted: Partial<Candidate> = {}): Promise<Candidate> =>
    until(() => {
      const seen = events.filter(
        (event) => typeof event !== 'string' && event.addresses[0]?.port === port,
      ) as Candidate[];
      const last = seen.at(-1);
      return (
        last !== undefined &&
        Object.entries(wanted).every(([key, value]) => last[key as keyof Candidate] === value) &&
        last
      );
    });
  const loses = (gone: string): Promise<true> => until(() => events.includes(gone));
  const warns = (what: string): Promise<true> => until(() => warnings.includes(what));
  return { discovery, clock, state, events, warnings, finds, loses, warns };
}

/** Resolves when everything that was sent before has been read by whoever listens. */
async function settle(bystander: Bystander, mark = instance('marker2222')): Promise<void> {
  await bystander.send(announcement(mark, 6000, null));
  await bystander.hears((packet) => packet.includes(mark));
  await new Promise((resolve) => setImmediate(resolve));
}

spec('discovery', (it) => {
  it('finds those of the workgroup, once each, where they listen', async (t) => {
    const udp = await multicastPort();
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
    const found = await Promise.all([ana.finds(5002), bruno.finds(5001)]);
    for (const [at, port] of [5002, 5001].entries()) {
      assert.equal(found[at]?.addresses, [{ host: '127.0.0.1', port }]);
      assert.ok(found[at]?.isMember);
    }
    for (const pc of [ana, bruno]) {
      assert.is(pc.events.length, 1);
      assert.is(pc.discovery.candidates().length, 1, 'and not itself');
    }
  });

  it('finds nobody of another workgroup, and who is in none is not seen at all', async (t) => {
    const udp = await multicastPort();
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    const other = await openPc(t, udp, { port: 5002, group: OTHER_GROUP });
    const none = await openPc(t, udp, { port: 5003 });
    const bystander = await openBystander(t, udp);
    const bruno = await openPc(t, udp, { port: 5004, group: GROUP });
    await Promise.all([ana.finds(5004), bruno.finds(5001)]);
    await settle(bystander);
    assert.equal([...other.events, ...none.events], []);
    assert.is(ana.events.length, 1);
  });

  it('shows a PC that is in no workgroup where an invitation is open', async (t) => {
    const udp = await multicastPort();
    const fresh = await openPc(t, udp);
    const ana = await openPc(t, udp, { port: 5001, group: GROUP, joinOpen: true });
    const found = await fresh.finds(5001);
    assert.ok(found.joinOpen);
    assert.not(found.isMember);
    ana.state.joinOpen = false;
    ana.discovery.refresh();
    await fresh.loses(found.instance);
    assert.equal(fresh.discovery.candidates(), []);
  });

  it('knows members among those it has seen when it joins, and forgets them when it leaves', async (t) => {
    const udp = await multicastPort();
    const fresh = await openPc(t, udp, { port: 5002 });
    await openPc(t, udp, { port: 5001, group: GROUP, joinOpen: true });
    const { instance: name } = await fresh.finds(5001);
    fresh.state.group = GROUP;
    fresh.discovery.refresh();
    assert.ok((await fresh.finds(5001, { isMember: true })).joinOpen);
    fresh.state.group = OTHER_GROUP;
    fresh.discovery.refresh();
    await fresh.loses(name);
  });

  it('tells a change once, and does not take it back when it announces again', async (t) => {
    const udp = await multicastPort();
    const bystander = await openBystander(t, udp);
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    await bruno.finds(5001);
    ana.state.joinOpen = true;
    ana.discovery.refresh();
    await bruno.finds(5001, { joinOpen: true });
    // The package repeats an announcement after three seconds: the old one must not come back.
    const since = bystander.heard.length;
    const [{ instance: name } = { instance: '' }] = bruno.discovery.candidates();
    await bystander.hears((packet) => {
      return (
        bystander.heard.indexOf(packet) >= since &&
        isResponse(packet) &&
        packet.includes(name) &&
        packet.includes('j=1')
      );
    });
    assert.equal(
      bruno.events.map((event) => typeof event !== 'string' && event.joinOpen),
      [false, true],
    );
  });

  it('says goodbye when it is closed, and no more after that', async (t) => {
    const udp = await multicastPort();
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
    const { instance: name } = await ana.finds(5002);
    await Promise.all([bruno.discovery.close(), bruno.discovery.close()]);
    await ana.loses(name);
    bruno.discovery.refresh();
    assert.is(bruno.clock.waiting, 1, 'only the interfaces are still looked at');
  });

  it('forgets who is silent for too long, and asks before', async (t) => {
    const udp = await multicastPort();
    const bystander = await openBystander(t, udp);
    const ana = await openPc(t, udp, { group: GROUP });
    await bystander.send(announcement(STRANGER, 5009, GROUP));
    await ana.finds(5009);
    ana.clock.pass(30_000);
    assert.is(ana.discovery.candidates().length, 1);
    await bystander.hears((packet) => !isResponse(packet) && packet.includes(nameBytes(SERVICE_DOMAIN)));
    ana.clock.pass(10_000);
    await ana.loses(STRANGER);
  });

  it('comes back under another name the next day', async (t) => {
    const udp = await multicastPort();
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
    const { instance: before } = await bruno.finds(5001);
    bruno.events.length = 0;
    ana.clock.leap(DISCOVERY_ROTATE_MS);
    await bruno.loses(before);
    const { instance: after } = await bruno.finds(5001);
    assert.is.not(after, before);
    assert.not(ana.discovery.candidates().some(({ addresses }) => addresses[0]?.port === 5001));
  });

  it('reveals no name of the PC, its user, its other addresses or the workgroup', async (t) => {
    const udp = await multicastPort();
    const bystander = await openBystander(t, udp);
    const ana = await openPc(t, udp, { port: 5001, group: GROUP, joinOpen: true });
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
    await Promise.all([ana.finds(5002), bruno.finds(5001)]);
    await bruno.discovery.close();
    await settle(bystander);
    const all = Buffer.concat(bystander.heard).toString('latin1').toLowerCase();
    assert.ok(all.includes('j=1'));
    for (const secret of [hostname(), userInfo().username, GROUP.toString('hex'), GROUP.toString('base64')]) {
      assert.not(all.includes(secret.toLowerCase()), secret);
    }
    const responses = bystander.heard.filter(isResponse);
    assert.ok(responses.length > 2);
    for (const packet of responses) {
      // Every A record (type 1, class 1, length 4) is the address of the network that it was sent on.
      for (let at = packet.indexOf('00010001', 'hex'); at >= 0; at = packet.indexOf('00010001', at + 1, 'hex')) {
        if (packet.readUInt16BE(at + 8) === 4) assert.equal([...packet.subarray(at + 10, at + 14)], [127, 0, 0, 1]);
      }
    }
  });

  it('begins when an address comes, and follows it when it changes', async (t) => {
    const udp = await multicastPort();
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    let now: string | null = null;
    const listeners: (() => void)[] = [];
    const interfaces: Interfaces = {
      addresses: () =>
        now === null ? [] : [{ interface: 'lo', address: now, family: 'ipv4', prefix: 8, mac: '00:00:00:00:00:00' }],
      isOnLink: () => true,
      isAcceptableRemote: () => true,
      onChange: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
      close: async () => undefined,
    };
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP, interfaces });
    const move = (address: string | null): void => {
      now = address;
      for (const listener of listeners) listener();
    };
    move('127.0.0.2');
    assert.equal((await ana.finds(5002)).addresses, [{ host: '127.0.0.2', port: 5002 }]);
    await bruno.finds(5001);
    move('127.0.0.3');
    const hosts = (): string[] =>
      ana.discovery.candidates().flatMap(({ addresses }) => addresses.map(({ host }) => host));
    while (!hosts().includes('127.0.0.3')) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(hosts().toSorted(), ['127.0.0.2', '127.0.0.3']);
    move(null);
    bruno.discovery.refresh();
  });
});

spec('a hostile neighbour', (it) => {
  it('cannot say goodbye for somebody else, nor change what it announces', async (t) => {
    const udp = await multicastPort();
    const [bystander, liar] = [await openBystander(t, udp), await openBystander(t, udp, '127.0.0.2')];
    const ana = await openPc(t, udp, { group: GROUP });
    await bystander.send(announcement(STRANGER, 5009, GROUP));
    await ana.finds(5009);
    await liar.send(announcement(STRANGER, 5009, GROUP, { ttl: 0 }));
    await liar.send(announcement(STRANGER, 5009, OTHER_GROUP));
    await liar.send(announcement(STRANGER, 5009, null, { joinOpen: true }));
    await settle(liar);
    assert.is(ana.discovery.candidates().length, 1);
    assert.is(ana.events.length, 1);
    await bystander.send(announcement(STRANGER, 5009, GROUP, { ttl: 0 }));
    await ana.loses(STRANGER);
  });

  it('cannot send anybody to an address beyond the office, or to a port of the system', async (t) => {
    const udp = await multicastPort();
    const bystander = await openBystander(t, udp);
    const ana = await openPc(t, udp, { group: GROUP });
    await bystander.send(announcement(instance('aaaaaaaaaa'), 22, GROUP));
    await bystander.send(announcement(STRANGER, 5009, GROUP, { address: '8.8.8.8' }));
    assert.equal((await ana.finds(5009)).addresses, [{ host: '127.0.0.1', port: 5009 }]);
    assert.is(ana.events.length, 1);
  });

  it('fills no list', async (t) => {
    const udp = await multicastPort();
    const bystander = await openBystander(t, udp);
    const fresh = await openPc(t, udp);
    const ana = await openPc(t, udp, { group: GROUP });
    for (let n = 0; n < 300; n++) {
      const digits = n.toString(8).padStart(3, '0').replaceAll('0', '6').replaceAll('1', 'a');
      await bystander.send(announcement(instance(`fake${digits}aaa`), 5009, null, { joinOpen: true }));
    }
    await fresh.warns('candidates.full');
    await settle(bystander);
    assert.is(fresh.discovery.candidates().length, CANDIDATES_MAX_COUNT);
    assert.equal(ana.discovery.candidates(), []);
    assert.is(fresh.warnings.length, 1, 'and not the log either');
  });

  it('stops nothing with packets that are none', async (t) => {
    const udp = await multicastPort();
    const bystander = await openBystander(t, udp);
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    const right = announcement(STRANGER, 5009, OTHER_GROUP, { joinOpen: true });
    let seed = 4711;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let n = 0; n < 1200; n++) {
      const packet = Buffer.from(n % 3 === 0 ? query(SERVICE_DOMAIN, 'x.local') : right);
      for (let change = 0; change <= random(6); change++) packet.writeUInt8(random(256), random(packet.length));
      await bystander.send(packet.subarray(0, n % 5 === 0 ? random(packet.length) : packet.length));
    }
    await bystander.send(
      response([{ name: SERVICE_DOMAIN, type: 'PTR', ttl: 120, data: nameBytes(`a.${SERVICE_DOMAIN}`) }]),
    );
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
    await Promise.all([ana.finds(5002), bruno.finds(5001)]);
    assert.is(ana.discovery.candidates().length, 1);
    assert.ok(ana.warnings.length <= 4, ana.warnings.join());
  });

  it('gets few answers, however often and however much it asks', async (t) => {
    const udp = await multicastPort();
    const bystander = await openBystander(t, udp);
    await openPc(t, udp, { port: 5001, group: GROUP });
    await bystander.hears(isResponse);
    for (let n = 0; n < 200; n++) await bystander.send(query(...Array.from({ length: 40 }, () => SERVICE_DOMAIN)));
    await settle(bystander);
    const answers = bystander.heard.filter((packet) => isResponse(packet) && !packet.includes('marker2222'));
    assert.ok(answers.length >= 2 && answers.length <= 12, `${answers.length} answers`);
  });

  it(
    'that floods is not listened to for a minute, and nobody is forgotten meanwhile',
    async (t) => {
      const udp = await multicastPort();
      const bystander = await openBystander(t, udp);
      const ana = await openPc(t, udp, { port: 5001, group: GROUP });
      await bystander.send(announcement(STRANGER, 5009, GROUP));
      await ana.finds(5009);
      const noise = announcement(instance('noise22222'), 5010, OTHER_GROUP);
      for (let n = 0; n < 10_000 && !ana.warnings.includes('flood'); n++) await bystander.send(noise);
      assert.ok(ana.warnings.includes('flood'));
      ana.clock.pass(DISCOVERY_PAUSE_MS - 1000);
      assert.is(ana.discovery.candidates().length, 1);
      await bystander.send(announcement(instance('later22222'), 5011, GROUP));
      ana.clock.pass(2000);
      const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
      await Promise.all([ana.finds(5002), bruno.finds(5001)]);
      assert.is(ana.discovery.candidates().length, 2);
    },
    { limitMs: 30_000 },
  );

  it('that holds the port alone keeps discovery out until it lets go', async (t) => {
    const udp = await multicastPort();
    const hog = createSocket({ type: 'udp4', reuseAddr: false }).bind({
      port: udp,
      address: '0.0.0.0',
      exclusive: true,
    });
    await once(hog, 'listening');
    const ana = await openPc(t, udp, { port: 5001, group: GROUP });
    await ana.warns('socket.failed');
    hog.close();
    await once(hog, 'close');
    ana.clock.pass(10_500);
    const bruno = await openPc(t, udp, { port: 5002, group: GROUP });
    await Promise.all([ana.finds(5002), bruno.finds(5001)]);
  });
});
