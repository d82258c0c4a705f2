/** What a person types for a peer, as a table. */
import * as assert from 'uvu/assert';
import { type NamedPeer, resolvePeer } from '../../agent/core/peer-name.js';
import { type PeerId, peerIdText } from '../../protocol/ids.js';
import { spec } from '../support/spec.js';

const peer = (digit: string, name: string): NamedPeer => ({ id: digit.repeat(64) as PeerId, name });
const ana = peer('a', 'ana-laptop');
const bruno = peer('b', 'bruno-pc');
const bruno2 = peer('c', 'bruno-pc');
const upper = peer('d', 'ANA-LAPTOP');
const cafe = peer('e', 'Café');

const code = (typed: string, peers: readonly NamedPeer[]): string => {
  try {
    return resolvePeer(typed, peers);
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
};

spec('peer name', (it) => {
  const rows: [string, string, NamedPeer[], string][] = [
    ['a name', 'ana-laptop', [ana, bruno], ana.id],
    ['a name with spaces around it', ' ana-laptop ', [ana, bruno], ana.id],
    ['a name in other letters', 'Ana-Laptop', [ana, bruno], ana.id],
    ['the exact name before a similar one', 'ANA-LAPTOP', [ana, upper], upper.id],
    ['a name that two carry', 'bruno-pc', [ana, bruno, bruno2], 'PEER_AMBIGUOUS'],
    ['the whole id', peerIdText(bruno.id), [ana, bruno, bruno2], bruno.id],
    ['the beginning of an id', peerIdText(bruno.id).slice(0, 7).toLowerCase(), [ana, bruno], bruno.id],
    ['too little of an id', peerIdText(bruno.id).slice(0, 3), [ana, bruno], 'PEER_UNKNOWN'],
    ['a composed and a decomposed letter', 'Cafe\u0301', [cafe], cafe.id],
    ['nobody', 'diego', [ana, bruno], 'PEER_UNKNOWN'],
    ['nothing', '', [ana], 'PEER_UNKNOWN'],
  ];
  for (const [what, typed, peers, expected] of rows) {
    it(`takes ${what}`, () => assert.is(code(typed, peers), expected));
  }

  it('names both ids when two are meant', () => {
    assert.throws(() => resolvePeer('bruno-pc', [bruno, bruno2]), new RegExp(peerIdText(bruno2.id).slice(0, 7)));
  });
});
