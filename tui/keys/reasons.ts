/**
 * Why a command cannot be used now: a sentence for the person who pressed its key, or null when it can.
 * Pure. The help line shows only what can be used; the help overlay and the palette show the rest dimmed.
 */
import { isSelf, JOB_OVER, selectedRow, TRANSFER_OVER, type ListRow, type RowOf } from '../store/rows.js';
import { peerName, peerOf } from '../store/select.js';
import { topDialog, type AppState } from '../store/state.js';
import type { CommandId } from './keymap.js';
import { isPathField } from './typing.js';

type Reason = (state: AppState) => string | null;

/** What the tray and the printers of this programme take; the agent looks at the bytes, not at the name. */
const PRINTABLE = /\.(pdf|jpe?g|png|txt|text|log|md|csv)$/i;

const REASONS: Partial<Record<CommandId, Reason>> = {
  'peer.browse': (state) =>
    onRow(state, 'peer', 'There is no coworker to look at', ({ peer }) => offline(peer.name, peer.state)),
  'peer.remove': (state) => onRow(state, 'peer', 'There is no coworker to remove'),
  'peer.retry': (state) =>
    onRow(state, 'peer', 'There is no coworker to reach', ({ peer }) => {
      if (peer.state === 'online') return `${peer.name} is online already`;
      return peer.addresses.length === 0 ? `No address of ${peer.name} is known` : null;
    }),
  'peer.block': (state) =>
    onRow(state, 'peer', 'Select a coworker first', ({ peer }) =>
      peer.state === 'blocked' ? `${peer.name} is blocked already` : null,
    ),
  'peer.unblock': (state) =>
    onRow(state, 'peer', 'Select a coworker first', ({ peer }) =>
      peer.state === 'blocked' ? null : `${peer.name} is not blocked`,
    ),

  'browse.open': openReason,
  'browse.mark': (state) => onRow(state, 'entry', 'Only files and folders of a share can be marked'),
  'browse.markAll': (state) => onRow(state, 'entry', 'Only files and folders of a share can be marked'),
  'browse.download': (state) => {
    const kind = selectedRow(state)?.kind;
    if (kind === 'own-share') return 'This is a folder of this PC: it is here already';
    if (kind !== 'entry' && kind !== 'share') return 'Open a share and choose a file or folder first';
    const isOwn = isSelf(state, state.ui.browse.place.peer);
    return isOwn ? 'This is a folder of this PC: it is here already' : ownerOffline(state);
  },
  'browse.print': (state) =>
    onRow(state, 'entry', 'Choose a file first', ({ entry }) => {
      if (entry.type === 'folder') return 'A folder cannot be printed; open it and choose a file';
      if (!PRINTABLE.test(entry.name)) return 'Only PDF, JPEG, PNG and text files can be printed';
      return isSelf(state, state.ui.browse.place.peer) ? null : ownerOffline(state);
    }),
  'browse.path': (state) => (selectedRow(state) === null ? 'There is nothing here that has a path' : null),
  'browse.reload': (state) => (state.ui.browse.place.peer === null ? 'This list is always up to date' : null),
  'share.add': ownShares,
  'share.remove': (state) => ownShares(state) ?? onRow(state, 'own-share', 'There is no shared folder yet'),

  'transfer.details': (state) => onRow(state, 'transfer', 'There is no transfer yet'),
  'transfer.pause': (state) =>
    onRow(state, 'transfer', 'There is no transfer to pause', ({ transfer }) => {
      if (transfer.direction === 'up') return 'A coworker fetches this; pause it there';
      return TRANSFER_OVER.has(transfer.state) ? 'This transfer is over' : null;
    }),
  'transfer.cancel': (state) =>
    onRow(state, 'transfer', 'There is no transfer to cancel', ({ transfer }) => {
      if (transfer.direction === 'up') return 'A coworker fetches this; it ends there';
      return TRANSFER_OVER.has(transfer.state) && transfer.state !== 'failed' ? 'This transfer is over' : null;
    }),
  'transfer.retry': (state) =>
    onRow(state, 'transfer', 'There is no transfer to try again', ({ transfer }) => {
      if (transfer.direction === 'up') return 'A coworker fetches this; it tries again by itself';
      return transfer.state === 'failed' || transfer.state === 'waiting' ? null : 'Nothing of this has failed';
    }),

  'printer.details': (state) => (selectedRow(state) === null ? 'There is no printer yet' : null),
  'printer.print': (state) =>
    state.agent.tables.printers.size === 0 ? 'No printer is shared yet, and this PC has none' : null,
  'printer.share': (state) =>
    onRow(state, 'printer', 'Select a printer of this PC first', ({ printer }) =>
      printer.local ? null : `This printer belongs to ${printer.peerName}`,
    ),
  'printer.remove': (state) =>
    onRow(state, 'printer', 'Select a printer of this PC first', ({ printer }) => {
      if (!printer.local) return `This printer belongs to ${printer.peerName}`;
      return printer.uri.startsWith('cups:') ? 'This printer is set up in the print system of this PC' : null;
    }),
  'job.cancel': (state) =>
    onRow(state, 'job', 'Select a print job first', ({ job }) => (JOB_OVER.has(job.state) ? 'This job is over' : null)),

  'notice.details': (state) => onRow(state, 'notice', 'Nothing has happened yet'),
  'list.section': (state) => (['transfers', 'printers'].includes(state.ui.screen) ? null : 'This list has no parts'),

  'confirm.tick': (state) => {
    const dialog = topDialog(state);
    return dialog?.type === 'confirm' && dialog.index < dialog.ticks.length ? null : 'Only names above can be ticked';
  },
  'setup.next': (state) => (['create', 'name'].includes(state.ui.setup?.step ?? '') ? 'There is only this line' : null),
  'setup.back': (state) => {
    const { setup } = state.ui;
    if (setup?.busy !== null) return null;
    if (setup.step === 'choose') return 'This is the first question; q leaves';
    return setup.step === 'name' ? 'This PC is in the workgroup already; enter goes on' : null;
  },
  'setup.tick': (state) => {
    const { setup } = state.ui;
    return setup?.step === 'folders' && setup.index < setup.folders.length ? null : 'Only folders can be ticked';
  },
};

