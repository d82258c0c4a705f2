/** What each command of the keymap does, and the way from a key to it. */
import type { Key } from '../store/field.js';
import { topDialog } from '../store/state.js';
import * as browse from './commands/browse.js';
import * as forms from './commands/forms.js';
import * as navigate from './commands/navigate.js';
import * as people from './commands/people.js';
import * as printers from './commands/printers.js';
import * as setup from './commands/setup.js';
import * as transfers from './commands/transfers.js';
import { dispatch } from './dispatch.js';
import type { CommandId } from './keymap.js';
import type { Shell } from './shell.js';
import { focusedField, typeInto } from './typing.js';

type Command = (shell: Shell) => void | Promise<void>;

const COMMANDS: Readonly<Record<CommandId, Command>> = {
  'app.quit': navigate.leave,
  'app.suspend': navigate.suspend,
  'app.back': navigate.goBack,
  'screen.peers': (shell) => navigate.showScreen(shell, 'peers'),
  'screen.browse': (shell) => navigate.showScreen(shell, 'browse'),
  'screen.transfers': (shell) => navigate.showScreen(shell, 'transfers'),
  'screen.printers': (shell) => navigate.showScreen(shell, 'printers'),
  'screen.activity': (shell) => navigate.showScreen(shell, 'activity'),

  'list.up': (shell) => navigate.moveCursor(shell, -1),
  'list.down': (shell) => navigate.moveCursor(shell, 1),
  'list.pageUp': (shell) => navigate.moveCursor(shell, -navigate.pageRows(shell)),
  'list.pageDown': (shell) => navigate.moveCursor(shell, navigate.pageRows(shell)),
  'list.first': (shell) => navigate.moveCursor(shell, Number.MIN_SAFE_INTEGER),
  'list.last': navigate.moveToLast,
  'list.section': navigate.moveToSection,

  'filter.open': navigate.openFilter,
  'filter.accept': (shell) => navigate.closeFilter(shell, true),
  'filter.clear': (shell) => navigate.closeFilter(shell, false),

  'help.open': (shell) => navigate.openList(shell, 'help'),
  'palette.open': (shell) => navigate.openList(shell, 'palette'),
  'palette.run': async (shell) => {
    const command = navigate.choosePalette(shell);
    if (command !== null) await COMMANDS[command](shell);
  },
  'dialog.close': (shell) => shell.do({ type: 'close' }),
  'dialog.up': (shell) => navigate.moveInDialog(shell, -1),
  'dialog.down': (shell) => navigate.moveInDialog(shell, 1),
  'dialog.pageUp': (shell) => navigate.moveInDialog(shell, -navigate.pageRows(shell)),
  'dialog.pageDown': (shell) => navigate.moveInDialog(shell, navigate.pageRows(shell)),

  'invite.open': (shell) => people.openInvite(shell, false),
  'invite.renew': (shell) => people.openInvite(shell, true),
  'peer.browse': browse.openSelected,
  'peer.remove': people.removePeer,
  'peer.retry': people.retryPeer,
  'peer.block': (shell) => people.blockPeer(shell, 'peer.block'),
  'peer.unblock': (shell) => people.blockPeer(shell, 'peer.unblock'),
  'peer.connect': people.askAddress,
  'agent.rename': people.askName,
  'agent.about': people.showAbout,
  'agent.start': people.startAgent,
  'agent.log': people.showLog,
  'workgroup.leave': people.askToLeave,

  'browse.open': browse.openSelected,
  'browse.up': browse.goUp,
  'browse.mark': browse.toggleMark,
  'browse.markAll': browse.toggleAllMarks,
  'browse.download': browse.download,
  'browse.print': printers.printEntry,
  'browse.path': browse.showPath,
  'browse.reload': browse.reload,
  'share.add': browse.askFolder,
  'share.new': browse.askFolder,
  'share.remove': browse.askToStopSharing,

  'transfer.details': transfers.showTransfer,
  'transfer.pause': transfers.pauseOrResume,
  'transfer.cancel': transfers.askToCancel,
  'transfer.retry': transfers.retry,

  'printer.details': printers.showPrinter,
  'printer.print': (shell) => printers.openPrint(shell, '', null),
  'printer.share': printers.shareOrStop,
  'printer.tray': printers.makeTray,
  'printer.add': printers.askPrinterAddress,
  'printer.remove': printers.removePrinter,
  'job.cancel': printers.askToCancelJob,
  'print.accept': printers.acceptPrint,
  'print.next': (shell) => printers.moveInPrint(shell, 1),
  'print.previous': (shell) => printers.moveInPrint(shell, -1),
  'print.more': (shell) => printers.changePrintValue(shell, 1),
  'print.less': (shell) => printers.changePrintValue(shell, -1),

  'notice.details': navigate.showNotice,

  'confirm.choose': forms.chooseInConfirm,
  'confirm.next': (shell) => forms.moveInConfirm(shell, 1),
  'confirm.previous': (shell) => forms.moveInConfirm(shell, -1),
  'confirm.tick': forms.tickInConfirm,
  'prompt.accept': forms.acceptPrompt,
  'field.complete': completeOrNext,

  'setup.accept': setup.acceptSetup,
  'setup.back': setup.backInSetup,
  'setup.next': (shell) => setup.moveInSetup(shell, 1),
  'setup.previous': (shell) => setup.moveInSetup(shell, -1),
  'setup.tick': setup.tickInSetup,
};

/** One key of the person. What it sets going is not waited for; what goes wrong in it is shown. */
export function press(shell: Shell, key: Key): void {
  shell.do({ type: 'key' });
  const outcome = dispatch(shell.state, key);
  switch (outcome.type) {
    case 'command':
      void run(shell, outcome.command);
      return;
    case 'refused':
      shell.hint(outcome.reason);
      return;
    case 'typed':
      for (const action of typeInto(shell.state, key)) shell.do(action);
      return;
    case 'nothing':
      return;
    default:
      outcome satisfies never;
  }
}

async function run(shell: Shell, command: CommandId): Promise<void> {
  try {
    await COMMANDS[command](shell);
  } catch (thrown) {
    shell.fail(thrown);
  }
}

/** The tab key: completes a path where one is typed, else goes on to the next line. */
async function completeOrNext(shell: Shell): Promise<void> {
  const dialog = topDialog(shell.state);
  if (dialog === null) await setup.completeOrNext(shell);
  else if (dialog.type === 'print' && focusedField(shell.state) === null) printers.moveInPrint(shell, 1);
  else await forms.completePath(shell);
}
