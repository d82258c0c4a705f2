/** Piece frames: exact bytes, and nothing but BAD_MESSAGE for anything else. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { ContentId } from '../../protocol/ids.js';
import { BINARY_FRAME_MAX_BYTES } from '../../protocol/limits.js';
import {
  DATA_HEADER_BYTES,
  decodePieceFrame,
  encodeDataInto,
  encodePieceFrame,
  type PieceFrame,
} from '../../protocol/peer/piece-frame.js';
import { spec } from '../support/spec.js';

const content = 'ab'.repeat(32) as ContentId;
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function data(length: number, offset: number, total: number): Uint8Array {
  const frame = new Uint8Array(DATA_HEADER_BYTES + length);
  encodeDataInto(frame, 7, offset, total);
  return frame;
}

spec('piece frame', (it) => {
  const vectors: [Exclude<PieceFrame, { type: 'data' }>, string][] = [
    [{ type: 'piece', id: 7, content, index: 258 }, `0100000007${'ab'.repeat(32)}00000102`],
    [{ type: 'layer', id: 0xffff_ffff, content }, `02ffffffff${'ab'.repeat(32)}`],
    [{ type: 'cancel', id: 1 }, '0300000001'],
    [{ type: 'failure', id: 2, code: 'GONE' }, '1100000002474f4e45'],
  ];
  for (const [frame, bytes] of vectors) {
    it(`writes and reads ${frame.type}`, () => {
      assert.is(toHex(encodePieceFrame(frame)), bytes);
      assert.equal(decodePieceFrame(Buffer.from(bytes, 'hex')), frame);
    });
  }

  it('writes and reads data without copying it', () => {
    const frame = data(3, 5, 8);
    frame.set([1, 2, 3], DATA_HEADER_BYTES);
    assert.is(toHex(frame), '10000000070000000500000008010203');
    const read = decodePieceFrame(frame);
    assert.ok(read.type === 'data' && read.bytes.buffer === frame.buffer);
    assert.equal([...(read.type === 'data' ? read.bytes : [])], [1, 2, 3]);
  });

  it('takes an error code that it does not know for FAILED', () => {
    const frame = Buffer.from(`1100000002${Buffer.from('NEVER_HEARD').toString('hex')}`, 'hex');
    assert.equal(decodePieceFrame(frame), { type: 'failure', id: 2, code: 'FAILED' });
  });

  const refused: Record<string, Uint8Array> = {
    nothing: new Uint8Array(0),
    'an unknown type': Buffer.from('7f00000001', 'hex'),
    'a short request': Buffer.from(`0100000007${'ab'.repeat(32)}000001`, 'hex'),
    'a long cancel': Buffer.from('030000000100', 'hex'),
    'data without bytes': data(0, 0, 8),
    'data beyond its total': data(3, 6, 8),
    'a total that no piece has': data(3, 0, 0xffff_ffff),
    'more bytes than a frame holds': data(BINARY_FRAME_MAX_BYTES + 1, 0, 1 << 22),
  };
  for (const [what, frame] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decodePieceFrame(frame),
        (thrown: { code?: string }) => thrown.code === 'BAD_MESSAGE',
      );
    });
  }

  it('reads any bytes or refuses them, and throws nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (any) => {
        try {
          decodePieceFrame(any);
        } catch (thrown) {
          assert.is((thrown as { code?: string }).code, 'BAD_MESSAGE');
        }
      }),
    );
  });
});
