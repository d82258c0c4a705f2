/** Who belongs: what happens to lost laptops, puppets and founders, and what holds for every roster. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type AddEntry, type DelEntry, type RosterEntry, standingOf } from '../../agent/core/roster.js';
import type { PeerId } from '../../protocol/ids.js';
import { type Name, idOf, nameOf, NAMES, opened, ROOT, roster } from '../support/rosters.js';
import { spec } from '../support/spec.js';

/** The members of a roster whose root is ana, as names in alphabetical order. */
const members = (lines: string): string => membersOf(roster(lines));
const membersOf = (entries: Iterable<RosterEntry>): string =>
  [...standingOf(entries, ROOT).members.keys()].map(nameOf).toSorted().join(' ');

/** Rosters, and who then belongs. Ana founded the workgroup. */
const STORIES: Record<string, [lines: string, belong: string]> = {
  'each member may let in': ['ana+bruno bruno+carla carla+dino', 'ana bruno carla dino'],
  'whoever nobody let in': ['ana+bruno carla+dino', 'ana bruno'],
  'a lost laptop': ['ana+bruno bruno+carla ana-bruno:carla', 'ana carla'],
  'a lost laptop and whom it let in, when nobody says that they stay': ['ana+bruno bruno+carla ana-bruno', 'ana'],
  'a puppet that the lost laptop let in later, dated back': [
    'ana+bruno bruno+carla ana-bruno:carla bruno+dino',
    'ana carla',
  ],
  'a puppet of a puppet': ['ana+bruno ana-bruno bruno+dino dino+eva', 'ana'],
  'somebody let in by two, one of whom was removed': [
    'ana+bruno ana+carla bruno+dino carla+dino ana-bruno',
    'ana carla dino',
  ],
  'somebody kept by one who removed and not by the other': [
    'ana+bruno ana+carla bruno+dino ana-bruno:dino carla-bruno',
    'ana carla',
  ],
  'the founder removed by whom it let in': ['ana+bruno ana+carla bruno-ana:bruno,carla', 'bruno carla'],
  'the founder removed, and only those stay who were kept': ['ana+bruno ana+carla bruno-ana:bruno', 'bruno'],
  'a removed PC that adds itself again': ['ana+bruno ana-bruno bruno+bruno', 'ana'],
  'a removed PC that a member adds again': ['ana+bruno ana+carla ana-bruno carla+bruno', 'ana carla'],
  'a removal signed by a stranger': ['ana+bruno dino-bruno', 'ana bruno'],
  'a stranger that lets itself in and removes': ['ana+bruno dino+dino dino-ana', 'ana bruno'],
  'two that remove each other': ['ana+bruno ana+carla bruno-carla carla-bruno', 'ana'],
  'a member that leaves and keeps whom it let in': ['ana+bruno bruno+carla bruno-bruno:carla', 'ana carla'],
  'those below one who was kept': ['ana+bruno bruno+carla carla+dino ana-bruno:carla', 'ana carla dino'],
  'everybody removed by one': ['ana+bruno ana+carla bruno-ana:bruno bruno-carla', 'bruno'],
};

spec('members', (it) => {
  for (const [what, [lines, belong]] of Object.entries(STORIES)) {
    it(`are right with ${what}`, () => {
      assert.is(members(lines), belong);
      assert.is(membersOf(roster(lines).toReversed()), belong);
    });
  }

  it('carry the name they gave, who let them in, and when', () => {
    const { members: found } = standingOf([opened('ana+ana', 5), opened('ana+bruno', 7)], ROOT);
    assert.equal(
      [...found.values()],
      [
        { id: idOf('ana'), name: 'ana', addedBy: null, addedAt: 5 },
        { id: idOf('bruno'), name: 'bruno', addedBy: idOf('ana'), addedAt: 7 },
      ],
    );
  });

  it('are the founder alone, without a name, when nothing is known', () => {
    assert.equal(
      [...standingOf([], ROOT).members.values()],
      [{ id: idOf('ana'), name: '', addedBy: null, addedAt: null }],
    );
  });

  it('are told apart from those who were removed', () => {
    const { removed } = standingOf(roster('ana+bruno ana-bruno dino-ana'), ROOT);
    assert.equal([...removed], [idOf('bruno')]);
  });
});

