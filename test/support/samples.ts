/**
 * Files to share, send and print: the same bytes for the same seed on every machine, valid as what they are,
 * and small unless a size is asked for.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, deflateSync } from 'node:zlib';

const BLOCK_BYTES = 1024 * 1024;

/** Endless bytes that no compression shortens, from a seed: a cipher over zeros, the fastest source there is. */
function* noise(seed: string, sizeBytes: number): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(BLOCK_BYTES);
  for (let left = sizeBytes; left > 0; left -= BLOCK_BYTES) {
    yield cipher.update(left < BLOCK_BYTES ? zeros.subarray(0, left) : zeros);
  }
}

/** `sizeBytes` bytes from a seed, in memory. */
export function sampleBytes(seed: string, sizeBytes: number): Buffer {
  return Buffer.concat([...noise(seed, sizeBytes)]);
}

/** Writes a file of any size without holding it in memory; answers its SHA-256 in hex. */
export async function writeBigFile(file: string, sizeBytes: number, seed = 'big'): Promise<string> {
  const hash = createHash('sha256');
  const hashed = function* (): Generator<Buffer> {
    for (const block of noise(seed, sizeBytes)) {
      hash.update(block);
      yield block;
    }
  };
  await pipeline(Readable.from(hashed(), { objectMode: false, highWaterMark: BLOCK_BYTES }), createWriteStream(file));
  return hash.digest('hex');
}

/** SHA-256 in hex. */
export async function fileDigest(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: BLOCK_BYTES }), hash);
  return hash.digest('hex');
}

const FOLDERS = [
  '',
  'Anlagen',
  'Anlagen/2025 März',
  'Фото',
  'Фото/夏休み',
  'a/b/c/d/e/f',
  'two words',
  "it's & co; $HOME",
];
const NAMES = [
  'plain',
  'two words',
  'Übersicht',
  'café',
  '日本語の書類',
  'Отчёт',
  '🖨 notes',
  '.hidden',
  '-rf',
  '100% #1',
];

/**
 * Fills a folder with `count` files: names in several scripts, with spaces, signs, dashes and dots at awkward
 * places, all of them legal on every system, so that a copy keeps them as they are; every tenth file is empty;
 * nested folders, two of them empty.
 */
export async function writeTree(folder: string, count = 1000, seed = 'tree'): Promise<void> {
  const places = FOLDERS.map((place) => path.join(folder, place));
  for (const place of [...places, path.join(folder, 'empty'), path.join(folder, 'Фото', 'пусто')]) {
    await mkdir(place, { recursive: true });
  }
  for (let index = 0; index < count; index += 1) {
    const name = `${NAMES[index % NAMES.length]} ${index}.bin`;
    const place = places[index % places.length] ?? folder;
    const sizeBytes = index % 10 === 9 ? 0 : 1 + ((index * 7919) % 20_000);
    await writeFile(path.join(place, name), sampleBytes(`${seed}/${index}`, sizeBytes));
  }
}

/** One line a file or folder below `folder`, sorted: its path and the SHA-256 of its bytes. Equal trees, equal lines. */
export async function treeDigest(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines: string[] = [];
  for (const entry of entries) {
    const full = path.join(entry.parentPath, entry.name);
    const kind = entry.isFile() ? await fileDigest(full) : entry.isDirectory() ? 'folder' : 'neither file nor folder';
    lines.push(`${path.relative(folder, full)}  ${kind}`);
  }
  return lines.toSorted();
}

/** A PDF of A4 pages, each with a line of text that names it: what a printer's filters accept without repair. */
export function samplePdf(pages = 1, title = 'Potluck sample'): Buffer {
  const literal = title.replace(/[\\()]/g, (sign) => `\\${sign}`);
  const kids = Array.from({ length: pages }, (_, page) => `${4 + page * 2} 0 R`);
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${pages} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  for (let page = 0; page < pages; page += 1) {
    const text = `BT /F1 24 Tf 72 720 Td (${literal}, page ${page + 1} of ${pages}) Tj ET`;
    const box = '/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>';
    objects.push(`<< /Type /Page /Parent 2 0 R ${box} /Contents ${5 + page * 2} 0 R >>`);
    objects.push(`<< /Length ${text.length} >>\nstream\n${text}\nendstream`);
  }
  let body = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = body.length;
    body += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`;
  return Buffer.from(body + table + trailer, 'latin1');
}

/** A PNG with a pattern in grey. */
export function samplePng(width = 64, height = 64): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits of grey, no interlace.
  header.writeUInt8(8, 8);
  const rows = Array.from({ length: height }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: width }, (_pixel, x) => (x * 4) ^ (y * 4))]),
  );
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngPart('IHDR', header),
    pngPart('IDAT', deflateSync(Buffer.concat(rows))),
    pngPart('IEND', Buffer.alloc(0)),
  ]);
}

/** Plain UTF-8 text with letters beyond ASCII. */
export function sampleText(lines = 20): Buffer {
  return Buffer.from(Array.from({ length: lines }, (_, line) => `${line + 1}. Grüße aus Köln, 12 €\n`).join(''));
}

/**
 * A JPEG in one shade of grey, baseline: its two code tables hold one code each, so that each square of
 * 8 × 8 is two zero bits (ITU-T T.81, annexes B and F).
 */
export function sampleJpeg(width = 64, height = 64): Buffer {
  const oneCode = [1, ...Array.from({ length: 15 }, () => 0), 0];
  const squares = Math.ceil(width / 8) * Math.ceil(height / 8);
  const bits = '00'.repeat(squares).padEnd(Math.ceil(squares / 4) * 8, '1');
  return Buffer.from([
    0xff,
    0xd8,
    ...jpegPart(0xe0, ...Buffer.from('JFIF\0'), 1, 1, 1, 0, 72, 0, 72, 0, 0),
    ...jpegPart(0xdb, 0, ...Array.from({ length: 64 }, () => 1)),
    ...jpegPart(0xc0, 8, height >> 8, height & 0xff, width >> 8, width & 0xff, 1, 1, 0x11, 0),
    ...jpegPart(0xc4, 0x00, ...oneCode),
    ...jpegPart(0xc4, 0x10, ...oneCode),
    ...jpegPart(0xda, 1, 1, 0, 0, 63, 0),
    ...(bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)),
    0xff,
    0xd9,
  ]);
}

function pngPart(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

function jpegPart(marker: number, ...body: readonly number[]): number[] {
  const length = body.length + 2;
  return [0xff, marker, length >> 8, length & 0xff, ...body];
}
