/** Who may do what, as a table. */
import * as assert from 'uvu/assert';
import { mayPrint, mayRead, mayTouchJob } from '../../agent/core/access.js';
import type { PeerId } from '../../protocol/ids.js';
import { spec } from '../support/spec.js';

const ana = 'a'.repeat(64) as PeerId;
const bruno = 'b'.repeat(64) as PeerId;

spec('access', (it) => {
  const rules: [string, { only: PeerId[]; except: PeerId[] }, boolean][] = [
    ['everybody', { only: [], except: [] }, true],
    ['only ana', { only: [ana], except: [] }, true],
    ['only bruno', { only: [bruno], except: [] }, false],
    ['all except ana', { only: [], except: [ana] }, false],
    ['all except bruno', { only: [], except: [bruno] }, true],
    ['only ana, except ana', { only: [ana], except: [ana] }, false],
  ];
  for (const [rule, audience, expected] of rules) {
    it(`a share for ${rule}: ana ${expected ? 'reads' : 'sees nothing'}`, () => {
      assert.is(mayRead(ana, audience), expected);
    });
    it(`a printer for ${rule}: ana ${expected ? 'prints' : 'sees nothing'}, and never when it is not shared`, () => {
      assert.is(mayPrint(ana, { ...audience, shared: true }), expected);
      assert.not(mayPrint(ana, { ...audience, shared: false }));
    });
  }

  it('a job is touched by its requester only', () => {
    assert.ok(mayTouchJob(ana, { requester: ana }));
    assert.not(mayTouchJob(bruno, { requester: ana }));
  });
});
