/** Agents that find, link, lose and refuse each other. */
import * as assert from 'uvu/assert';
import { spec } from '../support/spec.js';
import { linkUp, openOffice } from './floor.js';

spec('peers', (it) => {
  it('link, and know each other by name', async (t) => {
    const [ana, bruno] = await openOffice(t, ['ana-laptop', 'bruno-pc']);
    await linkUp(ana!, bruno!);
    assert.is(ana!.peers.get(bruno!.id)?.name, 'bruno-pc');
    assert.is(bruno!.peers.get(ana!.id)?.state, 'online');
  });
});
