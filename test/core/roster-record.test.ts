/** Records of the roster: what is signed, and what is not believed. */
import { generateKeyPairSync, sign } from 'node:crypto';
import * as assert from 'uvu/assert';
import { mergeRoster, openRecord, type Signer } from '../../agent/core/roster.js';
import type { RosterRecord } from '../../protocol/peer/session.js';
import { idOf, keyOf, opened, record, ROOT, WORKGROUP } from '../support/rosters.js';
import { spec } from '../support/spec.js';

function forged(
  change: (payload: Record<string, unknown>) => object | string,
  key: Signer = keyOf('ana'),
): RosterRecord {
  const payload = JSON.parse(Buffer.from(record('ana+bruno').p, 'base64').toString()) as Record<string, unknown>;
  const made = change(payload);
  const bytes = Buffer.from(typeof made === 'string' ? made : JSON.stringify(made));
  const signature = key.sign(Buffer.concat([Buffer.from('potluck/v1/roster\0'), bytes]));
  return { p: bytes.toString('base64'), s: Buffer.from(signature).toString('base64') };
}

const ed25519 = generateKeyPairSync('ed25519');
const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
const derOf = (key: typeof ed25519.publicKey): string => key.export({ format: 'der', type: 'spki' }).toString('base64');
const offCurve = Buffer.concat([Buffer.from(keyOf('ana').spki).subarray(0, 27), Buffer.alloc(64, 7)]).toString(
  'base64',
);
const whole = record('ana+bruno');

const REFUSED: Record<string, RosterRecord> = {
  'another workgroup': forged((p) => ({ ...p, wg: '0000000000000000' })),
  'another version': forged((p) => ({ ...p, v: 2 })),
  'another type': forged((p) => ({ ...p, t: 'mod' })),
  'an unknown field': forged((p) => ({ ...p, extra: 1 })),
  'a missing field': forged((p) => ({ ...p, at: undefined })),
  'a name that is too long': forged((p) => ({ ...p, name: 'ä'.repeat(33) })),
  'no name': forged((p) => ({ ...p, name: '' })),
  'a time that is none': forged((p) => ({ ...p, at: -1 })),
  'a time beyond all calendars': forged((p) => ({ ...p, at: 9e15 })),
  'a forbidden key': forged((p) => JSON.stringify(p).replace('{', '{"__proto__":{"admin":true},')),
  'a nested payload': forged(() => '['.repeat(1000)),
  'no JSON': forged(() => 'hello'),
  'JSON null': forged(() => 'null'),
  'a payload that is too long': forged((p) => JSON.stringify(p) + ' '.repeat(6000)),
  'bytes that are no UTF-8': { p: Buffer.from([0xff, 0xfe, 0x7b]).toString('base64'), s: whole.s },
  'base64 with something behind it': { ...whole, p: `${whole.p}\n` },
  "another signer's signature": forged((p) => p, keyOf('bruno')),
  'another signature': { ...whole, s: record('ana+carla').s },
  'a signature of zeroes': { ...whole, s: Buffer.alloc(64).toString('base64') },
  'a short signature': { ...whole, s: Buffer.alloc(10).toString('base64') },
  'a signature without the label': {
    ...whole,
    s: Buffer.from(keyOf('ana').sign(Buffer.from(whole.p, 'base64'))).toString('base64'),
  },
  'an Ed25519 signer': forged((p) => ({ ...p, by: derOf(ed25519.publicKey) }), {
    spki: new Uint8Array(),
    sign: (bytes) => sign(null, bytes, ed25519.privateKey),
  }),
  'a P-384 signer': forged((p) => ({ ...p, by: derOf(p384.publicKey) })),
  'a key off the curve as signer': forged((p) => ({ ...p, by: offCurve })),
  'a subject that is no P-256 key': forged((p) => ({ ...p, sub: derOf(ed25519.publicKey) })),
  'a key with bytes behind it': forged((p) => ({
    ...p,
    sub: Buffer.concat([keyOf('ana').spki, Buffer.alloc(3)]).toString('base64'),
  })),
  'a removal that keeps too many': forged((p) => ({
    ...p,
    name: undefined,
    t: 'del',
    sub: ROOT,
    keep: Array.from({ length: 65 }, () => ROOT),
  })),
};

spec('a record', (it) => {
  it('is opened as it was made', () => {
    const add = openRecord(
      forged((p) => p),
      WORKGROUP,
    );
    assert.is(add?.type, 'add');
    assert.is(add?.by, idOf('ana'));
    assert.is(add?.subject, idOf('bruno'));
    const del = opened('ana-bruno:carla');
    assert.equal(del.type === 'del' && del.keep, [idOf('carla')]);
  });

  for (const [what, bad] of Object.entries(REFUSED)) {
    it(`is refused with ${what}`, () => {
      assert.is(openRecord(bad, WORKGROUP), null);
      assert.is(mergeRoster([], [bad], ROOT, WORKGROUP).bad, 1);
    });
  }

  it('is refused when one bit of its payload is another', () => {
    const payload = Buffer.from(whole.p, 'base64');
    for (let at = 0; at < payload.length; at += 7) {
      const tampered = Buffer.from(payload);
      tampered.writeUInt8((tampered[at] ?? 0) ^ 1, at);
      assert.is(openRecord({ ...whole, p: tampered.toString('base64') }, WORKGROUP), null, `byte ${at}`);
    }
  });
});
