/** The proofs, byte for byte: vectors computed by another program from SPEC.md. */
import * as assert from 'uvu/assert';
import { peerIdOf } from '../../protocol/ids.js';
import { joinProof, linkProof, localProof, lp, mac, sameMac, workgroupId } from '../../protocol/mac.js';
import { spec } from '../support/spec.js';

const KEY = Uint8Array.from({ length: 32 }, (_, at) => at);
const EXPORTER = new Uint8Array(32).fill(0xee);
const A = new Uint8Array(32).fill(0xaa);
const B = new Uint8Array(32).fill(0xbb);
const LINK = { exporter: EXPORTER, client: peerIdOf(A), server: peerIdOf(B) };
const JOIN = { exporter: EXPORTER, joiner: peerIdOf(A), member: peerIdOf(B), name: 'Ana’s PC' };

const VECTORS: Record<string, [Buffer, string]> = {
  'preface of the dialler': [
    linkProof(KEY, 'client', LINK),
    'd262b4849f6119816007354feb7fefe8766ecf963efe2dd2dcd3cebc793b46f3',
  ],
  'preface of the other': [
    linkProof(KEY, 'server', LINK),
    '608828e91f41f1fb0939050babc7f2b5e3ea75a3a56e712d487c476034954c00',
  ],
  'proof of a joiner': [
    joinProof(KEY, 'joiner', JOIN),
    '988d4c3004bcbc2d300719616b8688d031f6ac3ec821cb43acd55a5212baab7b',
  ],
  'proof of a member that lets in': [
    joinProof(KEY, 'member', JOIN),
    'da6a58dd2eb77bd8eb3760846f297fd383d5776a278a989c55c7692307fa1926',
  ],
  'proof of a local client': [
    localProof(KEY, 'client', { server: B, client: A }),
    'f84d242653edfb0722d3cdb8723429a9fa61c0e447aa14e688ad918eb66c1232',
  ],
  'proof of the agent to a local client': [
    localProof(KEY, 'server', { server: B, client: A }),
    '0d3b78474be891208931b46a5f4c24c7733c14fa35514480fc6683418ee12e0b',
  ],
};

spec('mac', (it) => {
  for (const [what, [made, wanted]] of Object.entries(VECTORS)) {
    it(`makes the ${what}`, () => assert.is(made.toString('hex'), wanted));
  }

  it('makes no two proofs the same from the same values', () => {
    const made = [
      ...Object.values(VECTORS).map(([proof]) => proof),
      linkProof(KEY, 'client', { ...LINK, client: LINK.server, server: LINK.client }),
      linkProof(KEY, 'client', { ...LINK, exporter: A }),
      joinProof(KEY, 'joiner', { ...JOIN, name: 'Ana' }),
    ];
    assert.is(new Set(made.map((proof) => proof.toString('hex'))).size, made.length);
  });

  it('names a workgroup', () => assert.is(workgroupId(KEY), 'd4ab0d73c71636ea'));

  it('cannot shift a byte from one part into the next', () => {
    assert.not.equal(mac(KEY, 'x', 'ab', 'c'), mac(KEY, 'x', 'a', 'bc'));
    assert.is(lp('ab', new Uint8Array(0)).toString('hex'), '000261620000');
    assert.throws(() => lp(new Uint8Array(65_536)), /16 bits/);
  });

  it('compares', () => {
    assert.ok(sameMac(A, new Uint8Array(32).fill(0xaa)));
    assert.not(sameMac(A, B));
    assert.not(sameMac(A, A.subarray(1)));
    assert.not(sameMac(A, new Uint8Array(0)));
  });
});
