/**
 * What a document is, told by its bytes: the types that can be printed, and for everything else a sentence
 * that says what it is and what to do.
 *
 * A name or a declared type is never believed: a print system sends whatever is called "octet-stream" raw
 * to the device, which prints it as pages of signs. So both ends look at every byte as it passes, and a
 * type that is not known here is refused. SPEC.md, "Printing".
 */
import { PotluckError } from './errors.js';

/** Types that people print. */
export const DOCUMENT_FORMATS = ['application/pdf', 'image/jpeg', 'image/png', 'text/plain'] as const;
/** Types that a print system makes for a printer; nobody saves files in them. */
const RASTER_FORMATS = ['image/pwg-raster', 'image/urf'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number] | (typeof RASTER_FORMATS)[number];

const EXTENSIONS: Readonly<Record<DocumentFormat, string>> = {
  'application/pdf': 'pdf',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'text/plain': 'txt',
  'image/pwg-raster': 'pwg',
  'image/urf': 'urf',
};

export function isDocumentFormat(text: string): text is DocumentFormat {
  return Object.hasOwn(EXTENSIONS, text);
}

/** Without a dot. */
export function extensionOf(format: DocumentFormat): string {
  return EXTENSIONS[format];
}

/** How the type is called in a sentence. */
export function formatName(format: string): string {
  return format === 'text/plain'
    ? 'text'
    : (format.split('/')[1] ?? format).replace('-raster', ' raster').toUpperCase();
}

/** Why a document is not printed; `advice` is what a person can do. */
interface Refusal {
  readonly what: string;
  readonly advice: string;
}

/** Enough for every signature below and for the first names in a ZIP archive. */
const HEAD_BYTES = 1024;

const PDF = 'open it and export it as PDF, or print it from its own program';
const PICTURE = 'save it as JPEG or PNG';

/** First bytes as Latin-1 text. */
const SIGNATURES: readonly (readonly [starts: string, is: DocumentFormat | Refusal])[] = [
  ['\xFF\xD8\xFF', 'image/jpeg'],
  ['\x89PNG\r\n\x1A\n', 'image/png'],
  ['RaS2', 'image/pwg-raster'],
  ['UNIRAST\0', 'image/urf'],
  ['\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1', { what: 'an office document', advice: PDF }],
  ['{\\rtf', { what: 'a rich text document', advice: PDF }],
  ['%!', { what: 'PostScript', advice: 'turn it into a PDF first' }],
  ['\x1B%-12345X', { what: 'data for one kind of printer', advice: 'print it from its own program' }],
  ['GIF8', { what: 'a GIF picture', advice: PICTURE }],
  ['BM', { what: 'a BMP picture', advice: PICTURE }],
  ['II*\0', { what: 'a TIFF picture', advice: PICTURE }],
  ['MM\0*', { what: 'a TIFF picture', advice: PICTURE }],
  ['\xFF\xFE', { what: 'text in UTF-16', advice: 'save it as UTF-8' }],
  ['\xFE\xFF', { what: 'text in UTF-16', advice: 'save it as UTF-8' }],
  ['\x1F\x8B', { what: 'a compressed file', advice: 'unpack it first' }],
  ['7z\xBC\xAF', { what: 'an archive', advice: 'unpack it first' }],
  ['\x7FELF', { what: 'a program', advice: 'choose a document' }],
  ['MZ', { what: 'a program', advice: 'choose a document' }],
];

/**
 * Looks at a document as its bytes pass, from the first to the last.
 * Memory: the first 1 KiB. What a PDF holds inside is `checkPdf`'s to look at.
 */
export class DocumentProbe {
  readonly #head = new Uint8Array(HEAD_BYTES);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #size = 0;
  #isUtf8 = true;
  #hasControls = false;

