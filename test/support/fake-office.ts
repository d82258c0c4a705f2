/** Rows of an office as an agent would show them: one maker a noun, and a whole office for pictures. */
import type { EntryRow } from '../../protocol/local/api.js';
import type {
  JobRow,
  NoticeRow,
  PeerRow,
  PrinterRow,
  Row,
  SelfRow,
  ShareRow,
  TableName,
  TransferRow,
} from '../../protocol/local/model.js';

export type Rows = { readonly [T in TableName]?: readonly Row<T>[] };

/** Folders by `peer id/share/path`, each with its entries. */
export type Folders = ReadonlyMap<string, readonly EntryRow[]>;

/** The moment at which the tests of the UI stand still. */
export const NOW = Date.UTC(2026, 4, 14, 10, 0);
const MINUTE_MS = 60_000;

export function ago(minutes: number): string {
  return new Date(NOW - minutes * MINUTE_MS).toISOString();
}

export const SELF_ID = 'AAAAAAA-ANALAP0-SELF';

export function self(change: Partial<SelfRow> = {}): SelfRow {
  return {
    id: SELF_ID,
    name: 'ana-laptop',
    workgroup: { id: 'f00d', name: 'Rua Nova 12' },
    version: '0.1.0',
    platform: 'linux',
    port: 17_700,
    addresses: ['192.168.1.20'],
    startedAt: ago(300),
    discovery: true,
    inviteUntil: null,
    downloads: '/home/ana/Downloads',
    disk: { free: 180e9, total: 512e9 },
    rateDown: 0,
    rateUp: 0,
    ...change,
  };
}

export function peer(name: string, change: Partial<PeerRow> = {}): PeerRow {
  return {
    id: `id-${name}`,
    name,
    state: 'online',
    because: '',
    addresses: ['192.168.1.31:17700'],
    lastSeen: ago(0),
    version: '0.1.0',
    platform: 'linux',
    disk: { free: 50e9, total: 256e9 },
    shares: 1,
    printers: 0,
    internet: false,
    ...change,
  };
}

export function share(name: string, change: Partial<ShareRow> = {}): ShareRow {
  const id = `share-${name}`;
  return { id, name, folder: `/home/ana/${name}`, writable: false, only: [], except: [], state: 'ok', ...change };
}

const SIZE_BYTES = 8.4e9;

/** @param done  0 to 1 */
export function download(name: string, done: number, change: Partial<TransferRow> = {}): TransferRow {
  const bytes = Math.round(done * SIZE_BYTES);
  return {
    id: `t-${name}`,
    direction: 'down',
    name,
    state: 'active',
    bytes,
    size: SIZE_BYTES,
    files: 1,
    filesDone: 0,
    rate: 38e6,
    left: 128,
    sources: [{ peer: 'id-bruno-pc', name: 'bruno-pc', bytes }],
    because: '',
    to: `/home/ana/Downloads/${name}`,
    wrong: 0,
    error: null,
    failed: [],
    failedCount: 0,
    startedAt: ago(4),
    finishedAt: null,
    ...change,
  };
}

export function printer(name: string, change: Partial<PrinterRow> = {}): PrinterRow {
  return {
    peer: 'id-bruno-pc',
    peerName: 'bruno-pc',
    name,
    state: 'idle',
    reasons: [],
    because: 'ready',
    info: '',
    location: '',
    formats: ['application/pdf', 'image/jpeg', 'image/png', 'text/plain'],
    media: ['iso_a4_210x297mm', 'iso_a5_148x210mm'],
    mediaDefault: 'iso_a4_210x297mm',
    color: false,
    duplex: false,
    copiesMax: 99,
    queued: 0,
    shared: true,
    only: [],
    local: false,
    uri: `potluck:id-bruno-pc/${name}`,
    ...change,
  };
}

export function job(title: string, change: Partial<JobRow> = {}): JobRow {
  return {
    id: `job-${title}`,
    printer: 'bruno-pc/HP 2nd floor',
    title,
    owner: 'ana-laptop',
    mine: true,
    state: 'queued',
    because: '',
    pages: null,
    copies: 1,
    format: 'application/pdf',
    size: 120e3,
    sent: 120e3,
    createdAt: ago(2),
    finishedAt: null,
    ...change,
  };
}

export function notice(text: string, change: Partial<NoticeRow> = {}): NoticeRow {
  return { id: `n-${text}`, at: ago(5), level: 'info', text, code: null, ...change };
}

export function file(name: string, size: number, change: Partial<EntryRow> = {}): EntryRow {
  return { name, type: 'file', size, modified: ago(60 * 24 * 3), content: null, ...change };
}

export function folder(name: string, change: Partial<EntryRow> = {}): EntryRow {
  return { name, type: 'folder', size: 0, modified: ago(60 * 24 * 90), content: null, ...change };
}

