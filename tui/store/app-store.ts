/** The one store of the terminal UI: its state, its actions, and how often it tells. */
import { reduce, type Action } from './reduce.js';
import { initialState, type AppState } from './state.js';
import { createStore, type Store } from './store.js';

/** At most about twelve renderings a second for what the agent tells. */
const FRAME_MS = 80;

export type AppStore = Store<AppState, Action>;

/**
 * @param now  Unix ms
 * @param schedule  when listeners are told of what the agent told
 */
export function createAppStore(now: number, schedule: (tell: () => void) => void = afterAFrame): AppStore {
  return createStore(initialState(now), reduce, schedule);
}

function afterAFrame(tell: () => void): void {
  setTimeout(tell, FRAME_MS).unref();
}
