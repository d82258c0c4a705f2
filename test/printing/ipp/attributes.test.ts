/** Values of IPP attributes by their syntax; what is odd reads as "not there". */
import * as assert from 'uvu/assert';
import * as read from '../../../agent/printing/ipp/attributes.js';
import { decode, encode, type Message, type Token } from '../../../agent/printing/ipp/codec.js';
import { GROUP, isSuccess, JOB_STATE, OPERATION, statusName, TAG } from '../../../agent/printing/ipp/tables.js';
import { MessageWriter } from '../../../agent/printing/ipp/writer.js';
import { IPP_COLLECTION_DEPTH_MAX_COUNT } from '../../../protocol/limits.js';
import { spec } from '../../support/spec.js';

const again = (message: Message): Message => decode(encode(message));
const token = (tag: number, name: string, hex: string): Token => ({ tag, name, value: Buffer.from(hex, 'hex') });
const of = (...tokens: Token[]): read.Attributes =>
  read.groupOf({ version: 0x0101, code: 0, id: 1, tokens: [{ group: GROUP.printer }, ...tokens] }, GROUP.printer);

const written = again(
  new MessageWriter(0, 1)
    .group(GROUP.printer)
    .string(TAG.name, 'printer-name', 'Büro')
    .string(TAG.keyword, 'sides-supported', 'one-sided', 'two-sided-long-edge')
    .integer('copies-default', -1)
    .enum('printer-state', 3)
    .boolean('color-supported', true)
    .range('copies-supported', [1, 99])
    .resolution('printer-resolution-supported', [600, 1200])
    .dateTime('printer-current-time', Date.UTC(2026, 10, 21, 9, 5, 7, 300))
    .collection('media-col-default', (members) =>
      members
        .string(TAG.keyword, 'media-source', 'tray-1', 'tray-2')
        .collection('media-size', (size) => size.integer('x-dimension', 21000).integer('y-dimension', 29700)),
    )
    .string(TAG.keyword, 'media-default', 'iso_a4_210x297mm')
    .done(),
);

