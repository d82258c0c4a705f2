/**
 * A coworker and a PC that downloads from it, in a process of their own that a test can kill.
 *
 *   transfer-child FOLDER PATH DELAY_MS
 *
 * FOLDER holds everything; PATH is downloaded, or what was begun goes on. Prints `bytes N` as they come and
 * `over STATE PIECES`, with the number of pieces the coworker was asked for by this process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Coworker, Downloader } from './transfers.js';

const [base = '', wanted = '', delay = '0'] = process.argv.slice(2);
const never = { defer: (): void => undefined };
const ana = new Coworker(never, base);
const bruno = new Downloader(never, base, ana);
if (delay !== '0') ana.network.pace = () => sleep(Number(delay));
const id = bruno.downloads.list()[0]?.id ?? bruno.get(wanted).id;
bruno.board.subscribe(() => console.log(`bytes ${bruno.row(id).bytes}`));
const row = await bruno.until(id, ({ state }) => state === 'done' || state === 'failed');
console.log(`over ${row.state} ${ana.network.pieces} ${JSON.stringify(row.error)}`);
process.exit(0);