/** An office in the middle of its day, with everything that a screen can show. */
export function office(): { readonly rows: Rows; readonly folders: Folders } {
  const rows: Rows = {
    self: [self({ rateDown: 42e6, rateUp: 2e6 })],
    peers: [
      peer('bruno-pc', { shares: 4, printers: 1, disk: { free: 210e9, total: 1e12 } }),
      peer('carla-mac', {
        shares: 2,
        platform: 'darwin',
        disk: { free: 18e9, total: 256e9 },
        addresses: ['192.168.1.32:17700'],
      }),
      peer('diego-ws', {
        state: 'connecting',
        because: 'found at 192.168.1.40, not answered yet',
        shares: 0,
        disk: null,
        version: null,
        addresses: ['192.168.1.40:17700'],
      }),
      peer('elena-pc', {
        state: 'offline',
        because: 'not seen since 08:00',
        lastSeen: ago(120),
        shares: 7,
        disk: { free: 1.2e12, total: 2e12 },
        addresses: ['192.168.1.33:17700'],
      }),
      peer('front-desk', { printers: 1, disk: { free: 90e9, total: 128e9 }, addresses: ['192.168.1.34:17700'] }),
      peer('gui-notebook', {
        state: 'blocked',
        because: 'you blocked it on this PC',
        shares: 0,
        disk: null,
        addresses: ['192.168.1.35:17700'],
      }),
    ],
    shares: [
      share('Projects', { folder: '/home/ana/work/Projects' }),
      share('Photos 2026', { only: ['id-bruno-pc', 'id-carla-mac'] }),
      share('Old disk', { folder: '/media/ana/OLD', state: 'missing' }),
    ],
    transfers: [
      download('site-video.mp4', 0.42, {
        sources: [
          { peer: 'id-bruno-pc', name: 'bruno-pc', bytes: 2.5e9 },
          { peer: 'id-carla-mac', name: 'carla-mac', bytes: 1.028e9 },
        ],
        wrong: 1_048_576,
      }),
      download('drawings', 0.15, {
        size: 3.1e9,
        bytes: 465e6,
        files: 118,
        filesDone: 21,
        rate: 4e6,
        left: 660,
        startedAt: ago(3),
      }),
      download('backup.tar', 0.3, {
        state: 'waiting',
        because: 'elena-pc is offline; goes on by itself when it is back',
        rate: 0,
        left: null,
        sources: [{ peer: 'id-elena-pc', name: 'elena-pc', bytes: 2.5e9 }],
        startedAt: ago(2),
      }),
      download('contract.pdf', 1, {
        state: 'done',
        size: 1.2e6,
        bytes: 1.2e6,
        rate: 0,
        left: null,
        finishedAt: ago(10),
      }),
      download('minutes.docx', 0.1, {
        state: 'failed',
        rate: 0,
        left: null,
        error: { code: 'GONE', message: 'minutes.docx changed while it was being fetched' },
        finishedAt: ago(12),
      }),
      download('plan-v7.dwg', 1, {
        direction: 'up',
        state: 'done',
        size: 212e6,
        bytes: 212e6,
        rate: 0,
        left: null,
        sources: [{ peer: 'id-bruno-pc', name: 'bruno-pc', bytes: 212e6 }],
        to: '',
        finishedAt: ago(1),
      }),
    ],
    printers: [
      printer('HP 2nd floor', {
        color: true,
        duplex: true,
        info: 'HP Color LaserJet',
        location: '2nd floor, by the window',
      }),
      printer('Brother', {
        peer: 'id-front-desk',
        peerName: 'front-desk',
        state: 'stopped',
        reasons: ['media-empty'],
        because: 'out of paper',
        queued: 2,
        uri: 'potluck:id-front-desk/Brother',
      }),
      printer('Tray', {
        peer: SELF_ID,
        peerName: 'ana-laptop',
        local: true,
        shared: false,
        media: [],
        mediaDefault: null,
        uri: 'tray:/home/ana/Printed',
      }),
    ],
    jobs: [
      job('contract.pdf', { printer: 'front-desk/Brother', state: 'blocked', because: 'out of paper' }),
      job('minutes.pdf', { state: 'completed', pages: 1, createdAt: ago(11), finishedAt: ago(10) }),
      job('label.png', {
        mine: false,
        owner: 'carla-mac',
        printer: 'ana-laptop/Tray',
        state: 'printing',
        pages: 1,
        createdAt: ago(1),
      }),
    ],
    notices: [
      notice('front-desk is online', { at: ago(30) }),
      notice('elena-pc sent a wrong piece of site-video.mp4; it was fetched again from bruno-pc', {
        at: ago(3),
        level: 'warn',
        code: 'INTEGRITY',
      }),
      notice('gui-notebook was let in by bruno-pc', { at: ago(60 * 30) }),
    ],
  };
  return { rows, folders: sampleFolders() };
}

function sampleFolders(): Folders {
  return new Map<string, readonly EntryRow[]>([
    ['id-bruno-pc/Projects', [folder('2025'), folder('2026'), file('readme.txt', 900)]],
    ['id-bruno-pc/Projects/2025', []],
    ['id-bruno-pc/Projects/2026', [folder('Harbour'), folder('Mill')]],
    [
      'id-bruno-pc/Projects/2026/Harbour',
      [
        folder('drawings'),
        file('contract.pdf', 1.2e6),
        file('Harbour — notes on the façade.md', 14e3, { modified: ago(90) }),
        file('invoice\u{202E}gpj.exe', 90e3),
        file('plan-v7.dwg', 212e6, { modified: ago(60 * 24) }),
        file('site-video.mp4', 8.4e9),
        file('港の計画.pdf', 3.3e6, { modified: ago(60 * 24 * 500) }),
      ],
    ],
    [
      'id-bruno-pc/Projects/2026/Harbour/drawings',
      Array.from({ length: 700 }, (_, n) => file(`sheet-${n + 1}.pdf`, 1e5 + n)),
    ],
    ['id-bruno-pc/Templates', [file('letter.docx', 30e3)]],
    ['id-carla-mac/Photos', [file('office.jpg', 2e6)]],
    [`${SELF_ID}/Projects`, [file('offer.pdf', 300e3), folder('old')]],
  ]);
}
