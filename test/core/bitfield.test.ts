/** The bitfield against a plain set of numbers. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Bitfield } from '../../agent/core/bitfield.js';
import { spec } from '../support/spec.js';

spec('bitfield', (it) => {
  it('behaves as a set of numbers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.array(fc.nat(69)), (count, picks) => {
        const field = new Bitfield(count);
        const plain = new Set<number>();
        for (const pick of picks) {
          field.set(pick % count);
          plain.add(pick % count);
        }
        const all = Array.from({ length: count }, (_, index) => index);
        assert.equal(
          all.filter((index) => field.has(index)),
          [...plain].toSorted((a, b) => a - b),
        );
        assert.is(field.held, plain.size);
        assert.is(field.isFull, plain.size === count);
        for (const from of all) {
          assert.is(field.nextMissing(from), all.find((index) => index >= from && !plain.has(index)) ?? null);
        }
        const copy = Bitfield.from(field.toBytes(), count);
        assert.is(copy?.held, field.held);
        assert.equal(copy?.toBytes(), field.toBytes());
      }),
    );
  });

  it('has piece 0 in the highest bit', () => {
    const field = new Bitfield(10);
    field.set(0);
    field.set(9);
    assert.equal([...field.toBytes()], [0x80, 0x40]);
  });

  it('refuses bytes of another length and bits behind the last piece', () => {
    assert.is(Bitfield.from(new Uint8Array(1), 10), null);
    assert.is(Bitfield.from(new Uint8Array(3), 10), null);
    assert.is(Bitfield.from(Uint8Array.of(0, 0x20), 10), null);
    assert.is(Bitfield.from(Uint8Array.of(0xff, 0xc0), 10)?.isFull, true);
  });

  it('refuses a piece that is not there', () => {
    const field = new Bitfield(8);
    assert.throws(() => field.set(8), /no piece 8 of 8/);
    assert.not(field.has(8));
  });
});
