/** The rules of the house that no linter knows: the design card, head comments, banned words and imports. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { PROGRAM_VERSION } from '../../protocol/version.js';
import { spec } from '../support/spec.js';

const SOURCES = globSync('{protocol,agent,tui,install,test}/**/*.{ts,tsx,cjs}').map((file) =>
  file.replaceAll('\\', '/'),
);
const PRODUCT = SOURCES.filter((file) => !file.startsWith('test/'));
const CARD = ['bonjour-service', 'ws', 'chokidar', 'ipp', 'node-disk-info', 'ink', 'uvu'];
const TOP_LEVEL = ['agent', 'install', 'package.json', 'protocol', 'test', 'tsconfig.json', 'tui'];
const LINES_MAX = 400;
/** More would have to be argued for in DECISIONS.md and here. */
const RUNTIME_PACKAGES_MAX = 100;

const read = (file: string): string => readFileSync(file, 'utf8');

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { dev?: boolean; optional?: boolean; hasInstallScript?: boolean }>>;
}

const manifest = JSON.parse(read('package.json')) as Manifest;

spec('the house', (it) => {
  it('keeps the design card: its packages and its top level', () => {
    const named = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const name of CARD) assert.ok(Object.hasOwn(named, name), `${name} is in package.json`);
    for (const name of TOP_LEVEL) assert.ok(existsSync(name), `${name} exists`);
    const folders = readdirSync('.', { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name);
    const known = new Set([...TOP_LEVEL, 'node_modules', 'dist', 'build', 'docs']);
    assert.equal(
      folders.filter((folder) => !known.has(folder)),
      [],
    );
  });

  it('names exact versions only', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    for (const [name, version] of Object.entries(all)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });

  it('gives every runtime dependency its reason in DECISIONS.md', () => {
    const decisions = read('DECISIONS.md');
    for (const name of Object.keys(manifest.dependencies)) assert.ok(decisions.includes(`\`${name}\``), name);
  });

  it('brings a bounded number of packages, and runs no install script of any', () => {
    const lock = JSON.parse(read('package-lock.json')) as Lock;
    const brought = Object.entries(lock.packages).filter(
      ([name, entry]) => name !== '' && !entry.dev && !entry.optional,
    );
    assert.ok(brought.length <= RUNTIME_PACKAGES_MAX, `${brought.length} packages`);
    assert.equal(
      brought.filter(([, entry]) => entry.hasInstallScript).map(([name]) => name),
      [],
    );
  });

  it('says the version of package.json', () => {
    assert.is(PROGRAM_VERSION, manifest.version);
  });

  it('begins every source file with what it is', () => {
    const bare = SOURCES.filter((file) => !/^(#!.*\n)?\/\*\*/.test(read(file)));
    assert.equal(bare, []);
  });

  it('keeps every file within its length', () => {
    const long = SOURCES.filter((file) => read(file).split('\n').length > LINES_MAX + 1);
    assert.equal(long, []);
  });

  it('leaves no escape from the types and nothing unfinished in the product', () => {
    const banned = /\bas any\b|: any\b|@ts-(ignore|nocheck|expect-error)|\b(TODO|FIXME|XXX)\b|not implemented/;
    assert.equal(
      PRODUCT.filter((file) => banned.test(read(file))),
      [],
    );
  });

  it('has no barrels, no focused tests and uvu behind spec() only', () => {
    assert.equal(
      SOURCES.filter((file) => /(^|\/)index\.tsx?$/.test(file)),
      [],
    );
    const tests = SOURCES.filter((file) => file.startsWith('test/') && file !== 'test/tidy/house.test.ts');
    assert.equal(
      tests.filter((file) => /\.only\(/.test(read(file))),
      [],
    );
    assert.equal(
      tests.filter((file) => /from 'uvu'/.test(read(file)) && !file.startsWith('test/support/')),
      [],
    );
  });

  it('waits through the clock: no bare setTimeout in what decides or acts', () => {
    const waiting = PRODUCT.filter((file) => /^agent\/(core|shares|transfer|printing|workgroup|storage)\//.test(file));
    assert.equal(
      waiting.filter((file) => /\bsetTimeout\(/.test(read(file))),
      [],
    );
  });

  it('writes only names of files that exist into ARCHITECTURE.md', () => {
    const named = [...read('ARCHITECTURE.md').matchAll(/`((?:agent|tui|protocol|test|install)\/[\w./-]+)`/g)];
    const missing = named.map((match) => match[1] ?? '').filter((file) => !existsSync(file.replace(/\/$/, '')));
    assert.equal(missing, []);
  });

  it('uses the words of the house', () => {
    const banned = /\b(chunk|chunks)\b/i;
    assert.equal(
      PRODUCT.filter(
        (file) => /^(protocol|agent\/core|agent\/transfer|agent\/shares)\//.test(file) && banned.test(read(file)),
      ),
      [],
    );
  });
});
