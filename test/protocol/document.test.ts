/** The type of a document is told by its bytes, and what cannot be printed is refused with a sentence. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { checkPdf, DocumentProbe, extensionOf, formatName, isDocumentFormat } from '../../protocol/document.js';
import { PotluckError } from '../../protocol/errors.js';
import { sampleJpeg, samplePdf, samplePng, sampleText } from '../support/samples.js';
import { spec } from '../support/spec.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function probe(bytes: Uint8Array, pieceBytes = bytes.length): string {
  const looking = new DocumentProbe();
  for (let at = 0; at < bytes.length; at += pieceBytes) looking.write(bytes.subarray(at, at + pieceBytes));
  return looking.finish('paper');
}

function refusal(bytes: Uint8Array): PotluckError {
  try {
    probe(bytes);
  } catch (thrown) {
    assert.instance(thrown, PotluckError);
    return thrown as PotluckError;
  }
  throw new Error('it was taken');
}

function told(bytes: Uint8Array, size: number): string {
  try {
    return probe(bytes, size);
  } catch (thrown) {
    return (thrown as PotluckError).message;
  }
}

const check = (bytes: Buffer): Promise<void> =>
  checkPdf('paper.pdf', bytes.length, async (offset, length) => bytes.subarray(offset, offset + length));

async function pdfError(bytes: Buffer): Promise<PotluckError> {
  try {
    await check(bytes);
  } catch (thrown) {
    return thrown as PotluckError;
  }
  throw new Error('it was taken');
}

const inTrailer = (pdf: Buffer, entry: string): Buffer =>
  latin1(pdf.toString('latin1').replace('/Root 1 0 R', `/Root 1 0 R ${entry}`));

/** A PDF whose cross-reference is a stream (PDF 1.5): its dictionary stands where `startxref` points. */
function streamPdf(entry: string): Buffer {
  const body = '%PDF-1.5\n1 0 obj\n<< /Type /Catalog >>\nendobj\n';
  const xref = `2 0 obj\n<< /Type /XRef /Size 3 ${entry} /Length 4 >>\nstream\n\x01\x02\x03\x04\nendstream\nendobj\n`;
  return latin1(`${body}${xref}startxref\n${body.length}\n%%EOF\n`);
}

spec('the type of a document', (it) => {
  const taken: Record<string, [Uint8Array, string]> = {
    'a PDF': [samplePdf(2), 'application/pdf'],
    'a PDF behind a byte order mark': [Buffer.concat([latin1('\xEF\xBB\xBF'), samplePdf(1)]), 'application/pdf'],
    'a JPEG': [sampleJpeg(), 'image/jpeg'],
    'a PNG': [samplePng(), 'image/png'],
    text: [sampleText(), 'text/plain'],
    'text that begins with two letters of a program': [Buffer.from('MZ und BM sind Kürzel\n'), 'text/plain'],
    'text with a form feed': [Buffer.from('one\ftwo\r\n\tthree'), 'text/plain'],
    'text about PDF': [Buffer.from('Each file begins with %PDF-1.4\n'), 'text/plain'],
    'PWG raster': [latin1('RaS2PwgRaster\0\0\0'), 'image/pwg-raster'],
    'Apple raster': [latin1('UNIRAST\0\0\0\0\x01'), 'image/urf'],
  };
  for (const [what, [bytes, format]] of Object.entries(taken)) {
    it(`is seen: ${what}, however the bytes come`, () => {
      assert.is(probe(bytes), format);
      assert.is(probe(bytes, 1), format);
      assert.is(probe(bytes, 7), format);
    });
  }

  const refused: Record<string, [Uint8Array, RegExp]> = {
    nothing: [Buffer.alloc(0), /empty/],
    'a docx': [latin1('PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0[Content_Types].xml'), /an office document/],
    'an odt': [
      latin1('PK\x03\x04\x14\0\0\x08\0\0mimetypeapplication/vnd.oasis.opendocument.text'),
      /an office document/,
    ],
    'an old doc': [latin1('\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0'), /an office document/],
    'an rtf': [latin1('{\\rtf1\\ansi Hallo}'), /a rich text document/],
    'a zip': [latin1('PK\x03\x04\x14\0\0\x08\0\0plans/a.dwg'), /a ZIP archive/],
    PostScript: [latin1('%!PS-Adobe-3.0\nshowpage\n'), /PostScript/],
    'printer commands': [latin1('\x1B%-12345X@PJL\n'), /one kind of printer/],
    'a GIF': [latin1('GIF89a\0\0'), /a GIF picture/],
    'a TIFF': [latin1('II*\0\x08\0'), /a TIFF picture/],
    'a BMP': [latin1('BM\x36\0\0\0\0\0'), /a BMP picture/],
    'a WebP': [latin1('RIFF\x24\0\0\0WEBPVP8 '), /a WebP picture/],
    'a HEIC': [latin1('\0\0\0\x18ftypheic\0\0'), /a HEIC picture/],
    'a web page': [latin1('<!DOCTYPE html>\n<title>x</title>'), /a web page/],
    'UTF-16 text': [Buffer.from('\uFEFFHallo', 'utf16le'), /UTF-16/],
    'Latin-1 text': [latin1('Gr\xFC\xDFe\n'), /another encoding/],
    'text cut within a letter': [Buffer.from('Grüße').subarray(0, 3), /another encoding/],
    'a program': [latin1('\x7FELF\x02\x01\x01\0'), /a program/],
    'bytes of no kind': [Buffer.from('00ff01fe02fd', 'hex'), /not a PDF, JPEG, PNG or text/],
    'text with a zero byte far behind': [Buffer.from(`${'a'.repeat(5000)}\0`), /not a PDF/],
  };
  for (const [what, [bytes, sentence]] of Object.entries(refused)) {
    it(`is refused: ${what}, with what to do`, () => {
      const error = refusal(bytes);
      assert.is(error.code, 'FORMAT_UNSUPPORTED');
      assert.match(error.message, sentence);
      assert.ok((error.hint ?? '') !== '');
    });
  }

  it('does not depend on how the bytes are cut', () => {
    const cuts = fc.tuple(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 999 }));
    fc.assert(fc.property(cuts, ([bytes, size]) => assert.is(told(bytes, size), told(bytes, bytes.length || 1))));
  });

  it('has an extension and a name for people', () => {
    assert.is(extensionOf('image/jpeg'), 'jpg');
    assert.is(formatName('text/plain'), 'text');
    assert.is(formatName('application/pdf'), 'PDF');
    assert.ok(isDocumentFormat('image/png'));
    assert.not(isDocumentFormat('application/octet-stream'));
  });
});

