/**
 * The last step of the build: the modules of `potluck` become a few files, because a command line is started
 * many times a day and each module costs a start something (`status`: 1.8 times `node -e 0` before, 1.6 after).
 *
 * tsc has checked the types and written everything before; this replaces what it wrote for tui/. The agent is
 * left as it is: it starts once, and its threads are files of their own.
 */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

/** Packages in the old format ask for Node's modules by `require`. An old Node, on its way to the guard, has no such thing. */
const REQUIRE = "var require = process.getBuiltinModule?.('node:module').createRequire(import.meta.url);";

rmSync('dist/tui', { recursive: true, force: true });
await build({
  entryPoints: ['tui/main.ts'],
  outdir: 'dist/tui',
  entryNames: '[name]',
  chunkNames: 'parts/[name]-[hash]',
  // What a verb does not need stays in files that it does not load: the other verbs, and all of the UI.
  splitting: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // React and Ink without what is for their own development.
  define: { 'process.env.NODE_ENV': '"production"' },
  external: ['react-devtools-core'],
  banner: { js: REQUIRE },
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
  // ui.tsx sets it for a build without this step.
  logOverride: { 'assign-to-define': 'silent' },
});
