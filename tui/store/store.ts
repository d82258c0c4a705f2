/**
 * One immutable value outside React: replaced, never changed.
 *
 * Agent events come in bursts (a download sends many a second). They are reduced at once, but listeners
 * are told at most once a frame, so that a burst costs one rendering. Keys are told at once: the cursor
 * must not lag behind the finger.
 */

export interface Store<S, A> {
  /** The same reference until something has changed, as useSyncExternalStore wants it. */
  readonly getSnapshot: () => S;
  /** @returns the function that unsubscribes */
  readonly subscribe: (listener: () => void) => () => void;
  /** @param urgency  'now' for what a person did, 'frame' for what an agent told */
  readonly dispatch: (action: A, urgency: 'now' | 'frame') => void;
}

/** @param schedule  calls the function it is given once, a frame later */
export function createStore<S, A>(
  initial: S,
  reduce: (state: S, action: A) => S,
  schedule: (tell: () => void) => void,
): Store<S, A> {
  let state = initial;
  let isScheduled = false;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };

  return {
    getSnapshot: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    dispatch(action, urgency) {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      if (urgency === 'now') tell();
      else if (!isScheduled) {
        isScheduled = true;
        schedule(() => {
          isScheduled = false;
          tell();
        });
      }
    },
  };
}