spec('a PDF', (it) => {
  it('passes when it is whole', async () => {
    await check(samplePdf(3));
    await check(streamPdf(''));
    await check(Buffer.concat([samplePdf(1), Buffer.alloc(300)]));
  });

  it('passes when its end points at a wrong place that print systems mend', async () => {
    await check(
      latin1(
        samplePdf(1)
          .toString('latin1')
          .replace(/startxref\n\d+/, 'startxref\n12'),
      ),
    );
  });

  it('passes when it speaks of encryption elsewhere', async () => {
    await check(samplePdf(1, '/Encrypt 9 0 R'));
    await check(inTrailer(samplePdf(1), '/EncryptMetadata false'));
  });

  it('is refused when it is cut anywhere', async () => {
    const pdf = samplePdf(2);
    for (let size = 0; size < pdf.length - '%%EOF\n'.length; size += 13) {
      const error = await pdfError(pdf.subarray(0, size));
      assert.is(error.code, 'DOCUMENT_DAMAGED');
      assert.match(error.message, /^paper\.pdf is damaged: /);
    }
  });

  it('is refused when its end points behind itself', async () => {
    const error = await pdfError(
      latin1(
        samplePdf(1)
          .toString('latin1')
          .replace(/startxref\n\d+/, 'startxref\n99999999'),
      ),
    );
    assert.is(error.code, 'DOCUMENT_DAMAGED');
  });

  it('is refused when it is encrypted, also where a long table stands before the trailer', async () => {
    const rows = '0000000000 00000 n \n'.repeat(60_000);
    const long = (entry: string): Buffer =>
      latin1(`%PDF-1.4\nxref\n0 60000\n${rows}trailer\n<< /Size 60000 ${entry} >>\nstartxref\n9\n%%EOF\n`);
    const encrypted = [
      inTrailer(samplePdf(1), '/Encrypt 9 0 R'),
      streamPdf('/Encrypt 9 0 R'),
      long('/Encrypt<</V 1>>'),
    ];
    for (const pdf of encrypted) {
      const error = await pdfError(pdf);
      assert.is(error.code, 'FORMAT_UNSUPPORTED');
      assert.match(error.message, /protected by a password/);
    }
    await check(long(''));
  });

  it('never fails otherwise, whatever the bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 400 }).map((any) => Buffer.from(any));
    const mixed = fc
      .tuple(bytes, bytes)
      .map(([a, b]) => Buffer.concat([a, latin1('xref trailer startxref 3 %%EOF'), b]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, mixed), async (any) => {
        await check(any).catch((thrown: unknown) => assert.instance(thrown, PotluckError));
      }),
    );
  });
});
