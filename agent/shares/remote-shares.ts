/**
 * The shares of coworkers, as this PC asks for them.
 *
 * Answers have passed their schemas; what a schema cannot know is checked here: a name that is no component
 * of a path names nothing that could be asked for and is left out, and a folder that never ends is an error.
 * What a person typed is taken as it stands first; then as the short id of a name that cannot be typed, or as
 * the same name in other Unicode (macOS stores `é` as two characters).
 */
import { PotluckError } from '../../protocol/errors.js';
import type { PeerId, ShareId } from '../../protocol/ids.js';
import {
  BROWSE_PAGE_MAX_COUNT,
  DESCRIBE_MAX_COUNT,
  FOLDER_ENTRIES_MAX_COUNT,
  MESSAGE_MAX_BYTES,
} from '../../protocol/limits.js';
import { isComponent, joinPath, parseTypedPath, SHARE_ROOT, splitPath, type WirePath } from '../../protocol/path.js';
import type { OnProgress, PeerAnswer, PeerCall } from '../../protocol/peer/messages.js';
import type { ShareEntry, SharesBrowseAnswer } from '../../protocol/peer/shares.js';
import { isShortId, matchesShortId, needsShortId, safe } from '../../protocol/text.js';

export type RemoteShare = PeerAnswer<'shares.list'>['shares'][number];
export type DescribedFile = PeerAnswer<'content.describe'>['items'][number];

/** A place at a coworker that is there. */
export interface RemotePlace {
  readonly share: RemoteShare;
  readonly path: WirePath;
  /** Null for the share itself. */
  readonly entry: ShareEntry | null;
}

/** Paths of one `content.describe`: the rest of the message is its envelope. */
const DESCRIBE_MAX_BYTES = MESSAGE_MAX_BYTES - 4096;
/** How often a folder that changes while it is read is begun anew. */
const FOLDER_TRIES_MAX_COUNT = 3;

export class RemoteShares {
  readonly #call: PeerCall;

  constructor(call: PeerCall) {
    this.#call = call;
  }

