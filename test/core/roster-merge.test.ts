/** Rosters that meet: both end the same, within bounds, and nothing is lost. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  makeAdd,
  makeDel,
  mergeRoster,
  openRecord,
  rosterDigest,
  type RosterEntry,
  rosterPages,
  type Signer,
  standingOf,
} from '../../agent/core/roster.js';
import type { PeerId } from '../../protocol/ids.js';
import {
  MESSAGE_MAX_BYTES,
  ROSTER_ADDS_MAX_COUNT,
  ROSTER_ADDS_PER_SIGNER_MAX_COUNT,
  ROSTER_DELS_MAX_COUNT,
  ROSTER_DELS_PER_PAIR_MAX_COUNT,
} from '../../protocol/limits.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import { keyOf, type Name, record, ROOT, roster, WORKGROUP } from '../support/rosters.js';
import { makeSigner } from '../support/signer.js';
import { spec } from '../support/spec.js';

type Draft = { readonly by: Name; readonly subject: Name; readonly keep: readonly Name[] | null };
/** Signing is slow: each record is signed once. */
const signedOnce = new Map<string, RosterRecord>();
function signed({ by, subject, keep }: Draft): RosterRecord {
  const line = keep === null ? `${by}+${subject}` : `${by}-${subject}:${keep.join()}`;
  const made = signedOnce.get(line) ?? record(line);
  signedOnce.set(line, made);
  return made;
}
const merge = (list: readonly RosterEntry[], records: readonly RosterRecord[]) =>
  mergeRoster(list, records, ROOT, WORKGROUP).entries;
const signedEntries = (list: readonly RosterEntry[]): RosterRecord[] => list.map((entry) => entry.signed);
/** Few names, so that most records connect. */
const few = fc.constantFrom<Name>('ana', 'bruno', 'carla');
const records = fc
  .array(fc.record({ by: few, subject: few, keep: fc.option(fc.subarray<Name>(['bruno', 'carla'])) }), { maxLength: 8 })
  .map((drafts) => drafts.map(signed));

const add = (by: Signer, subject: Signer): RosterRecord =>
  makeAdd(by, { workgroup: WORKGROUP, subject: subject.spki, name: 'x', at: 1 });
const del = (subject: PeerId, at: number, keep: PeerId[] = []): RosterRecord =>
  makeDel(keyOf('ana'), { workgroup: WORKGROUP, subject, keep, at });

spec('merging rosters', (it) => {
  it('ends the same on both sides, whoever begins', () => {
    fc.assert(
      fc.property(records, records, (ours, theirs) => {
        const [one, other] = [merge([], ours), merge([], theirs)];
        const met = [merge(one, rosterPages(other, ROOT).flat()), merge(other, rosterPages(one, ROOT).flat())];
        assert.is(rosterDigest(met[0] ?? []), rosterDigest(met[1] ?? []));
        assert.is(merge(met[0] ?? [], signedEntries(one)), met[0], 'nothing is taken twice');
      }),
      { numRuns: 150 },
    );
  });

  it('ends the same page by page', () => {
    fc.assert(
      fc.property(records, (theirs) => {
        const whole = merge([], theirs);
        let paged: readonly RosterEntry[] = [];
        for (const page of rosterPages(whole, ROOT).flat()) paged = merge(paged, [page]);
        assert.is(rosterDigest(paged), rosterDigest(whole));
      }),
      { numRuns: 150 },
    );
  });

  it('takes nothing that does not connect to the founder, and nothing away', () => {
    const held = roster('bruno+carla');
    assert.is(merge(held, [record('dino+eva'), record('ana-dino'), record('dino-ana')]), held);
    const list = merge(held, [record('ana+bruno'), record('carla-bruno')]);
    assert.is(list.length, 3);
    assert.ok(list.includes(held[0] as RosterEntry));
  });

  it('takes a record of a newcomer together with those that let it in', () => {
    assert.is(merge([], [record('carla+dino'), record('bruno+carla'), record('ana+bruno')]).length, 3);
  });

  it('counts one payload once, however often it was signed', () => {
    const [one, other] = [record('ana+bruno', 3), record('ana+bruno', 3)];
    assert.is.not(one.s, other.s);
    assert.is(merge([], [one, other]).length, 1);
    assert.is(rosterDigest(merge([], [one])), rosterDigest(merge([], [other])));
  });

  it('is not misled by a wrong signature in front of the right one', () => {
    const right = record('ana+bruno', 3);
    const wrong = { p: right.p, s: record('ana+carla').s };
    const { entries: list, bad } = mergeRoster([], [wrong, right], ROOT, WORKGROUP);
    assert.is(list.length, 1);
    assert.is(bad, 1);
  });

  it('has room for so many adds, of each signer and in all, and still takes a removal', () => {
    const strangers = Array.from({ length: 200 }, makeSigner);
    const [first, ...others] = strangers;
    if (first === undefined) throw new Error('nobody');
    const mine = others.slice(0, 100).map((stranger) => add(keyOf('ana'), stranger));
    let list = merge([], mine);
    assert.is(list.length, ROSTER_ADDS_PER_SIGNER_MAX_COUNT);
    list = merge(list, [add(keyOf('ana'), first)]);
    assert.is(list.length, ROSTER_ADDS_PER_SIGNER_MAX_COUNT, 'what came first stays');
    const inside = strangers.filter(({ id }) => standingOf(list, ROOT).members.has(id));
    list = merge(
      list,
      inside.flatMap((one) => others.slice(100, 103).map((other) => add(one, other))),
    );
    assert.is(list.length, ROSTER_ADDS_MAX_COUNT);
    const [puppet] = inside;
    if (puppet === undefined) throw new Error('nobody');
    list = merge(list, [makeDel(keyOf('ana'), { workgroup: WORKGROUP, subject: puppet.id, keep: [], at: 1 })]);
    assert.is(list.length, ROSTER_ADDS_MAX_COUNT + 1);
    assert.not(standingOf(list, ROOT).members.has(puppet.id));
  });

  it(
    'has room for so many removals, of each pair and in all',
    () => {
      const strangers = Array.from({ length: 60 }, makeSigner);
      let list = merge(
        [],
        strangers.map(({ spki }) => makeAdd(keyOf('ana'), { workgroup: WORKGROUP, subject: spki, name: 'x', at: 1 })),
      );
      const [first] = strangers;
      list = merge(
        list,
        Array.from({ length: 9 }, (_, at) => del(first?.id ?? ROOT, at)),
      );
      assert.is(list.length, 60 + ROSTER_DELS_PER_PAIR_MAX_COUNT);
      list = merge(
        list,
        strangers.flatMap(({ id }) => Array.from({ length: 4 }, (_, at) => del(id, at))),
      );
      assert.is(list.length, 60 + ROSTER_DELS_MAX_COUNT);
    },
    { limitMs: 20_000 },
  );

  it('sends pages that fit a message', () => {
    const keep = Array.from({ length: 62 }, (_, n) => n.toString(16).padStart(64, '0') as PeerId);
    const big = Array.from({ length: 30 }, (_, at) =>
      makeDel(keyOf('ana'), { workgroup: WORKGROUP, subject: ROOT, keep, at }),
    );
    const list = big.map((one) => openRecord(one, WORKGROUP)).filter((entry) => entry !== null);
    const pages = rosterPages(list, ROOT);
    assert.is(pages.flat().length, 30);
    for (const recs of pages) {
      assert.ok(JSON.stringify({ t: 'roster', recs, more: true }).length < MESSAGE_MAX_BYTES);
    }
    assert.equal(rosterPages([], ROOT), [[]]);
  });
});