type Draft = { readonly by: Name; readonly subject: Name; readonly keep: readonly Name[] | null };
const someone = fc.constantFrom(...NAMES);
const draft: fc.Arbitrary<Draft> = fc.record({
  by: someone,
  subject: someone,
  keep: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.subarray([...NAMES]) }),
});
/** Entries that nobody signed: what follows from them does not depend on signatures. */
const entries = fc.array(draft, { maxLength: 16 }).map((drafts) => drafts.map(plain));
const twoOrders = entries.chain((list) =>
  fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
);

function plain({ by, subject, keep }: Draft): RosterEntry {
  const base = { by: idOf(by), subject: idOf(subject), at: 0, signed: { p: '', s: '' } };
  const hash = Buffer.from(`${by} ${subject} ${keep?.join() ?? '+'}`).toString('hex');
  return keep === null
    ? { ...base, hash, type: 'add', name: subject }
    : { ...base, hash, type: 'del', keep: keep.map(idOf) };
}

/** The definition of SPEC.md, word for word and slowly. */
function bySpec(list: readonly RosterEntry[], root: PeerId): Set<PeerId> {
  const adds = list.filter((entry): entry is AddEntry => entry.type === 'add');
  const dels = list.filter((entry): entry is DelEntry => entry.type === 'del');
  const closure = (counts: (add: AddEntry) => boolean): Set<PeerId> => {
    const found = new Set([root]);
    for (let size = 0; size < found.size;) {
      size = found.size;
      for (const add of adds) if (found.has(add.by) && counts(add)) found.add(add.subject);
    }
    return found;
  };
  const everLetIn = closure(() => true);
  const live = dels.filter((del) => everLetIn.has(del.by));
  const kept = closure((add) => live.every((del) => del.subject !== add.by || del.keep.includes(add.subject)));
  for (const del of live) kept.delete(del.subject);
  return kept;
}

const told = (list: readonly RosterEntry[]) => [...standingOf(list, ROOT).members.values()];
const RUNS = { numRuns: 1500 };

spec('every roster', (it) => {
  it('has the members that its definition says', () => {
    fc.assert(
      fc.property(entries, (list) => {
        assert.equal([...standingOf(list, ROOT).members.keys()].toSorted(), [...bySpec(list, ROOT)].toSorted());
      }),
      RUNS,
    );
  });

  it('says the same in every order, and when all of it is there twice', () => {
    fc.assert(
      fc.property(twoOrders, ([list, shuffled]) => {
        assert.equal(told(shuffled), told(list));
        assert.equal(told([...list, ...shuffled]), told(list));
      }),
      RUNS,
    );
  });

  it('gains nobody by a removal', () => {
    fc.assert(
      fc.property(entries, draft, (list, { by, subject, keep }) => {
        const before = standingOf(list, ROOT).members;
        const after = standingOf([...list, plain({ by, subject, keep: keep ?? [] })], ROOT).members;
        for (const id of after.keys()) assert.ok(before.has(id), nameOf(id));
      }),
      RUNS,
    );
  });

  it('has no member that only a removed PC vouches for, unless it was kept', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const { members: found, removed } = standingOf(list, ROOT);
        for (const id of found.keys()) {
          if (id === ROOT) continue;
          const vouchers = list.filter((entry) => entry.type === 'add' && entry.subject === id).map((add) => add.by);
          const isKept = (by: PeerId): boolean =>
            list.some((entry) => entry.type === 'del' && entry.subject === by && entry.keep.includes(id));
          assert.ok(
            vouchers.some((by) => !removed.has(by) || isKept(by)),
            nameOf(id),
          );
        }
      }),
      RUNS,
    );
  });

  it('never has a member that was removed', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const { members: found, removed } = standingOf(list, ROOT);
        for (const id of removed) assert.not(found.has(id));
      }),
      RUNS,
    );
  });
});