  /** @throws PotluckError PEER_OFFLINE, TIMEOUT, CANCELLED and what the peer answers; so do all the others */
  async list(peer: PeerId, signal: AbortSignal): Promise<RemoteShare[]> {
    return (await this.#call(peer, 'shares.list', {}, signal)).shares;
  }

  /** @throws PotluckError SHARE_UNKNOWN */
  async findShare(peer: PeerId, typed: string, signal: AbortSignal): Promise<RemoteShare> {
    const shares = await this.list(peer, signal);
    const found = meantBy(typed, shares) ?? sole(shares.filter(({ name }) => fold(name) === fold(typed)));
    if (found === null)
      throw new PotluckError('SHARE_UNKNOWN', `${safe(typed)}: no share of this name is offered to you`);
    return found;
  }

  /**
   * What `share` and `path`, as they were typed, mean at a coworker.
   * @throws PotluckError SHARE_UNKNOWN, PATH_UNKNOWN
   */
  async resolve(peer: PeerId, share: string, path: string, signal: AbortSignal): Promise<RemotePlace> {
    const found = await this.findShare(peer, share, signal);
    const wanted = parseTypedPath(path);
    if (wanted === null) throw pathUnknown(path);
    if (wanted === SHARE_ROOT) return { share: found, path: SHARE_ROOT, entry: null };
    let entry = await this.#stat(peer, found.id, wanted, signal);
    let place = wanted;
    if (entry === null) {
      // Not there as it stands: each component is looked up, as far as something else may be meant by it.
      place = SHARE_ROOT;
      for (const part of splitPath(wanted)) {
        entry = await this.#lookUp(peer, found.id, place, part, signal);
        if (entry === null) throw pathUnknown(path);
        place = joinPath(place, entry.name);
      }
    }
    return { share: found, path: place, entry };
  }

  /** One page of a folder; a file's path is answered with PATH_UNKNOWN. */
  async browse(
    peer: PeerId,
    share: ShareId,
    path: WirePath,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ): Promise<SharesBrowseAnswer> {
    const page = await this.#call(peer, 'shares.browse', { share, path, cursor, limit }, signal);
    return { ...page, entries: page.entries.filter(({ name }) => isComponent(name)) };
  }

  /**
   * Every entry of one folder, page by page, each name once.
   * @throws PotluckError BAD_MESSAGE: it never ends; GONE: it changes faster than it can be read
   */
  async *pages(peer: PeerId, share: ShareId, path: WirePath, signal: AbortSignal): AsyncGenerator<ShareEntry[]> {
    const seen = new Set<string>();
    let cursor: string | null = null;
    let tries = 1;
    for (let pages = 1; pages <= FOLDER_ENTRIES_MAX_COUNT; pages++) {
      let page: SharesBrowseAnswer;
      try {
        page = await this.browse(peer, share, path, cursor, BROWSE_PAGE_MAX_COUNT, signal);
      } catch (thrown) {
        const isLost = thrown instanceof PotluckError && thrown.code === 'GONE' && cursor !== null;
        if (!isLost || tries === FOLDER_TRIES_MAX_COUNT) throw thrown;
        tries += 1;
        cursor = null;
        continue;
      }
      const fresh = page.entries.filter(({ name }) => !seen.has(name));
      for (const { name } of fresh) seen.add(name);
      if (seen.size > FOLDER_ENTRIES_MAX_COUNT) break;
      if (fresh.length > 0) yield fresh;
      if (page.next === null) return;
      cursor = page.next;
    }
    throw new PotluckError('BAD_MESSAGE', 'a folder of the coworker has too many entries');
  }

  /**
   * The content ids of files, in order; the coworker hashes what it does not know yet.
   * @param onProgress  told while it hashes, for one request at a time
   */
  async describe(
    peer: PeerId,
    share: ShareId,
    paths: readonly WirePath[],
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<DescribedFile[]> {
    const items: DescribedFile[] = [];
    for (const part of parts(paths)) {
      const answer = await this.#call(peer, 'content.describe', { share, paths: part }, signal, onProgress);
      if (answer.items.length !== part.length) {
        throw new PotluckError('BAD_MESSAGE', 'the coworker described other files than it was asked for');
      }
      items.push(...answer.items);
    }
    return items;
  }

  async #stat(peer: PeerId, share: ShareId, path: WirePath, signal: AbortSignal): Promise<ShareEntry | null> {
    try {
      const { entry } = await this.#call(peer, 'shares.stat', { share, path }, signal);
      return isComponent(entry.name) ? entry : null;
    } catch (thrown) {
      if (thrown instanceof PotluckError && thrown.code === 'PATH_UNKNOWN') return null;
      throw thrown;
    }
  }

  async #lookUp(
    peer: PeerId,
    share: ShareId,
    folder: WirePath,
    typed: string,
    signal: AbortSignal,
  ): Promise<ShareEntry | null> {
    const exact = await this.#stat(peer, share, joinPath(folder, typed), signal);
    if (exact !== null) return exact;
    // A plain name means itself and nothing else: no need to read the whole folder.
    if (!isShortId(typed) && /^\p{ASCII}*$/u.test(typed)) return null;
    const meant: ShareEntry[] = [];
    for await (const page of this.pages(peer, share, folder, signal)) {
      const found = meantBy(typed, page);
      if (found !== null) meant.push(found);
    }
    return sole(meant);
  }
}

/** The one of these that the typed name means by itself: as it stands, by its short id, or in other Unicode. */
function meantBy<T extends { readonly name: string }>(typed: string, named: readonly T[]): T | null {
  const exact = named.find(({ name }) => name === typed);
  if (exact !== undefined) return exact;
  if (isShortId(typed)) return sole(named.filter(({ name }) => needsShortId(name) && matchesShortId(typed, name)));
  return sole(named.filter(({ name }) => name.normalize('NFC') === typed.normalize('NFC')));
}

function sole<T>(list: readonly T[]): T | null {
  return list.length === 1 ? (list[0] ?? null) : null;
}

function fold(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/** The paths in lots that fit a message each. */
function* parts(paths: readonly WirePath[]): Generator<WirePath[]> {
  let part: WirePath[] = [];
  let bytes = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(JSON.stringify(path)) + 1;
    if (part.length === DESCRIBE_MAX_COUNT || (part.length > 0 && bytes + size > DESCRIBE_MAX_BYTES)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(path);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

function pathUnknown(typed: string): PotluckError {
  return new PotluckError('PATH_UNKNOWN', `${safe(typed)}: no such file or folder in the share`);
}