  write(bytes: Uint8Array): void {
    if (this.#size < HEAD_BYTES) this.#head.set(bytes.subarray(0, HEAD_BYTES - this.#size), this.#size);
    this.#size += bytes.length;
    // Once neither can be text, reading on would only cost time.
    if (this.#hasControls) return;
    this.#hasControls = hasControls(bytes);
    if (this.#hasControls || !this.#isUtf8) return;
    try {
      this.#decoder.decode(bytes, { stream: true });
    } catch {
      this.#isUtf8 = false;
    }
  }

  /**
   * @param name  of the file, for the sentence of a refusal
   * @throws PotluckError FORMAT_UNSUPPORTED, with what it is and what to do
   */
  finish(name: string): DocumentFormat {
    const found = this.#size === 0 ? { what: 'empty', advice: 'choose another file' } : this.#look();
    if (typeof found === 'string') return found;
    throw new PotluckError('FORMAT_UNSUPPORTED', `${name} cannot be printed: it is ${found.what}`, {
      hint: found.advice,
    });
  }

  #look(): DocumentFormat | Refusal {
    const head = latin1(this.#head.subarray(0, Math.min(this.#size, HEAD_BYTES)));
    if (/^(?:\xEF\xBB\xBF)?\s*%PDF-/.test(head)) return 'application/pdf';
    if (head.startsWith('PK\x03\x04')) return archive(head);
    for (const [starts, is] of SIGNATURES) {
      // Two letters may begin a text as well.
      if (head.startsWith(starts) && (this.#hasControls || !/^[A-Z]{2}$/.test(starts))) return is;
    }
    if (/^RIFF....WEBP/s.test(head)) return { what: 'a WebP picture', advice: PICTURE };
    if (/^....ftyp(?:heic|heix|mif1|msf1|avif)/s.test(head)) return { what: 'a HEIC picture', advice: PICTURE };
    if (this.#hasControls) return { what: 'not a PDF, JPEG, PNG or text file', advice: PDF };
    if (!this.#endsWhole()) return { what: 'text in another encoding than UTF-8', advice: 'save it as UTF-8' };
    if (/^(?:\xEF\xBB\xBF)?\s*<(?:!doctype html|html|\?xml[^>]*>\s*<(?:html|svg)|svg)\b/i.test(head)) {
      return { what: 'a web page', advice: 'open it in a browser and print it from there' };
    }
    return 'text/plain';
  }

  /** A text may not end in the middle of a letter. */
  #endsWhole(): boolean {
    if (!this.#isUtf8) return false;
    try {
      this.#decoder.decode();
      return true;
    } catch {
      return false;
    }
  }
}

function archive(head: string): Refusal {
  const isOffice = /\[Content_Types\]\.xml|mimetypeapplication\/vnd\.(?:oasis|sun)|word\/|xl\/|ppt\//.test(head);
  if (isOffice) return { what: 'an office document', advice: PDF };
  if (head.includes('mimetypeapplication/epub')) return { what: 'an e-book', advice: PDF };
  return { what: 'a ZIP archive', advice: 'unpack it first' };
}

/** Bytes that no text holds: below the space all but tab, line feed, form feed, carriage return; and delete. */
function hasControls(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d) return true;
    if (byte === 0x7f) return true;
  }
  return false;
}

/** Reads up to `length` bytes of the document from `offset` on; fewer only at its end. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

const PDF_TAIL_BYTES = 64 * 1024;
/** Readers look for the end mark in the last kilobyte; what some mail programs add behind it is not counted. */
const PDF_END_BYTES = 1024;
/** The cross-reference table of a book with 400,000 objects. */
const PDF_TABLE_MAX_BYTES = 8 * 1024 * 1024;
const PDF_TABLE_STEP_BYTES = 256 * 1024;
/** `/Encrypt 12 0 R` or `/Encrypt <<…`, and not a longer name. */
const PDF_ENCRYPT = /\/Encrypt(?=[\s<])/;

/**
 * Whether a PDF is whole and open, as far as its end and the trailer that its end points at tell (ISO 32000-1,
 * 7.5.5). A slip inside, which print systems mend, is no reason to refuse.
 * @param name  of the file, for the sentence
 * @throws PotluckError DOCUMENT_DAMAGED when its end is missing; FORMAT_UNSUPPORTED when it is encrypted
 */
export async function checkPdf(name: string, size: number, read: ReadAt): Promise<void> {
  const from = Math.max(0, size - PDF_TAIL_BYTES);
  const tail = latin1(await read(from, size - from)).replace(/[\0\s]+$/, '');
  if (!tail.slice(-PDF_END_BYTES).includes('%%EOF')) {
    throw damaged(name, 'its end is missing');
  }
  const start = [...tail.matchAll(/startxref\s+(\d{1,15})/g)].at(-1);
  const at = Number(start?.[1] ?? Number.NaN);
  if (start === undefined || !(at < size)) throw damaged(name, 'its table of contents is missing');
  const lastTrailer = tail.slice(Math.max(0, tail.lastIndexOf('trailer', start.index)), start.index);
  const trailer = await trailerAt(at, size, read);
  if (trailer === null && !/\btrailer\b|\/XRef\b/.test(tail)) throw damaged(name, 'its table of contents is missing');
  if (PDF_ENCRYPT.test(trailer ?? '') || (tail.includes('trailer') && PDF_ENCRYPT.test(lastTrailer))) {
    throw new PotluckError('FORMAT_UNSUPPORTED', `${name} cannot be printed: it is protected by a password`, {
      hint: 'open it and print it from its own program, or save a copy without the protection',
    });
  }
}

/**
 * The dictionary of the cross-reference section at `at`: of a table what follows the word `trailer`, of a
 * stream what stands before its data.
 * @returns null when there is no such section at that place
 */
async function trailerAt(at: number, size: number, read: ReadAt): Promise<string | null> {
  const first = latin1(await read(at, Math.min(PDF_TABLE_STEP_BYTES, size - at)));
  if (/^\s*\d+\s+\d+\s+obj\b/.test(first)) return first.split(/\bstream\b/, 1)[0] ?? first;
  if (!/^\s*xref\b/.test(first)) return null;
  let text = first;
  for (let next = at + first.length; ;) {
    const found = text.indexOf('trailer');
    const end = found < 0 ? -1 : text.indexOf('startxref', found);
    if (end >= 0) return text.slice(found, end);
    if (next >= size || next - at >= PDF_TABLE_MAX_BYTES) return found < 0 ? null : text.slice(found);
    const more = latin1(await read(next, Math.min(PDF_TABLE_STEP_BYTES, size - next)));
    if (more === '') return null;
    next += more.length;
    // Rows of the table that were searched are let go, but for what may be half of the word.
    text = (found < 0 ? text.slice(-16) : text.slice(found)) + more;
  }
}

function damaged(name: string, why: string): PotluckError {
  return new PotluckError('DOCUMENT_DAMAGED', `${name} is damaged: ${why}`, { hint: 'fetch or export the file again' });
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
