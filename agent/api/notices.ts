/**
 * What happened and a person should know: who came into the workgroup and who was removed, and by whom;
 * downloads and jobs that ended otherwise than they should. Kept in memory, the newest few.
 */
import { type PeerId, peerIdText } from '../../protocol/ids.js';
import { NOTICES_KEPT_COUNT } from '../../protocol/limits.js';
import type { JobRow, NoticeRow, TransferRow } from '../../protocol/local/model.js';
import type { Board, BoardChange } from '../platform/board.js';
import type { Clock } from '../platform/clock.js';
import type { Events } from '../platform/events.js';
import { type Closable, Scope } from '../platform/scope.js';
import type { Membership } from '../workgroup/membership.js';

export interface NoticesOptions {
  readonly board: Board;
  readonly clock: Clock;
  readonly events: Events;
  readonly membership: Membership;
  readonly self: PeerId;
}

const LAPSES = {
  left: 'This PC has left the workgroup',
  removed: 'This PC was removed from the workgroup',
  rekeyed: 'This PC has another key now and is no longer in the workgroup',
} as const;

export class Notices implements Closable {
  readonly #options: NoticesOptions;
  readonly #scope = new Scope();
  readonly #ids: string[] = [];
  /** Names of the members, as of the last change. */
  #members: ReadonlyMap<PeerId, string>;
  #count = 0;

  constructor(options: NoticesOptions) {
    const { board, events, membership } = options;
    this.#options = options;
    this.#members = namesOf(membership);
    this.#scope.defer(board.subscribe((change) => this.#boardChanged(change)));
    this.#scope.defer(events.on('workgroup.changed', () => this.#workgroupChanged()));
    this.#tellLapse();
  }

  add(level: NoticeRow['level'], text: string, code: string | null = null): void {
    const { board, clock } = this.#options;
    this.#count += 1;
    const id = String(this.#count);
    this.#ids.push(id);
    board.put('notices', id, { id, at: new Date(clock.wallMs()).toISOString(), level, text, code });
    while (this.#ids.length > NOTICES_KEPT_COUNT) board.delete('notices', this.#ids.shift() ?? '');
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  #workgroupChanged(): void {
    const { membership, self } = this.#options;
    const before = this.#members;
    this.#members = namesOf(membership);
    if (membership.id === null) {
      if (before.size > 0) this.#tellLapse();
      return;
    }
    if (before.size === 0) return;
    for (const { id, name, addedBy } of membership.members()) {
      if (before.has(id) || id === self) continue;
      const by = addedBy === null ? '' : `, invited by ${addedBy === self ? 'this PC' : this.#nameOf(addedBy)}`;
      this.add('info', `${name} joined the workgroup${by}`);
    }
    for (const [id, name] of before) {
      if (!this.#members.has(id)) this.add('warn', `${name} is no longer in the workgroup`);
    }
  }

  #tellLapse(): void {
    const { lapse } = this.#options.membership;
    if (lapse === null) return;
    const by = lapse.by === null ? '' : ` by ${lapse.by.name}`;
    this.add('warn', `${LAPSES[lapse.kind]} ${lapse.workgroup}${by}`, 'NOT_A_MEMBER');
  }

  #boardChanged(change: BoardChange): void {
    if (change.type !== 'put') return;
    if (change.table === 'transfers') this.#transferChanged(change.row as TransferRow);
    if (change.table === 'jobs') this.#jobChanged(change.row as JobRow);
  }

  #transferChanged({ name, state, error, failedCount, direction, finishedAt }: TransferRow): void {
    if (direction === 'up' || finishedAt === null || !this.#isNew(finishedAt)) return;
    if (state === 'failed') this.add('error', `${name}: ${error?.message ?? 'could not be downloaded'}`, error?.code);
    if (state === 'done' && failedCount > 0)
      this.add('warn', `${name}: ${failedCount} files could not be had`, 'PARTIAL');
  }

  #jobChanged({ title, printer, state, because, finishedAt }: JobRow): void {
    if (finishedAt === null || !this.#isNew(finishedAt)) return;
    if (state === 'aborted' || state === 'uncertain') {
      this.add('error', `${title} on ${printer}: ${because === '' ? state : because}`, 'PRINTER_FAILED');
    }
  }

  /** Something that ended just now, and not a row of an earlier run that is shown again. */
  #isNew(finishedAt: string): boolean {
    return this.#options.clock.wallMs() - Date.parse(finishedAt) < 10_000;
  }

  #nameOf(id: PeerId): string {
    return this.#members.get(id) ?? peerIdText(id).slice(0, 7);
  }
}

function namesOf(membership: Membership): ReadonlyMap<PeerId, string> {
  return new Map(membership.members().map(({ id, name }) => [id, name]));
}
