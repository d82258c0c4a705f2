/** Which addresses are near, and how a change of this PC's own is noticed. */
import type { NetworkInterfaceInfo } from 'node:os';
import * as assert from 'uvu/assert';
import { openInterfaces, plainAddress, type InterfacesOptions } from '../../agent/platform/interfaces.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Case, spec } from '../support/spec.js';

const LAN = address('eth0', '192.168.1.20/24');
const PUBLIC = address('eth1', '203.0.113.5/24');
const PUBLIC_V6 = address('eth1', '2001:db8:7::5/64');
const LOOPBACK = address('lo', '127.0.0.1/8');

type Infos = NodeJS.Dict<NetworkInterfaceInfo[]>;

function address(name: string, cidr: string, mac = '02:00:00:00:00:01'): Infos {
  const [text = ''] = cidr.split('/');
  const isV6 = text.includes(':');
  const common = { address: text, netmask: '', mac, internal: name === 'lo', cidr };
  return { [name]: [isV6 ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' }] };
}

function together(...infos: Infos[]): Infos {
  const all: Infos = {};
  for (const one of infos) {
    for (const [name, list] of Object.entries(one)) all[name] = [...(all[name] ?? []), ...(list ?? [])];
  }
  return all;
}

function open(t: Case, read: () => Infos, rest: Partial<InterfacesOptions> = {}) {
  const clock = new FakeClock();
  const interfaces = openInterfaces({ clock, only: null, read, ...rest });
  t.defer(() => interfaces.close());
  return { clock, interfaces };
}

const NEAR = ['10.0.0.1', '172.31.255.1', '192.168.9.9', '169.254.3.4', 'fd00::1', 'fe80::1%eth0', '::ffff:10.0.0.1'];
const FAR = [
  '8.8.8.8',
  '172.32.0.1',
  '100.64.0.1',
  '2a00::1',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
  '255.255.255.255',
  '224.0.0.251',
  'ff02::fb',
  '0.0.0.0',
  '::',
  '',
  'printer.local',
  '10.0.0.1.',
  '010.0.0.1',
];

spec('interfaces', (it) => {
  it('leave loopback out, and are only the one address that was asked for', (t) => {
    const texts = (only: string | null) =>
      open(t, () => together(LAN, PUBLIC, LOOPBACK), { only })
        .interfaces.addresses()
        .map((own) => `${own.interface} ${own.address}/${own.prefix}`);
    assert.equal(texts(null), ['eth0 192.168.1.20/24', 'eth1 203.0.113.5/24']);
    assert.equal(texts('127.0.0.1'), ['lo 127.0.0.1/8']);
    assert.equal(texts('192.168.1.99'), []);
  });

  for (const remote of NEAR) {
    it(`call ${remote} near`, (t) => assert.ok(open(t, () => LAN).interfaces.isAcceptableRemote(remote, false)));
  }
  for (const remote of FAR) {
    it(`call ${remote || 'nothing'} far`, (t) =>
      assert.not(open(t, () => LAN).interfaces.isAcceptableRemote(remote, true)));
  }

  it('call a public address near when it is on the link', (t) => {
    const { interfaces } = open(t, () => together(PUBLIC, PUBLIC_V6));
    assert.ok(interfaces.isAcceptableRemote('203.0.113.77', false));
    assert.ok(interfaces.isAcceptableRemote('2001:db8:7::77', false));
    assert.not(interfaces.isAcceptableRemote('203.0.114.77', false));
    assert.not(interfaces.isAcceptableRemote('2001:db8:8::77', false));
  });

  it('do not believe a mask that would make the whole internet near', (t) => {
    const { interfaces } = open(t, () => together(address('ppp0', '198.51.100.9/0'), address('ppp0', '2001:db8::9/3')));
    assert.not(interfaces.isAcceptableRemote('8.8.8.8', false));
    assert.not(interfaces.isAcceptableRemote('2001:470::1', false));
  });

  it('call loopback near only when told to', (t) => {
    const { interfaces } = open(t, () => LOOPBACK, { only: '127.0.0.1' });
    for (const remote of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
      assert.not(interfaces.isAcceptableRemote(remote, false));
      assert.ok(interfaces.isAcceptableRemote(remote, true));
    }
  });

  it('tell of an address that comes, goes or moves to other hardware, and of nothing else', (t) => {
    let now = LAN;
    const { clock, interfaces } = open(t, () => now);
    const seen: number[] = [];
    interfaces.onChange(() => seen.push(interfaces.addresses().length));
    const next = (infos: Infos): void => {
      now = infos;
      clock.pass(2000);
    };
    next(LAN);
    next(together(LAN, PUBLIC));
    next({});
    next(address('eth0', '192.168.1.20/24'));
    next(address('eth0', '192.168.1.20/24', '02:00:00:00:00:02'));
    next(address('eth0', '192.168.1.20/24', '02:00:00:00:00:02'));
    assert.equal(seen, [2, 0, 1, 1]);
  });

  it('keep the last list when the system cannot say, and stop when closed', async (t) => {
    let fails = false;
    const { clock, interfaces } = open(t, () => {
      if (fails) throw new Error('no answer');
      return LAN;
    });
    fails = true;
    clock.pass(2000);
    assert.is(interfaces.addresses().length, 1);
    await interfaces.close();
    assert.is(clock.waiting, 0);
  });

  it('read this PC without being told anything', (t) => {
    const interfaces = openInterfaces({ clock: new FakeClock(), only: '127.0.0.1' });
    t.defer(() => interfaces.close());
    assert.equal(interfaces.addresses()[0]?.prefix, 8);
  });

  it('strip a zone and unwrap a mapped address', () => {
    assert.is(plainAddress('fe80::1%eth0'), 'fe80::1');
    assert.is(plainAddress('::FFFF:192.168.1.1'), '192.168.1.1');
    assert.is(plainAddress('::ffff:999.1.1.1'), '');
  });
});