spec('IPP attributes', (it) => {
  const printer = read.groupOf(written, GROUP.printer);

  it('come back as they were written', () => {
    assert.is(read.stringOf(printer, 'printer-name'), 'Büro');
    assert.equal(read.stringsOf(printer, 'sides-supported'), ['one-sided', 'two-sided-long-edge']);
    assert.is(read.integerOf(printer, 'copies-default'), -1);
    assert.is(read.integerOf(printer, 'printer-state'), 3);
    assert.is(read.booleanOf(printer, 'color-supported'), true);
    assert.equal(read.rangesOf(printer, 'copies-supported'), [[1, 99]]);
    assert.equal(read.resolutionsOf(printer, 'printer-resolution-supported'), [[600, 1200]]);
    assert.is(read.dateTimeOf(printer, 'printer-current-time'), Date.UTC(2026, 10, 21, 9, 5, 7, 300));
    assert.is(read.stringOf(printer, 'media-default'), 'iso_a4_210x297mm');
    const [media] = read.collectionsOf(printer, 'media-col-default');
    assert.ok(media);
    assert.equal(read.stringsOf(media ?? new Map(), 'media-source'), ['tray-1', 'tray-2']);
    const [size] = read.collectionsOf(media ?? new Map(), 'media-size');
    assert.equal(read.integersOf(size ?? new Map(), 'x-dimension'), [21000]);
  });

  it('are told apart by group, one group for each job', () => {
    const answer = again(
      new MessageWriter(0, 1).group(GROUP.job).integer('job-id', 4).group(GROUP.job).integer('job-id', 5).done(),
    );
    const jobs = read.groupsOf(answer).filter((group) => group.tag === GROUP.job);
    assert.equal(
      jobs.map((job) => read.integerOf(job.attributes, 'job-id')),
      [4, 5],
    );
    assert.is(read.groupOf(answer, GROUP.printer).size, 0);
  });

  it('read a text with its language, a centimetre and a time zone', () => {
    assert.is(read.stringOf(of(token(TAG.nameWithLanguage, 'n', '0002656e0003414243')), 'n'), 'ABC');
    assert.equal(read.resolutionsOf(of(token(TAG.resolution, 'r', '000000ec000000ec04')), 'r'), [[599, 599]]);
    const east = of(token(TAG.dateTime, 't', '07ea0b150a0507002b0100'));
    assert.is(read.dateTimeOf(east, 't'), Date.UTC(2026, 10, 21, 9, 5, 7));
    const west = of(token(TAG.dateTime, 't', '07ea0b150a0507002d0530'));
    assert.is(read.dateTimeOf(west, 't'), Date.UTC(2026, 10, 21, 10 + 5, 5 + 48, 7));
    assert.equal(read.rangesOf(of(token(TAG.integer, 'pages', '00000007')), 'pages'), [[7, 7]]);
  });

  const odd: Record<string, Token[]> = {
    'an integer of three bytes': [token(TAG.integer, 'x', '000001')],
    'a range of four bytes': [token(TAG.range, 'x', '00000001')],
    'a resolution in no unit': [token(TAG.resolution, 'x', '000002580000025807')],
    'a date of eight bytes': [token(TAG.dateTime, 'x', '07ea0b150a050700')],
    'a language longer than its text': [token(TAG.textWithLanguage, 'x', '00ff656e')],
    'no value': [token(TAG.noValue, 'x', '')],
    'bytes of no syntax': [token(TAG.octetString, 'x', 'ff')],
    'a value before any name': [token(TAG.integer, '', '00000001')],
    'the end of a collection that did not begin': [token(TAG.endCollection, '', '')],
  };
  for (const [what, tokens] of Object.entries(odd)) {
    it(`read as not there: ${what}`, () => {
      const group = of(...tokens);
      assert.is(read.stringOf(group, 'x'), null);
      assert.is(read.integerOf(group, 'x'), null);
      assert.is(read.booleanOf(group, 'x'), null);
      assert.is(read.dateTimeOf(group, 'x'), null);
      assert.equal(read.rangesOf(group, 'x'), []);
      assert.equal(read.resolutionsOf(group, 'x'), []);
      assert.equal(read.collectionsOf(group, 'x'), []);
    });
  }

  it('skip what is odd and read the good value beside it; the first of two equal names counts', () => {
    const group = of(
      token(TAG.keyword, 'x', '61'),
      token(TAG.integer, '', '00000005'),
      token(TAG.integer, 'y', '00000006'),
      token(TAG.integer, 'x', '00000007'),
      token(TAG.integer, '', '00000008'),
    );
    assert.equal(read.integersOf(group, 'x'), [5]);
    assert.is(read.integerOf(group, 'y'), 6);
  });

  it('end a collection that is nested without end, and read on behind it', () => {
    const depth = 10_000;
    const open = Array.from({ length: depth }, () => [
      token(TAG.memberName, '', '6d'),
      token(TAG.beginCollection, '', ''),
    ]).flat();
    const close = Array.from({ length: depth + 1 }, () => token(TAG.endCollection, '', ''));
    const group = of(
      token(TAG.beginCollection, 'deep', ''),
      ...open,
      ...close,
      token(TAG.integer, 'after', '00000001'),
    );
    assert.is(read.integerOf(group, 'after'), 1);
    let level = read.collectionsOf(group, 'deep');
    let levels = 0;
    for (; level.length > 0; levels++) level = read.collectionsOf(level[0] ?? new Map(), 'm');
    assert.is(levels, IPP_COLLECTION_DEPTH_MAX_COUNT);
    assert.is(read.groupsOf({ version: 0x0101, code: 0, id: 1, tokens: open }).length, 0);
  });

  it('have the numbers of the registry', () => {
    assert.is(OPERATION.sendDocument, 6);
    assert.is(JOB_STATE.completed, 9);
    assert.is(TAG.memberName, 0x4a);
    assert.is(statusName(0x0507), 'server-error-busy');
    assert.is(statusName(0x1234), '0x1234');
    assert.ok(isSuccess(0x0001));
    assert.not(isSuccess(0x0400));
  });
});
