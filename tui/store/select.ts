/** What screens and keys ask of the state, beside the rows of the lists. Pure. */
import type { PeerRow, SelfRow } from '../../protocol/local/model.js';
import { needsShortId, shortId } from '../../protocol/text.js';
import { JOB_OVER, TRANSFER_OVER } from './rows.js';
import type { AppState, Place, Screen } from './state.js';

/** What covers everything: no agent, not asked yet, not set up; else the screens. */
export type Stage = 'starting' | 'absent' | 'setup' | 'main';

export function stageOf(state: AppState): Stage {
  if (state.agent.link === 'absent') return 'absent';
  if (state.agent.seq === null) return 'starting';
  return state.ui.setup === null ? 'main' : 'setup';
}

export function selfOf(state: AppState): SelfRow | null {
  return state.agent.tables.self.get('self') ?? null;
}

export function peerOf(state: AppState, id: string | null): PeerRow | null {
  return id === null ? null : (state.agent.tables.peers.get(id) ?? null);
}

/** The name of a coworker or of this PC, raw; its id where no name is known. */
export function peerName(state: AppState, id: string): string {
  const self = selfOf(state);
  return self?.id === id ? self.name : (peerOf(state, id)?.name ?? id);
}

export function onlineCount(state: AppState): number {
  return [...state.agent.tables.peers.values()].filter((peer) => peer.state === 'online').length;
}

/** Transfers and jobs that go on when this window is closed. */
export function goingOn(state: AppState): { readonly transfers: number; readonly jobs: number } {
  const { transfers, jobs } = state.agent.tables;
  return {
    transfers: [...transfers.values()].filter(
      (row) => row.direction === 'down' && !TRANSFER_OVER.has(row.state) && row.state !== 'paused',
    ).length,
    jobs: [...jobs.values()].filter((job) => job.mine && !JOB_OVER.has(job.state)).length,
  };
}

/** The number beside a tab: what there is under way. */
export function badgeOf(state: AppState, screen: Screen): number {
  if (screen === 'transfers') return goingOn(state).transfers;
  if (screen === 'printers') return goingOn(state).jobs;
  return 0;
}

/** The path inside the share, as the local API takes it. */
export function pathText(path: readonly string[]): string {
  return path.join('/');
}

/** `PEER/SHARE/PATH`, as a verb of the command line takes it; a name that cannot be typed by its short id. */
export function remoteText(state: AppState, place: Place, name: string | null): string {
  const peer = place.peer === null ? null : peerName(state, place.peer);
  const names = [peer, place.share, ...place.path, name].filter((part) => part !== null);
  return names.map((part) => (needsShortId(part) ? shortId(part) : part)).join('/');
}

/** The key under which `ui.fetched` knows an entry. */
export function fetchedKey(place: Place, name: string): string {
  return [place.peer, place.share, ...place.path, name].join('/');
}
