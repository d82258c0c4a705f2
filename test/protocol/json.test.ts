/** JSON from a peer: bounds before the parser, no way to a prototype. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { parseBoundedJson } from '../../protocol/json.js';
import { JSON_DEPTH_MAX_COUNT, JSON_TOKENS_MAX_COUNT } from '../../protocol/limits.js';
import { spec } from '../support/spec.js';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

spec('bounded JSON', (it) => {
  it('reads what JSON.parse reads', () => {
    const value = fc.jsonValue({ maxDepth: 5, noUnicodeString: false });
    fc.assert(
      fc.property(value, (any) => {
        const text = JSON.stringify(any);
        if (/"(__proto__|constructor|prototype)"/.test(text)) return;
        assert.equal(parseBoundedJson(text), JSON.parse(text));
      }),
    );
  });

  it('takes brackets and escapes inside strings for what they are', () => {
    const text = JSON.stringify({ a: '[[[[[[[[[[[[[[[[[[[[[', b: '\\"[[[[[[[[[[[[[[[[[[{' });
    assert.equal(parseBoundedJson(text), JSON.parse(text));
  });

  const refused: Record<string, string> = {
    'one level too deep': nested(JSON_DEPTH_MAX_COUNT + 1),
    'a megabyte of brackets': '['.repeat(1 << 20),
    'too many parts': `[${'0,'.repeat(JSON_TOKENS_MAX_COUNT)}0]`,
    'a key to the prototype': '{"__proto__":{"admin":true}}',
    'a nested key to the constructor': '{"a":[{"constructor":1}]}',
    'no JSON': '{"a":',
    nothing: '',
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseBoundedJson(text),
        (thrown: { code?: string }) => thrown.code === 'BAD_MESSAGE',
      );
    });
  }

  it('takes the greatest depth', () => assert.ok(parseBoundedJson(nested(JSON_DEPTH_MAX_COUNT))));
});
