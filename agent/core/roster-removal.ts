/**
 * What removing a member takes along, and which removals it needs.
 *
 * A removal names whom the removed one let in and who shall stay; whoever hangs below one that is not named goes, too.
 * So a person says who stays, and here it is worked out which records make it so. SPEC.md, "Workgroup and roster".
 */
import type { PeerId } from '../../protocol/ids.js';
import { type AddEntry, type DelEntry, reach, type RosterEntry, standingOf } from './roster.js';

/** A record to be signed: `subject` goes, and of those whom it let in `keep` stay. */
export interface Removal {
  readonly subject: PeerId;
  readonly keep: readonly PeerId[];
}

/** Who else would go if `subject` were removed and nobody kept: those whom it let in, and whom they let in. */
export function fallsWith(entries: readonly RosterEntry[], root: PeerId, subject: PeerId): PeerId[] {
  const signed = { p: '', s: '' };
  const del: DelEntry = { type: 'del', hash: '', subject, by: root, at: 0, keep: [], signed };
  const before = standingOf(entries, root).members;
  const after = standingOf([...entries, del], root).members;
  return [...before.keys()].filter((id) => id !== subject && !after.has(id));
}

/**
 * The removals after which `subject` is gone and nobody of `stay`.
 *
 * One that hangs below the subject and is neither to stay nor to be cut off, because somebody below it stays, is kept
 * by the subject's removal and gets a removal of its own. Former members are kept where members depend on them.
 *
 * @param stay  members who shall stay, whatever else goes
 */
export function planRemoval(
  entries: readonly RosterEntry[],
  root: PeerId,
  subject: PeerId,
  stay: ReadonlySet<PeerId>,
): Removal[] {
  const adds = entries.filter((entry): entry is AddEntry => entry.type === 'add');
  const falling = new Set(fallsWith(entries, root, subject));
  const gone = new Set([subject]);
  const plan: Removal[] = [];
  // A Set may grow while it is walked: what is added is walked, too.
  for (const id of gone) {
    const keep = new Set<PeerId>();
    for (const add of adds) {
      const isOwn = add.by === id && !gone.has(add.subject);
      if (isOwn && [...reach(add.subject, adds, ({ by }) => !gone.has(by)).keys()].some((one) => stay.has(one))) {
        keep.add(add.subject);
      }
    }
    plan.push({ subject: id, keep: [...keep] });
    for (const kept of keep) if (!stay.has(kept) && falling.has(kept)) gone.add(kept);
  }
  return plan;
}
