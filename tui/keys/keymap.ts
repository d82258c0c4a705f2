/**
 * Every key of the terminal UI, as data. The help line, the help overlay, the command palette and the
 * dispatcher are all made from this table, so a key that works is a key that is shown.
 *
 * One key, one meaning: a verb (d, p, o, s, n, x, i, y, r) means the same wherever it stands, and where it
 * does not apply it is refused with the reason, never given another use.
 */

/** Who hears a key: the topmost dialog and `anywhere`, or the screen, `list`, `global` and `anywhere`. */
export type PlaceName =
  | 'anywhere'
  | 'global'
  | 'list'
  | 'peers'
  | 'browse'
  | 'transfers'
  | 'printers'
  | 'activity'
  | 'filter'
  | 'confirm'
  | 'palette'
  | 'help'
  | 'text'
  | 'invite'
  | 'prompt'
  | 'print'
  | 'setup'
  | 'absent'
  | 'starting';

export interface Binding<C extends string = string> {
  readonly place: PlaceName;
  /** As view/hooks spells them: 'enter', 'ctrl+p', 'G', '/'. None: only in the palette. */
  readonly keys: readonly string[];
  readonly command: C;
  /** Two words at most: it must fit the help line. */
  readonly label: string;
  /** A sentence for the help overlay and the palette. */
  readonly help: string;
  /** Lower comes first on the help line; null: not on it. */
  readonly rank: number | null;
  /** Offered by the palette. */
  readonly palette: boolean;
}

interface Options {
  readonly rank?: number;
  readonly palette?: boolean;
}

function bind<C extends string>(
  place: PlaceName,
  keys: string,
  command: C,
  label: string,
  help: string,
  options: Options = {},
): Binding<C> {
  const named = keys === '' ? [] : keys.split(' ');
  return { place, keys: named, command, label, help, rank: options.rank ?? null, palette: options.palette ?? false };
}

const SHOWN = { palette: true };
const verb = (rank: number): Options => ({ rank, palette: true });

