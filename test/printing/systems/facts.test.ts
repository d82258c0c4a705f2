/** What is believed of a printer's attributes, however hostile they are. */
import * as fc from 'fast-check';
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import { type Attributes, groupOf } from '../../../agent/printing/ipp/attributes.js';
import type { Token } from '../../../agent/printing/ipp/codec.js';
import { GROUP, TAG } from '../../../agent/printing/ipp/tables.js';
import { MessageWriter } from '../../../agent/printing/ipp/writer.js';
import { FACT_ATTRIBUTES, factsOf } from '../../../agent/printing/systems/facts.js';
import { PeerPrinter } from '../../../protocol/peer/printing.js';
import { spec } from '../../support/spec.js';

const written = (write: (writer: MessageWriter) => void): Attributes => {
  const writer = new MessageWriter(0, 1).group(GROUP.printer);
  write(writer);
  return groupOf(writer.done(), GROUP.printer);
};
const asTold = (from: Attributes): unknown => ({ ...factsOf(from), id: '0'.repeat(32), name: 'x' });

spec('the facts of a printer', (it) => {
  it('lose what could become a line of a driver', () => {
    const hostile = 'Good\n*FoomaticRIPCommandLine: "touch /tmp/x"\r\n\u2028*% \u202E';
    const { info, location } = factsOf(
      written((writer) =>
        writer.string(TAG.text, 'printer-info', hostile).string(TAG.text, 'printer-location', hostile),
      ),
    );
    assert.not(/["*\n\r\u2028\u202E]/.test(info + location), info);
    assert.match(info, /^Good FoomaticRIPCommandLine/);
  });

  it('take numbers within bounds only', () => {
    const facts = factsOf(
      written((writer) => writer.range('copies-supported', [1, 1_000_000]).integer('queued-job-count', -5)),
    );
    assert.is(facts.copiesMax, 99);
    assert.is(facts.queued, 0);
    assert.is(factsOf(written((writer) => writer.range('copies-supported', [-9, -2]))).copiesMax, 1);
  });

  it('name what is loaded first, and no paper that is none', () => {
    const many = Array.from({ length: 300 }, (_, index) => `custom_size-${index}_10x${index + 1}mm`);
    const { media, mediaDefault } = factsOf(
      written((writer) =>
        writer
          .string(TAG.keyword, 'media-supported', ...many, 'A4"', '7', 'x'.repeat(200))
          .string(TAG.keyword, 'media-ready', 'iso_a5_148x210mm')
          .string(TAG.keyword, 'media-default', 'iso_a4_210x297mm'),
      ),
    );
    assert.equal(media.slice(0, 2), ['iso_a4_210x297mm', 'iso_a5_148x210mm']);
    assert.is(media.length, 64);
    assert.is(mediaDefault, 'iso_a4_210x297mm');
  });

  it('are offline when the device is', () => {
    const facts = factsOf(written((writer) => writer.string(TAG.keyword, 'printer-state-reasons', 'offline-report')));
    assert.is(facts.state, 'offline');
  });

  it('always pass the schema of the wire, whatever a printer says', () => {
    const value = fc.record({ tag: fc.integer({ min: 0x10, max: 0x4a }), bytes: fc.uint8Array({ maxLength: 300 }) });
    const text = fc
      .string({ unit: 'binary', maxLength: 300 })
      .map((any) => ({ tag: TAG.text, bytes: Buffer.from(any) }));
    const attribute = fc.tuple(fc.constantFrom(...FACT_ATTRIBUTES), fc.array(fc.oneof(value, text), { maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 20 }), (attributes) => {
        const tokens: Token[] = attributes.flatMap(([name, values]) =>
          values.map(({ tag, bytes }, index) => ({ tag, name: index === 0 ? name : '', value: bytes })),
        );
        const message = { version: 0x0101, code: 0, id: 1, tokens: [{ group: GROUP.printer }, ...tokens] };
        const told = v.safeParse(PeerPrinter, asTold(groupOf(message, GROUP.printer)));
        assert.ok(told.success, JSON.stringify(told.issues));
      }),
    );
  });
});
