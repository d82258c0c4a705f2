/**
 * Names that nobody means well with, in every table and on every screen. The terminal in memory refuses a
 * hidden character, a sequence that is not ours, a line that runs over the edge and a picture that scrolls.
 */
import * as fc from 'fast-check';
import { file, download, job, notice, peer, printer, self, share, type Rows } from '../../support/fake-office.js';
import { hostileText } from '../../support/hostile-text.js';
import { openScreen } from '../../support/screen.js';
import { spec } from '../../support/spec.js';

function hostileRows(text: string): Rows {
  return {
    self: [self({ name: text, workgroup: { id: 'f00d', name: text }, downloads: text })],
    peers: [peer(text, { id: 'id-b', because: text, addresses: [text], platform: text, version: text })],
    shares: [share(text, { folder: text })],
    transfers: [
      download(text, 0.5, {
        because: text,
        to: text,
        sources: [{ peer: 'id-b', name: text, bytes: 1 }],
        state: 'failed',
        error: { code: 'FAILED', message: text, hint: text },
        failed: [{ path: text, code: text }],
        failedCount: 1,
      }),
    ],
    printers: [
      printer(text, { because: text, state: 'stopped', info: text, location: text, media: [text], mediaDefault: text }),
    ],
    jobs: [job(text, { because: text, printer: `${text}/${text}`, owner: text, format: text })],
    notices: [notice(text, { code: text })],
  };
}

const SIZES = [
  [96, 30],
  [58, 20],
  [40, 12],
] as const;

spec('hostile names', (it) => {
  for (const [columns, rows] of SIZES) {
    it(
      `reach the terminal at ${columns}x${rows} only as harmless text`,
      async (t) => {
        await fc.assert(
          fc.asyncProperty(hostileText, async (text) => {
            const folders = new Map([[`id-b/${text}`, [file(text, 5)]]]);
            const ui = await openScreen(t, hostileRows(text), { folders, columns, rows });
            ui.agent.answer('browse.shares', async () => ({ shares: [{ name: text, writable: false }] }));
            ui.agent.answer('browse.list', async () => ({
              entry: null,
              entries: [file(text, 5)],
              next: null,
              total: 1,
            }));
            await ui.press('x', 'esc', 'enter', 'enter', 'y', 'esc', 'd', '3', 'enter', 'esc', 'x', 'esc');
            await ui.press(
              '4',
              'enter',
              'esc',
              'p',
              'esc',
              'tab',
              'x',
              'esc',
              '5',
              'enter',
              'esc',
              ':',
              'about',
              'enter',
            );
            await ui.press('esc', '2', 'esc', 'esc', 'esc', 'G', '/', 'x', 'esc', '?', 'esc');
            ui.close();
            await ui.ended;
          }),
          { numRuns: 4 },
        );
      },
      { limitMs: 60_000 },
    );
  }
});