const TABLE = [
  bind('anywhere', 'ctrl+c', 'app.quit', 'leave', 'Leave; the agent goes on'),
  bind('anywhere', 'ctrl+z', 'app.suspend', 'suspend', 'Back to the shell; `fg` returns'),

  bind('global', '1', 'screen.peers', 'peers', 'Go to Peers', SHOWN),
  bind('global', '2', 'screen.browse', 'browse', 'Go to Browse', SHOWN),
  bind('global', '3', 'screen.transfers', 'transfers', 'Go to Transfers', SHOWN),
  bind('global', '4', 'screen.printers', 'printers', 'Go to Printers', SHOWN),
  bind('global', '5', 'screen.activity', 'activity', 'Go to Activity', SHOWN),
  bind('global', ': ctrl+p', 'palette.open', 'commands', 'Find a command by its name', { rank: 7 }),
  bind('global', '?', 'help.open', 'keys', 'Show every key', { rank: 8 }),
  bind('global', 'q', 'app.quit', 'leave', 'Leave; the agent goes on', verb(9)),
  bind('global', 'esc', 'app.back', 'back', 'Undo the filter or the marks, else go to Peers'),
  bind('global', 'i', 'invite.open', 'invite', 'Show a code that lets a coworker in', SHOWN),
  bind('global', '', 'peer.connect', 'connect', 'Connect to a coworker by address', SHOWN),
  bind('global', '', 'share.new', 'share folder', 'Share a folder of this PC', SHOWN),
  bind('global', '', 'agent.rename', 'rename', 'Give this PC another name', SHOWN),
  bind('global', '', 'agent.about', 'about', 'Show what is known of this PC and its agent', SHOWN),
  bind('global', '', 'workgroup.leave', 'leave group', 'Leave the workgroup', SHOWN),

  bind('list', 'up k', 'list.up', 'up', 'One row up'),
  bind('list', 'down j', 'list.down', 'down', 'One row down'),
  bind('list', 'pgup', 'list.pageUp', 'page up', 'One page up'),
  bind('list', 'pgdn', 'list.pageDown', 'page down', 'One page down'),
  bind('list', 'g home', 'list.first', 'first', 'The first row'),
  bind('list', 'G end', 'list.last', 'last', 'The last row'),
  bind('list', 'tab', 'list.section', 'section', 'The next part of the list'),
  bind('list', '/', 'filter.open', 'filter', 'Show only rows that match', { rank: 6 }),

  bind('peers', 'enter right', 'peer.browse', 'browse', 'Look at what this coworker shares', verb(1)),
  bind('peers', 'i', 'invite.open', 'invite', 'Show a code that lets a coworker in', { rank: 2 }),
  bind('peers', 'x', 'peer.remove', 'remove', 'Remove this coworker from the workgroup', verb(5)),
  bind('peers', 'r', 'peer.retry', 'reconnect', 'Try again to reach this coworker', SHOWN),
  bind('peers', '', 'peer.block', 'block', 'Block this coworker on this PC', SHOWN),
  bind('peers', '', 'peer.unblock', 'unblock', 'Talk to this blocked coworker again', SHOWN),

  bind('browse', 'enter right', 'browse.open', 'open', 'Open the share or folder', verb(1)),
  bind('browse', 'esc left backspace', 'browse.up', 'up', 'One folder up', { rank: 5 }),
  bind('browse', 'space', 'browse.mark', 'mark', 'Mark this entry', verb(3)),
  bind('browse', 'a', 'browse.markAll', 'mark all', 'Mark every entry that is shown', SHOWN),
  bind('browse', 'd', 'browse.download', 'download', 'Download the marked entries, or this one', verb(2)),
  bind('browse', 'p', 'browse.print', 'print', 'Print this file', verb(4)),
  bind('browse', 'y', 'browse.path', 'path', 'Show the path, as the command line takes it', SHOWN),
  bind('browse', 'r', 'browse.reload', 'reload', 'Read this folder again', SHOWN),
  bind('browse', 'n', 'share.add', 'add folder', 'Share another folder of this PC', { rank: 2 }),
  bind('browse', 'x', 'share.remove', 'stop sharing', 'Stop sharing this folder', verb(3)),

  bind('transfers', 'enter', 'transfer.details', 'details', 'Show everything about this transfer', verb(4)),
  bind('transfers', 's', 'transfer.pause', 'pause/resume', 'Pause this transfer, or let it go on', verb(1)),
  bind('transfers', 'x', 'transfer.cancel', 'cancel', 'Stop and delete what is here of it', verb(2)),
  bind('transfers', 'r', 'transfer.retry', 'retry', 'Try this transfer again', verb(3)),

  bind('printers', 'enter', 'printer.details', 'details', 'Show everything about this printer or job', verb(5)),
  bind('printers', 'p', 'printer.print', 'print file', 'Print a file of this PC', verb(1)),
  bind('printers', 'o', 'printer.share', 'share/stop', 'Share this printer of mine, or stop', verb(2)),
  bind('printers', 'x', 'job.cancel', 'cancel job', 'Cancel this print job', verb(3)),
  bind('printers', '', 'printer.tray', 'tray', 'Make a tray: a printer that prints into a folder', SHOWN),
  bind('printers', '', 'printer.add', 'add printer', 'Add a network printer by its address', SHOWN),
  bind('printers', '', 'printer.remove', 'remove printer', 'Remove this printer that was added here', SHOWN),

  bind('activity', 'enter', 'notice.details', 'details', 'Show the whole text', verb(1)),

  bind('filter', 'enter', 'filter.accept', 'keep', 'Keep the filter', { rank: 1 }),
  bind('filter', 'esc', 'filter.clear', 'clear', 'Show every row again', { rank: 2 }),
  bind('filter', 'up', 'list.up', 'up', 'One row up'),
  bind('filter', 'down', 'list.down', 'down', 'One row down'),

  bind('confirm', 'enter', 'confirm.choose', 'choose', 'Do what is marked', { rank: 1 }),
  bind('confirm', 'right tab down', 'confirm.next', 'next', 'The next choice', { rank: 2 }),
  bind('confirm', 'left shift+tab up', 'confirm.previous', 'previous', 'The choice before'),
  bind('confirm', 'space', 'confirm.tick', 'tick', 'Tick or untick'),
  bind('confirm', 'esc', 'dialog.close', 'keep', 'Change nothing', { rank: 3 }),

  bind('palette', 'enter', 'palette.run', 'run', 'Run the command', { rank: 1 }),
  bind('palette', 'up', 'dialog.up', 'up', 'One row up'),
  bind('palette', 'down tab', 'dialog.down', 'move', 'One row down', { rank: 2 }),
  bind('palette', 'esc', 'dialog.close', 'close', 'Close', { rank: 3 }),

  bind('help', 'up', 'dialog.up', 'up', 'One row up'),
  bind('help', 'down', 'dialog.down', 'move', 'One row down', { rank: 2 }),
  bind('help', 'pgup', 'dialog.pageUp', 'page up', 'One page up'),
  bind('help', 'pgdn', 'dialog.pageDown', 'page down', 'One page down'),
  bind('help', 'esc enter', 'dialog.close', 'close', 'Close', { rank: 1 }),

  bind('text', 'up k', 'dialog.up', 'up', 'One row up'),
  bind('text', 'down j', 'dialog.down', 'move', 'One row down', { rank: 2 }),
  bind('text', 'esc enter q', 'dialog.close', 'close', 'Close', { rank: 1 }),

  bind('invite', 'esc enter q', 'dialog.close', 'close', 'Close; the code stays valid', { rank: 1 }),
  bind('invite', 'i n', 'invite.renew', 'another code', 'Make another code', { rank: 2 }),

  bind('prompt', 'enter', 'prompt.accept', 'accept', 'Accept', { rank: 1 }),
  bind('prompt', 'tab', 'field.complete', 'complete', 'Complete the path', { rank: 2 }),
  bind('prompt', 'esc', 'dialog.close', 'cancel', 'Change nothing', { rank: 3 }),

  bind('print', 'enter', 'print.accept', 'print', 'Print it', { rank: 1 }),
  bind('print', 'tab', 'field.complete', 'complete', 'Complete the path, else the next line', { rank: 2 }),
  bind('print', 'down', 'print.next', 'next', 'The next line', { rank: 3 }),
  bind('print', 'up shift+tab', 'print.previous', 'previous', 'The line before'),
  bind('print', 'right', 'print.more', 'change', 'The next value', { rank: 4 }),
  bind('print', 'left', 'print.less', 'change', 'The value before'),
  bind('print', 'esc', 'dialog.close', 'cancel', 'Print nothing', { rank: 5 }),

  bind('setup', 'enter', 'setup.accept', 'next', 'Accept and go on', { rank: 1 }),
  bind('setup', 'up shift+tab', 'setup.previous', 'up', 'The line above'),
  bind('setup', 'down', 'setup.next', 'move', 'The line below', { rank: 3 }),
  bind('setup', 'tab', 'field.complete', 'complete', 'Complete the path, else the next line'),
  bind('setup', 'space', 'setup.tick', 'tick', 'Tick or untick', { rank: 2 }),
  bind('setup', 'esc', 'setup.back', 'back', 'One step back, or stop what is being done', { rank: 4 }),
  bind('setup', 'q', 'app.quit', 'leave', 'Leave; what was done stays', { rank: 5 }),

  bind('absent', 'enter', 'agent.start', 'start it', 'Start the agent on this PC', { rank: 1 }),
  bind('absent', 'l', 'agent.log', 'log', 'Show the last lines of its log', { rank: 2 }),
  bind('absent', 'q', 'app.quit', 'leave', 'Leave', { rank: 3 }),
  bind('starting', 'q', 'app.quit', 'leave', 'Leave', { rank: 1 }),
] as const;

export type CommandId = (typeof TABLE)[number]['command'];

export const KEYMAP: readonly Binding<CommandId>[] = TABLE;
