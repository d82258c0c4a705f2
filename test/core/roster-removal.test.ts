/** Removing somebody: who goes along, and that everybody who shall stay stays. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { fallsWith, planRemoval } from '../../agent/core/roster-removal.js';
import { type RosterEntry, standingOf } from '../../agent/core/roster.js';
import type { PeerId } from '../../protocol/ids.js';
import { idOf, type Name, nameOf, NAMES, ROOT, roster } from '../support/rosters.js';
import { spec } from '../support/spec.js';

const names = (ids: Iterable<PeerId>): string => [...ids].map(nameOf).toSorted().join(' ');

/** The plan in words, e.g. `bruno:carla` for "bruno goes and carla, whom it let in, stays". */
const plan = (lines: string, subject: Name, ...stay: Name[]): string =>
  planRemoval(roster(lines), ROOT, idOf(subject), new Set(stay.map(idOf)))
    .map((removal) => `${nameOf(removal.subject)}:${names(removal.keep)}`)
    .join(', ');

const CHAIN = 'ana+bruno bruno+carla carla+dino ana+eva';
const PLANS: Record<string, [lines: string, subject: Name, stay: Name[], plan: string]> = {
  'everybody below it stays': [CHAIN, 'bruno', ['ana', 'carla', 'dino', 'eva'], 'bruno:carla'],
  'nobody below it stays': [CHAIN, 'bruno', ['ana', 'eva'], 'bruno:'],
  'one stays whose own inviter goes': [CHAIN, 'bruno', ['ana', 'dino', 'eva'], 'bruno:carla, carla:dino'],
  'the founder goes, and only the last of the chain stays': [
    CHAIN,
    'ana',
    ['dino'],
    'ana:bruno, bruno:carla, carla:dino',
  ],
  'a former member stands between': [`${CHAIN} ana-carla:dino`, 'bruno', ['ana', 'dino'], 'bruno:carla'],
  'a former member stands between and nobody depends on it': [`${CHAIN} ana-carla`, 'bruno', ['ana'], 'bruno:'],
  'the one below was let in by another, too': [`${CHAIN} eva+carla`, 'bruno', ['ana', 'eva'], 'bruno:'],
  'they let in each other': ['ana+bruno bruno+ana bruno+carla', 'ana', ['bruno', 'carla'], 'ana:bruno'],
  'it let in itself': ['ana+bruno bruno+bruno bruno+carla', 'bruno', ['ana', 'carla'], 'bruno:carla'],
};

spec('a removal', (it) => {
  it('says before who would go along', () => {
    assert.is(names(fallsWith(roster(CHAIN), ROOT, idOf('bruno'))), 'carla dino');
    assert.equal(fallsWith(roster(CHAIN), ROOT, idOf('eva')), []);
    assert.equal(fallsWith(roster(`${CHAIN} eva+carla`), ROOT, idOf('bruno')), []);
  });

  for (const [when, [lines, subject, stay, wanted]] of Object.entries(PLANS)) {
    it(`is planned when ${when}`, () => assert.is(plan(lines, subject, ...stay), wanted));
  }

  it('removes the one it is about, adds nobody, and takes along whom it must', () => {
    const someone = fc.constantFrom(...NAMES);
    const line = fc.record({ by: someone, subject: someone, keep: fc.option(fc.subarray([...NAMES]), { freq: 3 }) });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 16 }), fc.subarray([...NAMES]), someone, (lines, wanted, who) => {
        const entries = lines.map(plain);
        const before = standingOf(entries, ROOT).members;
        const subject = idOf(who);
        fc.pre(before.has(subject));
        const stay = new Set(wanted.map(idOf).filter((id) => id !== subject && before.has(id)));
        const dels = planRemoval(entries, ROOT, subject, stay).map((removal) =>
          plain({ by: 'ana', subject: nameOf(removal.subject), keep: removal.keep.map(nameOf) }),
        );
        const after = standingOf([...entries, ...dels], ROOT).members;
        assert.not(after.has(subject));
        for (const id of stay) assert.ok(after.has(id), `${nameOf(id)} stays`);
        for (const id of after.keys()) assert.ok(before.has(id), `${nameOf(id)} was there before`);
        const falling = new Set(fallsWith(entries, ROOT, subject));
        const nobodyStays = [...falling].every((id) => !stay.has(id));
        for (const id of before.keys()) {
          if (id === subject || after.has(id) !== falling.has(id)) continue;
          // Who falls may still stay below one who stays; nobody else goes, and all fall where nobody stays.
          assert.ok(falling.has(id) && !nobodyStays, nameOf(id));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** An entry that nobody signed: what follows from it does not depend on signatures. */
function plain(line: { by: string; subject: string; keep: readonly string[] | null }): RosterEntry {
  const base = { by: idOf(line.by), subject: idOf(line.subject), at: 0, signed: { p: '', s: '' } };
  const hash = JSON.stringify(line);
  return line.keep === null
    ? { ...base, hash, type: 'add', name: line.subject }
    : { ...base, hash, type: 'del', keep: line.keep.map(idOf) };
}
