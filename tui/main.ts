#!/usr/bin/env node
/**
 * `potluck`: the program that people and scripts start.
 *
 * Nothing but the guard is imported before the guard has run, so that an old Node never meets what it cannot read.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRuntime, requireNode } from '../install/require-node.js';

const here = fileURLToPath(import.meta.url);
await requireNode(here);

const { runCli } = await import('./cli/run.js');
process.exitCode = await runCli(process.argv.slice(2), {
  main: here,
  agent: fileURLToPath(new URL('../agent/main.js', import.meta.url)),
  runtime: () => findRuntime(path.dirname(here), process.platform, process.arch, existsSync) ?? process.execPath,
  openUi: async (options) => (await import('./ui.js')).openUi(options),
});