export function reasonAgainst(command: CommandId, state: AppState): string | null {
  return REASONS[command]?.(state) ?? null;
}

/** Would the key be of use in the field that has the focus? The help line then names it. */
export function isHelpful(command: CommandId, state: AppState): boolean {
  if (command === 'field.complete') return isPathField(state);
  return reasonAgainst(command, state) === null;
}

/** @param otherwise  what is said when the selected row is of another kind, or there is none */
function onRow<K extends ListRow['kind']>(
  state: AppState,
  kind: K,
  otherwise: string,
  check: (row: RowOf<K>) => string | null = () => null,
): string | null {
  const row = selectedRow(state);
  return row?.kind === kind ? check(row as RowOf<K>) : otherwise;
}

function openReason(state: AppState): string | null {
  const row = selectedRow(state);
  switch (row?.kind) {
    case 'self':
    case 'own-share':
      return null;
    case 'peer':
      return offline(row.peer.name, row.peer.state);
    case 'share':
      return ownerOffline(state);
    case 'entry':
      if (row.entry.type === 'file') return 'This is a file: d downloads it, p prints it';
      return ownerOffline(state);
    case 'heading':
    case 'transfer':
    case 'printer':
    case 'job':
    case 'notice':
    case undefined:
      return 'There is nothing to open';
    default:
      return row satisfies never;
  }
}

function ownShares(state: AppState): string | null {
  const { place } = state.ui.browse;
  if (place.peer === null || (isSelf(state, place.peer) && place.share === null)) return null;
  return isSelf(state, place.peer)
    ? 'Go up to the shares of this PC first'
    : `This is ${peerName(state, place.peer)}; go up to this PC first`;
}

function ownerOffline(state: AppState): string | null {
  const { peer } = state.ui.browse.place;
  if (peer === null || isSelf(state, peer)) return null;
  const owner = peerOf(state, peer);
  return owner === null ? 'This coworker has left the workgroup' : offline(owner.name, owner.state);
}

function offline(name: string, state: 'online' | 'connecting' | 'offline' | 'blocked'): string | null {
  switch (state) {
    case 'online':
      return null;
    case 'connecting':
      return `${name} is still connecting`;
    case 'offline':
      return `${name} is offline`;
    case 'blocked':
      return `${name} is blocked on this PC`;
    default:
      return state satisfies never;
  }
}
