/** What the demo's office holds: three PCs with shares, trays, and one workgroup. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { samplePdf } from '../support/samples.js';
import { type Desk, type Office, until } from './office.js';

export const WORKGROUP = 'Rua Nova 12';
/** Big enough that the download is seen to move, small enough for any PC. */
const VIDEO_BYTES = 48 * 1024 * 1024;

/** Opens the three desks and fills them. @returns ana, bruno, carla */
export async function furnish(office: Office): Promise<Desk[]> {
  const desks = await Promise.all(['ana-laptop', 'bruno-pc', 'carla-mac'].map((name) => office.open(name)));
  const [ana, bruno, carla] = desks;
  if (ana === undefined || bruno === undefined || carla === undefined) throw new Error('three desks were asked for');
  const plans = write(bruno, 'Projects', {
    'Harbour/plan-v7.pdf': samplePdf(3),
    'Harbour/notes.txt': 'Harbour plan: version 7 is the one that counts.\n',
    'Harbour/site-video.mp4': noise(VIDEO_BYTES, 7),
    'Harbour/Übersicht März.txt': 'Größe, Maße, Straße: names travel as they are.\n',
    'empty.txt': '',
  });
  const handbook = write(carla, 'Handbook', {
    'welcome.txt': 'Coffee is on the second floor.\n',
    'contract.pdf': samplePdf(1),
  });
  const photos = write(ana, 'Photos', { 'read me.txt': 'The pictures of the summer party come here.\n' });
  await bruno.verb('share', 'add', plans);
  await carla.verb('share', 'add', handbook);
  await ana.verb('share', 'add', photos);
  for (const desk of [bruno, carla]) {
    await desk.verb('printer', 'add', `tray:${path.join(desk.folder, 'tray')}`, '--name', 'PDF tray');
    await desk.verb('printer', 'share', 'PDF tray');
  }
  return desks;
}

/** The first desk founds the workgroup and invites the others, one code each. */
export async function joinAll(office: Office): Promise<void> {
  const [founder, ...others] = office.desks;
  if (founder === undefined) throw new Error('nobody is here');
  await founder.verb('workgroup', 'create', WORKGROUP);
  for (const desk of others) {
    const { code } = await founder.verb<{ code: string }>('workgroup', 'invite');
    await desk.verb('workgroup', 'join', code);
  }
  for (const desk of office.desks) {
    await until(`${desk.name} sees everybody`, async () => {
      const peers = await desk.verb<{ state: string }[]>('peers');
      return peers.filter((peer) => peer.state === 'online').length === others.length ? true : null;
    });
  }
}

function write(desk: Desk, share: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = path.join(desk.folder, share);
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return folder;
}

/** Bytes that do not repeat, the same on every run (xorshift32). */
function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  let state = seed;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer);
}
