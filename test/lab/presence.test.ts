/** Who is there: PCs that vanish, crash, get a cable late or another address. */
import * as assert from 'uvu/assert';
import { needLab } from '../support/lab.js';
import { spec } from '../support/spec.js';
import { offline, online, openOffice, seen } from './office.js';

const needs = needLab;

spec('presence', (it) => {
  it(
    'shows a PC that vanished without goodbye offline within 45 s, and online when it is back',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      await bruno.host.cut();
      const cut = performance.now();
      await offline(ana.agent, 'bruno', 45_000);
      assert.ok(performance.now() - cut < 45_000);
      await bruno.host.join();
      await Promise.all([online(ana.agent, 'bruno', 60_000), online(bruno.agent, 'ana', 60_000)]);
    },
    { needs, limitMs: 150_000 },
  );

  it(
    'shows a crash at once, since the link closes with it',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      await bruno.agent.kill9();
      await offline(ana.agent, 'bruno', 5000);
      await bruno.agent.start();
      await online(ana.agent, 'bruno', 20_000);
    },
    { needs, limitMs: 60_000 },
  );

  it(
    'finds an interface that comes after the start',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      await bruno.agent.stop();
      await bruno.host.removeInterface();
      await bruno.agent.start();
      await bruno.host.addInterface();
      await Promise.all([online(ana.agent, 'bruno'), online(bruno.agent, 'ana')]);
    },
    { needs, limitMs: 90_000 },
  );

  it(
    'follows a PC to another address',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      const address = await bruno.host.changeAddress(77);
      await seen(
        ana.agent,
        'bruno',
        // The first one is the one in use.
        (peer) => peer.state === 'online' && peer.addresses[0]?.startsWith(address) === true,
        60_000,
      );
      assert.ok(Array.isArray(await ana.agent.ask('ls', 'bruno')), 'and it answers there');
    },
    { needs, limitMs: 120_000 },
  );

  it(
    'links over a second network when the first is cut',
    async (t) => {
      const { ana, bruno } = await openOffice(t);
      await ana.host.addInterface(1);
      await bruno.host.addInterface(1);
      await bruno.host.cut();
      await offline(ana.agent, 'bruno', 45_000);
      await online(ana.agent, 'bruno', 60_000);
    },
    { needs, limitMs: 150_000 },
  );
});
