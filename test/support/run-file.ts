/**
 * Runs one compiled test file in a process of its own and reports the count to test/run.ts.
 *
 * uvu looks at UVU_DEFER when it is first loaded, so it is set before anything imports it.
 */
export {};

(globalThis as { UVU_DEFER?: number }).UVU_DEFER = 1;
const file = process.argv[2];
if (file === undefined) throw new Error('usage: run-file FILE');

const { tally } = await import('./spec.js');
const { run } = await import('uvu/run');
await run([{ name: file, file }], { bail: false });
process.send?.(tally);
process.disconnect?.();
