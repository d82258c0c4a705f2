/** The picture in README.md is a real frame of the UI; POTLUCK_GOLDEN=write draws it anew. */
import { checkFile } from '../support/golden.js';
import { office } from '../support/fake-office.js';
import { openScreen } from '../support/screen.js';
import { spec } from '../support/spec.js';
import { terminalSvg } from '../support/svg.js';

spec('the picture in README.md', (it) => {
  it('shows what the UI shows', async (t) => {
    const { rows, folders } = office();
    const ui = await openScreen(t, rows, { folders, columns: 96, rows: 20 });
    // The last row is always free.
    checkFile('docs/ui.svg', terminalSvg(ui.terminal.cells.slice(0, -1), 'potluck'));
  });
});
