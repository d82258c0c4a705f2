/** `share …`: the folders that this PC offers. */
import path from 'node:path';
import { PotluckError } from '../../../protocol/errors.js';
import type { ShareRow } from '../../../protocol/local/model.js';
import { safe } from '../../../protocol/text.js';
import type { Arguments } from '../arguments.js';
import type { Context } from '../context.js';

const COLUMNS = [{ head: 'SHARE' }, { head: 'FOLDER' }, { head: 'WHO' }, { head: '' }];

export async function add({ args, call, out }: Context): Promise<void> {
  const name = args.value('name');
  const folder = path.resolve(args.at(0));
  const share = await call('share.add', { folder, ...(name === null ? {} : { name }), ...audienceOf(args) });
  await out.result(share, () => lineOf(share));
}

export async function list({ call, out }: Context): Promise<void> {
  const { shares } = await call('share.list', {});
  await out.result(shares, () =>
    shares.length === 0
      ? 'nothing is shared yet: potluck share add FOLDER'
      : out.table(
          COLUMNS,
          shares.map((share) => [share.name, share.folder, audienceText(share), share.state === 'ok' ? '' : missing()]),
        ),
  );
}

export async function set({ args, call, out }: Context): Promise<void> {
  const rename = args.value('rename');
  const audience = args.has('everybody') ? { only: [], except: [] } : audienceOf(args);
  if (rename === null && Object.keys(audience).length === 0) {
    throw new PotluckError('USAGE', 'nothing to change: --rename, --only, --except or --everybody');
  }
  const share = await call('share.set', { name: args.at(0), ...(rename === null ? {} : { rename }), ...audience });
  await out.result(share, () => lineOf(share));
}

export async function remove({ args, call, out }: Context): Promise<void> {
  const share = await call('share.remove', { name: args.at(0) });
  await out.result(share, () => `${safe(share.name)} is no longer shared; ${safe(share.folder)} stays as it is`);
}

/** @throws PotluckError USAGE: both, or with --everybody */
function audienceOf(args: Arguments): { only?: string[]; except?: string[] } {
  const [only, except] = [args.values('only'), args.values('except')];
  if (only.length > 0 && except.length > 0) throw new PotluckError('USAGE', '--only and --except exclude each other');
  // Naming one list empties the other, so that a share never keeps both.
  if (only.length > 0) return { only, except: [] };
  return except.length > 0 ? { only: [], except } : {};
}

function lineOf(share: ShareRow): string {
  return safe(`${share.name} shares ${share.folder} with ${audienceText(share)}`);
}

function audienceText({ only, except }: ShareRow): string {
  if (only.length > 0) return `only ${shortIds(only)}`;
  return except.length > 0 ? `everybody but ${shortIds(except)}` : 'everybody';
}

function shortIds(ids: readonly string[]): string {
  return ids.map((id) => id.slice(0, 7)).join(', ');
}

function missing(): { readonly text: string; readonly style: 'bad' } {
  return { text: 'the folder is missing', style: 'bad' };
}
