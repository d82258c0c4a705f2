/** Discovery over real multicast on loopback: who is found, when, and what is said. */
import * as assert from 'uvu/assert';
import { type Interfaces, openInterfaces } from '../../agent/platform/interfaces.js';
import { SERVICE_DOMAIN } from '../../protocol/discovery.js';
import { DISCOVERY_ROTATE_MS } from '../../protocol/limits.js';
import { GROUP, openPc, OTHER_GROUP, settle, STRANGER } from '../support/discovering.js';
import { FakeClock } from '../support/fake-clock.js';
import { announcement, isResponse, multicastPort, nameBytes, openBystander } from '../support/multicast.js';
import { spec } from '../support/spec.js';

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
    // The package repeats each announcement after three seconds: the old one, whose turn is first, must not come back.
    const changedAt = Date.now();
    const [{ instance: name } = { instance: '' }] = bruno.discovery.candidates();
    await bystander.hearsNext((packet) => Date.now() - changedAt > 2500 && isResponse(packet) && packet.includes(name));
    await settle(bystander);
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
    const packets = bystander.heard.filter((packet) => !packet.includes('marker2222'));
    const said = packets.map((packet) => packet.toString('latin1')).join(' ');
    assert.ok(said.includes('j=1'));
    const names = [ana, bruno].flatMap(({ events }) =>
      events.map((event) => (typeof event === 'string' ? event : event.instance)),
    );
    const words = [...names, 'potluck', 'tcp', 'udp', 'local', 'services', 'dns-sd'];
    const rest = words.reduce((text, word) => text.replaceAll(word, ' '), said).replaceAll(/t=[a-z2-7]{16}/g, ' ');
    assert.not.match(rest, /[A-Za-z]{2}/, 'no word is left');
    const responses = packets.filter(isResponse);
    assert.ok(responses.length > 2);
    for (const packet of responses) {
      // Every A record (type 1, class 1, length 4) is the address of the network that it was sent on.
      for (let at = packet.indexOf('00010001', 'hex'); at >= 0; at = packet.indexOf('00010001', at + 1, 'hex')) {
        if (packet.readUInt16BE(at + 8) === 4) assert.equal([...packet.subarray(at + 10, at + 14)], [127, 0, 0, 1]);
      }
    }
  });

  it('does not speak anywhere else when its address is gone', async (t) => {
    const udp = await multicastPort();
    const clock = new FakeClock();
    const address = {
      address: '203.0.113.1',
      netmask: '255.255.255.0',
      mac: '',
      internal: false,
      cidr: '203.0.113.1/24',
    };
    const interfaces = openInterfaces({ clock, only: null, read: () => ({ eth9: [{ ...address, family: 'IPv4' }] }) });
    const bystander = await openBystander(t, udp);
    const ana = await openPc(t, udp, { group: GROUP, interfaces });
    await ana.warns('socket.failed');
    await bystander.hears(isResponse);
    ana.clock.pass(30_000);
    assert.ok(ana.warnings.length <= 3, ana.warnings.join());
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
