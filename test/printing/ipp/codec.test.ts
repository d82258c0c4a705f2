/** IPP as bytes: without loss, within bounds, and never anything but a message, "more" or our own error. */
import * as fc from 'fast-check';
import ipp from 'ipp';
import * as assert from 'uvu/assert';
import { groupsOf } from '../../../agent/printing/ipp/attributes.js';
import { decode, decodeHead, encode, type Message, type Token } from '../../../agent/printing/ipp/codec.js';
import { GROUP, OPERATION, TAG } from '../../../agent/printing/ipp/tables.js';
import { MessageWriter } from '../../../agent/printing/ipp/writer.js';
import { PotluckError } from '../../../protocol/errors.js';
import { IPP_ATTRIBUTES_MAX_BYTES, IPP_TOKENS_MAX_COUNT } from '../../../protocol/limits.js';
import { spec } from '../../support/spec.js';

/** RFC 8010, appendix A.1: the Print-Job request, with its document. */
const RFC_PRINT_JOB = Buffer.from(
  [
    '0101 0002 00000001',
    '01 47 0012 617474726962757465732d63686172736574 0005 7574662d38',
    '48 001b 617474726962757465732d6e61747572616c2d6c616e6775616765 0005 656e2d7573',
    '45 000b 7072696e7465722d757269 002d 6970703a2f2f7072696e7465722e6578616d706c652e636f6d2f6970702f7072696e742f70696e65747265652d',
    '42 0008 6a6f622d6e616d65 0006 666f6f626172',
    '22 0016 6970702d6174747269627574652d666964656c697479 0001 01',
    '02 21 0006 636f70696573 0004 00000014',
    '44 0005 7369646573 0013 74776f2d73696465642d6c6f6e672d65646765',
    '03 25215053',
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

const token: fc.Arbitrary<Token> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 0, max: 15 })
      .filter((tag) => tag !== GROUP.end)
      .map((group) => ({ group })),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      tag: fc.integer({ min: 0x10, max: 0xff }),
      name: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      value: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    }),
  },
);
const message: fc.Arbitrary<Message> = fc.record({
  version: fc.constantFrom(0x0100, 0x0101, 0x0200, 0x0202),
  code: fc.integer({ min: 0, max: 0xffff }),
  id: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  tokens: fc.array(token, { maxLength: 40 }),
});

/** Decodes and reads everything; whatever comes out of it but our own error fails the case. */
function survives(bytes: Uint8Array): 'message' | 'more' | 'error' {
  try {
    const decoded = decodeHead(bytes);
    if (decoded === null) return 'more';
    groupsOf(decoded.message);
    return 'message';
  } catch (thrown) {
    assert.instance(thrown, PotluckError);
    assert.is((thrown as PotluckError).code, 'BAD_MESSAGE');
    return 'error';
  }
}

spec('IPP messages', (it) => {
  it('reads the example of RFC 8010 and finds where the document begins', () => {
    const decoded = decodeHead(RFC_PRINT_JOB);
    assert.ok(decoded);
    assert.is(decoded?.message.version, 0x0101);
    assert.is(decoded?.message.code, OPERATION.printJob);
    assert.is(decoded?.message.id, 1);
    assert.is(decoded?.message.tokens.length, 9);
    assert.is(RFC_PRINT_JOB.subarray(decoded?.end).toString(), '%!PS');
  });

  it('come back to the byte', () => {
    fc.assert(
      fc.property(message, (any) => {
        const bytes = encode(any);
        assert.equal(decode(bytes), { ...any, tokens: any.tokens.map((one) => ({ ...one })) });
        assert.ok(encode(decode(bytes)).equals(bytes));
      }),
    );
    const head = RFC_PRINT_JOB.subarray(0, -4);
    assert.ok(encode(decode(head)).equals(head));
  });

  it('want more while they are cut, at each byte', () => {
    for (let length = 0; length < RFC_PRINT_JOB.length - 4; length++) {
      assert.is(decodeHead(RFC_PRINT_JOB.subarray(0, length)), null, `${length}`);
      assert.throws(() => decode(RFC_PRINT_JOB.subarray(0, length)), /ends too early/);
    }
  });

  it('survive every flipped bit', () => {
    for (let bit = 0; bit < RFC_PRINT_JOB.length * 8; bit++) {
      const bytes = Buffer.from(RFC_PRINT_JOB);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      survives(bytes);
    }
  });

  it('survive any bytes at all', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const afterHeader = bytes.map((any) => Buffer.concat([RFC_PRINT_JOB.subarray(0, 8), any]));
    const spoiled = fc
      .tuple(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }))
      .map(([any, flips]) => {
        const made = encode(any);
        for (const [at, byte] of flips) made[at % made.length] = byte;
        return made;
      });
    fc.assert(
      fc.property(fc.oneof(bytes, afterHeader, spoiled), (any) => void survives(any)),
      { numRuns: 500 },
    );
  });

  const refused: Record<string, Buffer> = {
    'a web page': Buffer.from('<html><body>Not found</body></html>'),
    'a negative length of a name': Buffer.from('0101000000000001014480006162', 'hex'),
    'a negative length of a value': Buffer.from('01010000000000010144000161ffff', 'hex'),
    'endless attributes': Buffer.concat([
      RFC_PRINT_JOB.subarray(0, 9),
      ...Array.from({ length: 40 }, () => Buffer.concat([Buffer.from('3000017a7fff', 'hex'), Buffer.alloc(0x7fff)])),
    ]),
    'endless groups': Buffer.concat([RFC_PRINT_JOB.subarray(0, 8), Buffer.alloc(IPP_TOKENS_MAX_COUNT + 1, 1)]),
    'a long silence without an end': Buffer.concat([
      RFC_PRINT_JOB.subarray(0, 9),
      Buffer.from('3000017a', 'hex'),
      Buffer.alloc(IPP_ATTRIBUTES_MAX_BYTES, 0x7f),
    ]),
  };
  for (const [what, bytes] of Object.entries(refused)) {
    it(`refuse ${what}`, () => assert.is(survives(bytes), 'error'));
  }

  it('are read by the package ipp as they were written', () => {
    const written = new MessageWriter(OPERATION.createJob, 7)
      .string(TAG.uri, 'printer-uri', 'ipp://localhost/printers/pdf')
      .group(GROUP.job)
      .integer('copies', 2)
      .string(TAG.keyword, 'sides', 'two-sided-long-edge')
      .range('page-ranges', [1, 2], [4, 4])
      .resolution('printer-resolution', [600, 600])
      .collection('media-col', (members) =>
        members.collection('media-size', (size) => size.integer('x-dimension', 21000).integer('y-dimension', 29700)),
      )
      .done();
    const read = ipp.parse(encode(written)) as unknown as Record<string, unknown>;
    assert.is(read['operation'], 'Create-Job');
    assert.is(read['id'], 7);
    assert.equal(read['job-attributes-tag'], {
      copies: 2,
      sides: 'two-sided-long-edge',
      'page-ranges': [
        [1, 2],
        [4, 4],
      ],
      'printer-resolution': [600, 600, 'dpi'],
      'media-col': { 'media-size': { 'x-dimension': 21000, 'y-dimension': 29700 } },
    });
  });
});
