/** SPEC.md names exactly the messages, methods, notes, streams and limits that the code has. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import * as limits from '../../protocol/limits.js';
import { PEER_METHODS, PEER_NOTES } from '../../protocol/peer/messages.js';
import { CLOSE, LinkMessage } from '../../protocol/peer/session.js';
import { StreamOpen } from '../../protocol/peer/stream-open.js';
import { spec } from '../support/spec.js';

const text = readFileSync('protocol/SPEC.md', 'utf8');

/** The first cell of each row of the table under a heading, without its backquotes. */
function firstCells(heading: string): string[] {
  const section = text.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const [, rows = ''] = section.split(/^\| --- .*\n/m);
  return [...rows.matchAll(/^\| `?([^`|]+?)`? \|/gm)].map((match) => match[1] ?? '');
}

spec('SPEC.md', (it) => {
  it('lists the messages of a link', () => {
    const names = LinkMessage.options.map((option) => option.entries.t.literal);
    assert.equal(firstCells('Messages').toSorted(), names.toSorted());
  });

  it('lists the methods and the notes', () => {
    assert.equal(firstCells('Methods').toSorted(), Object.keys(PEER_METHODS).toSorted());
    assert.equal(firstCells('Notes').toSorted(), Object.keys(PEER_NOTES).toSorted());
  });

  it('lists the kinds of stream and the close codes', () => {
    const kinds = StreamOpen.options.map((option) => option.entries.kind.literal as string);
    assert.equal(firstCells('Streams').toSorted(), kinds.toSorted());
    assert.equal(firstCells('Closing').map(Number), Object.values(CLOSE));
  });

  it('states the limits as they are', () => {
    const stated = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|$/gm)];
    assert.ok(stated.length > 15);
    for (const [, name, value] of stated) {
      assert.is((limits as Record<string, number>)[name ?? ''], Number(value), `${name} in SPEC.md`);
    }
  });
});
