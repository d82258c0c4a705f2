/** The samples are what they say they are, the same every time; the programs of the print system judge the documents. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { CUPS, needPackages } from './packages.js';
import { must } from './process.js';
import * as samples from './samples.js';
import { spec } from './spec.js';
import { temporaryFolder } from './temporary.js';

const needs = (): string | null => needPackages(CUPS);

spec('samples', (it) => {
  it('write a big file whose digest is the one promised, the same for the same seed', async (t) => {
    const folder = temporaryFolder(t);
    const file = path.join(folder, 'big');
    const sizeBytes = 5 * 1024 * 1024 + 7;
    const digest = await samples.writeBigFile(file, sizeBytes, 'one');
    assert.is(await samples.fileDigest(file), digest);
    assert.is(await samples.writeBigFile(file, sizeBytes, 'one'), digest);
    assert.is.not(await samples.writeBigFile(file, sizeBytes, 'two'), digest);
    assert.is(samples.sampleBytes('one', sizeBytes).length, sizeBytes);
  });

  it('write a tree with empty files and folders, and see every difference in it', async (t) => {
    const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
    await samples.writeTree(one, 100);
    await samples.writeTree(two, 100);
    const lines = await samples.treeDigest(one);
    const empty = /e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855$/;
    assert.is(lines.filter((line) => !line.endsWith('  folder')).length, 100);
    assert.is(lines.filter((line) => empty.test(line)).length, 10);
    assert.ok(lines.includes('empty  folder') && lines.includes('Фото/пусто  folder'));
    assert.equal(await samples.treeDigest(two), lines);
    await writeFile(path.join(two, 'Anlagen', 'two words 1.bin'), 'x');
    assert.not.equal(await samples.treeDigest(two), lines);
    await samples.writeTree(two, 100);
    await rm(path.join(two, 'empty'), { recursive: true });
    assert.not.equal(await samples.treeDigest(two), lines);
  });

  it(
    'make a PDF that qpdf finds nothing wrong with, page for page',
    async (t) => {
      const file = path.join(temporaryFolder(t), 'sample.pdf');
      await writeFile(file, samples.samplePdf(3, 'Brackets (and \\)'));
      assert.match(await must('qpdf', ['--check', file]), /No syntax or stream encoding errors found/);
      const text = await must('pdftotext', [file, '-']);
      assert.match(text, /Brackets \(and \\\), page 1 of 3/);
      assert.match(text, /page 3 of 3/);
    },
    { needs },
  );

  it(
    'make pictures that decode',
    async (t) => {
      const folder = temporaryFolder(t);
      await writeFile(path.join(folder, 'sample.jpg'), samples.sampleJpeg(70, 30));
      await writeFile(path.join(folder, 'sample.png'), samples.samplePng());
      // Ghostscript draws a JPEG only when it decodes to its end.
      const draw = `(${path.join(folder, 'sample.jpg')}) viewJPEG showpage`;
      const viewer = ['-q', '-dNOSAFER', '-dBATCH', '-dNOPAUSE', '-sDEVICE=nullpage', 'viewjpeg.ps', '-c', draw];
      assert.is(await must('gs', viewer), '');
      assert.is(samples.samplePng().subarray(12, 16).toString(), 'IHDR');
    },
    { needs },
  );
});
