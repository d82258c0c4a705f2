/**
 * A program of its own: prints where file systems are mounted, as JSON, and ends.
 *
 * The package that knows it runs `df` and waits for it, which a network disk that does not answer can hold up
 * for ever; so nothing but this process waits. See disk.ts.
 */
import { getDiskInfoSync } from 'node-disk-info';

process.stdout.write(JSON.stringify(getDiskInfoSync().map((drive) => drive.mounted)));
