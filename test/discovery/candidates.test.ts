/** The table of candidates: who is in it, with which addresses, and for how long. */
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import { Candidates } from '../../agent/discovery/candidates.js';
import type { Sighting } from '../../agent/discovery/packet.js';
import { discoveryKey, discoveryTag, InstanceName } from '../../protocol/discovery.js';
import { CANDIDATE_SILENCE_MAX_MS, CANDIDATES_MAX_COUNT } from '../../protocol/limits.js';
import { spec } from '../support/spec.js';

const KEY = discoveryKey(Buffer.alloc(32, 1));
const ANA = v.parse(InstanceName, 'anaaaaaaaa');
const member = (instance: InstanceName, ...hosts: string[]): Sighting => {
  return { instance, port: 5000, tag: discoveryTag(KEY, instance), isJoinOpen: false, hosts };
};
const host = (last: number): string => `10.0.0.${last}`;

function table(key: Uint8Array | null = KEY): Candidates {
  const candidates = new Candidates((address) => address.startsWith('10.'));
  candidates.setKey(key);
  return candidates;
}
const hostsOf = (candidates: Candidates): string[] =>
  candidates.list().flatMap(({ addresses }) => addresses.map((address) => address.host));

spec('candidates', (it) => {
  it('collect the addresses of one that is on two networks, and say so once', () => {
    const candidates = table();
    assert.is(candidates.see(member(ANA), host(1), 0), 'new');
    assert.is(candidates.see(member(ANA), host(2), 1), 'changed');
    assert.is(candidates.see(member(ANA), host(1), 2), 'same');
    assert.is(candidates.see(member(ANA), host(2), 3), 'same');
    assert.equal(hostsOf(candidates), [host(1), host(2)]);
  });

  it('take an address from the packet as well as the one that it came from, if it may be dialled', () => {
    const candidates = table();
    candidates.see(member(ANA, host(2), '8.8.8.8', host(1)), host(1), 0);
    assert.equal(hostsOf(candidates), [host(1), host(2)]);
    const far = table();
    assert.is(far.see(member(ANA), '8.8.8.8', 0), 'ignored');
    assert.equal(far.list(), []);
  });

  it('keep four addresses and give up the one that was not announced for longest', () => {
    const candidates = table();
    for (const last of [1, 2, 3, 4]) candidates.see(member(ANA), host(last), last);
    candidates.see(member(ANA), host(1), 5);
    candidates.see(member(ANA), host(5), 6);
    assert.equal(hostsOf(candidates), [1, 3, 4, 5].map(host));
    candidates.see(member(ANA, ...[6, 7, 8, 9].map(host)), host(5), 7);
    assert.is(hostsOf(candidates).length, 4);
    assert.ok(hostsOf(candidates).includes(host(5)), 'where the packet came from');
  });

  it('lose an address, and then the candidate, by silence alone', () => {
    const candidates = table();
    candidates.see(member(ANA), host(1), 0);
    candidates.see(member(ANA), host(2), 10_000);
    assert.equal(candidates.expire(CANDIDATE_SILENCE_MAX_MS), { gone: [], changed: [] });
    assert.equal(candidates.expire(CANDIDATE_SILENCE_MAX_MS + 1), { gone: [], changed: [ANA] });
    assert.equal(candidates.expire(CANDIDATE_SILENCE_MAX_MS + 10_001), { gone: [ANA], changed: [] });
    assert.is(candidates.get(ANA), null);
  });

  it('are not lost to a silence in which this PC did not listen', () => {
    const candidates = table();
    candidates.see(member(ANA), host(1), 0);
    candidates.forgive(100_000);
    assert.equal(candidates.expire(100_000 + CANDIDATE_SILENCE_MAX_MS).gone, []);
  });

  it('go when they say so from an address of their own', () => {
    const candidates = table();
    candidates.see(member(ANA), host(1), 0);
    assert.not(candidates.goodbye(ANA, host(9)));
    assert.ok(candidates.goodbye(ANA, host(1)));
    assert.not(candidates.goodbye(ANA, host(1)));
  });

  it('are for a member those with the tag, and nobody else is kept', () => {
    const candidates = table();
    assert.is(candidates.see({ ...member(ANA), tag: null, isJoinOpen: true }, host(1), 0), 'ignored');
    assert.is(candidates.see({ ...member(ANA), tag: 'a'.repeat(16) }, host(1), 0), 'ignored');
    assert.equal(candidates.list(), []);
  });

  it('are for a newcomer those with an open invitation', () => {
    const candidates = table(null);
    assert.is(candidates.see(member(ANA), host(1), 0), 'ignored');
    assert.is(candidates.see({ ...member(ANA), isJoinOpen: true }, host(1), 0), 'new');
    assert.not(candidates.get(ANA)?.isMember);
    assert.is(candidates.see(member(ANA), host(1), 1), 'gone');
  });

  it('turn into members when this PC joins, and those who are none go', () => {
    const bruno = v.parse(InstanceName, 'brunoooooo');
    const candidates = table(null);
    candidates.see({ ...member(ANA), isJoinOpen: true }, host(1), 0);
    candidates.see({ ...member(bruno), tag: null, isJoinOpen: true }, host(2), 0);
    assert.equal(candidates.setKey(KEY), [bruno]);
    assert.ok(candidates.get(ANA)?.isMember);
    assert.equal(candidates.setKey(discoveryKey(Buffer.alloc(32, 2))), [ANA]);
  });

  it('are changed by what they say themselves, or with the tag, and by nobody else', () => {
    const candidates = table();
    candidates.see(member(ANA), host(1), 0);
    assert.is(candidates.see({ ...member(ANA), tag: null }, host(9), 1), 'ignored');
    assert.is(candidates.see({ ...member(ANA), isJoinOpen: true }, host(1), 2), 'changed');
    assert.is(candidates.see({ ...member(ANA), tag: null }, host(1), 3), 'gone');
  });

  it('are no more than so many, and those who are there stay', () => {
    const candidates = table(null);
    let full = 0;
    for (let n = 0; n < 20_000; n++) {
      const name = n.toString(8).padStart(10, 'a').replaceAll('0', 'b').replaceAll('1', 'c');
      const sighting = { ...member(ANA), instance: v.parse(InstanceName, name), tag: null, isJoinOpen: true };
      if (candidates.see(sighting, host(1), n) === 'full') full += 1;
    }
    assert.is(candidates.list().length, CANDIDATES_MAX_COUNT);
    assert.is(full, 20_000 - CANDIDATES_MAX_COUNT);
    assert.is(candidates.clear().length, CANDIDATES_MAX_COUNT);
  });
});
