/** Which piece is asked of whom. */
import * as assert from 'uvu/assert';
import { Bitfield } from '../../agent/core/bitfield.js';
import { type ChoiceSource, choosePiece } from '../../agent/core/piece-choice.js';
import { spec } from '../support/spec.js';

interface Named extends ChoiceSource {
  readonly name: string;
}

/** `#` is there, `.` is missing. */
function field(line: string): Bitfield {
  const bits = new Bitfield(line.length);
  for (const [at, sign] of line.split('').entries()) if (sign === '#') bits.set(at);
  return bits;
}

const whole = (name: string, inflightBytes = 0): Named => ({ name, has: null, inflightBytes });
const part = (name: string, line: string, inflightBytes = 0): Named => ({ name, has: field(line), inflightBytes });

function choose(have: string, from: number, asked: number[], ...sources: Named[]): string | null {
  const choice = choosePiece(field(have), from, new Set(asked), sources, 100);
  return choice === null ? null : `${choice.index} of ${choice.source.name}`;
}

spec('piece choice', (it) => {
  it('takes the first piece that is missing and not asked for', () => {
    assert.is(choose('#...', 0, [], whole('ana')), '1 of ana');
    assert.is(choose('#..#.', 0, [1, 2], whole('ana')), '4 of ana');
    assert.is(choose('....', 2, [], whole('ana')), '2 of ana');
  });

  it('asks whoever owes the least', () => {
    assert.is(choose('..', 0, [], whole('ana', 50), whole('bruno', 20), whole('carla', 30)), '0 of bruno');
  });

  it('asks nobody who owes enough already, and nobody when all do', () => {
    assert.is(choose('..', 0, [], whole('ana', 100), whole('bruno', 99)), '0 of bruno');
    assert.is(choose('..', 0, [], whole('ana', 100)), null);
    assert.is(choose('..', 0, []), null);
  });

  it('asks for what somebody has', () => {
    assert.is(choose('....', 0, [], part('ana', '..##')), '2 of ana');
    assert.is(choose('....', 0, [], part('ana', '..##'), part('bruno', '.###', 10)), '1 of bruno');
    assert.is(choose('....', 0, [], part('ana', '....')), null);
  });

  it('asks for nothing when all is here or on its way', () => {
    assert.is(choose('###', 0, [], whole('ana')), null);
    assert.is(choose('#..', 0, [1, 2], whole('ana')), null);
  });
});
