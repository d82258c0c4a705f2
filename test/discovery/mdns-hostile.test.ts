/** Discovery among hostile neighbours: real packets, right and wrong, on loopback. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { SERVICE_DOMAIN } from '../../protocol/discovery.js';
import { CANDIDATES_MAX_COUNT, DISCOVERY_PAUSE_MS } from '../../protocol/limits.js';
import { GROUP, instance, openPc, OTHER_GROUP, settle, STRANGER } from '../support/discovering.js';
import {
  announcement,
  isResponse,
  multicastPort,
  nameBytes,
  openBystander,
  query,
  response,
} from '../support/multicast.js';
import { spec } from '../support/spec.js';

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
