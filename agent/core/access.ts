/**
 * Who may do what: the one place where a coworker's request is allowed or refused.
 *
 * Only the two peer doors ask it. A caller that may not see a thing gets the same answer as for a thing
 * that does not exist, so the functions here say yes or no and never why. That the caller is a member, and
 * not blocked, is settled before: without that there is no link (agent/net).
 */
import type { PeerId } from '../../protocol/ids.js';

/** Whom an owner lets in: `only` those when it is not empty, and never those of `except`. */
export interface Audience {
  readonly only: readonly PeerId[];
  readonly except: readonly PeerId[];
}

export function isInAudience(peer: PeerId, audience: Audience): boolean {
  if (audience.except.includes(peer)) return false;
  return audience.only.length === 0 || audience.only.includes(peer);
}

/** May the peer list, browse and read this share? */
export function mayRead(peer: PeerId, share: Audience): boolean {
  return isInAudience(peer, share);
}

/** May the peer see this printer and print on it? */
export function mayPrint(peer: PeerId, printer: Audience & { readonly shared: boolean }): boolean {
  return printer.shared && isInAudience(peer, printer);
}

/** A job is its requester's and nobody else's. */
export function mayTouchJob(peer: PeerId, job: { readonly requester: PeerId }): boolean {
  return job.requester === peer;
}
