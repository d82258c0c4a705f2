/** When listeners are told. */
import * as assert from 'uvu/assert';
import { createStore } from '../../../tui/store/store.js';
import { spec } from '../../support/spec.js';

function counting(): {
  readonly scheduled: Array<() => void>;
  readonly told: () => number;
  readonly store: ReturnType<typeof make>;
} {
  const scheduled: Array<() => void> = [];
  let told = 0;
  const store = make((tell) => scheduled.push(tell));
  store.subscribe(() => (told += 1));
  return { scheduled, told: () => told, store };
}

function make(schedule: (tell: () => void) => void) {
  return createStore(0, (state: number, by: number) => state + by, schedule);
}

spec('store', (it) => {
  it('reduces at once and tells of a burst once, a frame later', () => {
    const { store, scheduled, told } = counting();
    for (let event = 0; event < 100; event++) store.dispatch(1, 'frame');
    assert.is(store.getSnapshot(), 100);
    assert.is(told(), 0);
    assert.is(scheduled.length, 1);
    scheduled[0]?.();
    assert.is(told(), 1);
    store.dispatch(1, 'frame');
    assert.is(scheduled.length, 2);
  });

  it('tells of what a person did at once', () => {
    const { store, told } = counting();
    store.dispatch(1, 'now');
    assert.is(told(), 1);
  });

  it('tells nothing when nothing changed', () => {
    const { store, scheduled, told } = counting();
    store.dispatch(0, 'now');
    store.dispatch(0, 'frame');
    assert.is(told() + scheduled.length, 0);
  });

  it('tells nobody who has unsubscribed', () => {
    const { store } = counting();
    let told = 0;
    const unsubscribe = store.subscribe(() => (told += 1));
    unsubscribe();
    store.dispatch(1, 'now');
    assert.is(told, 0);
  });
});
