/** The runner's own promise: a case that cannot pass is seen as failed. */
import * as assert from 'uvu/assert';
import { spec } from './spec.js';

spec('spec', (it) => {
  it('runs a case and its clean-up, the last registered first', (t) => {
    const order: string[] = [];
    t.defer(() => assert.equal(order, ['second', 'first']));
    t.defer(() => order.push('first'));
    t.defer(() => order.push('second'));
  });

  it('gives each case a signal that is not aborted while it runs', (t) => {
    assert.not(t.signal.aborted);
  });
});
