/**
 * Shares: what a peer offers, and one page of one of their folders. SPEC.md, "Shares".
 *
 * A share that the asker may not see is not listed, and asking for it by id is answered exactly like an
 * id that does not exist.
 */
import * as v from 'valibot';
import { BROWSE_PAGE_MAX_COUNT, COMPONENT_MAX_BYTES, NAME_MAX_BYTES, SHARES_MAX_COUNT } from '../limits.js';
import { ContentIdHex, ShareIdHex } from '../ids.js';
import { WirePath } from '../path.js';
import { peerText } from '../text.js';

const sizeBytes = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
/** Milliseconds since 1970; for display and for the copy's time, never compared between PCs. */
const timeMs = v.pipe(v.number(), v.integer(), v.minValue(-8.64e15), v.maxValue(8.64e15));
const cursor = v.pipe(v.string(), v.maxLength(128), v.regex(/^[A-Za-z0-9_-]+$/));

export const SharesList = v.strictObject({});
export const SharesListAnswer = v.strictObject({
  shares: v.pipe(
    v.array(v.strictObject({ id: ShareIdHex, name: peerText(NAME_MAX_BYTES), writable: v.boolean() })),
    v.maxLength(SHARES_MAX_COUNT),
  ),
});

export const ShareEntry = v.strictObject({
  name: peerText(COMPONENT_MAX_BYTES),
  type: v.picklist(['file', 'folder']),
  /** Bytes; 0 for a folder. */
  size: sizeBytes,
  modified: timeMs,
  /** Null until the content was hashed, and for folders and empty files. */
  content: v.nullable(ContentIdHex),
});
export type ShareEntry = v.InferOutput<typeof ShareEntry>;

/** `shares.browse`: one page of a folder, folders first, then by name. `cursor` null for the first page. */
export const SharesBrowse = v.strictObject({
  share: ShareIdHex,
  path: WirePath,
  cursor: v.nullable(cursor),
  limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(BROWSE_PAGE_MAX_COUNT)),
});
export const SharesBrowseAnswer = v.strictObject({
  entries: v.pipe(v.array(ShareEntry), v.maxLength(BROWSE_PAGE_MAX_COUNT)),
  /** What to send as `cursor` for the next page; null after the last one. */
  next: v.nullable(cursor),
  /** Entries in the whole folder. */
  total: sizeBytes,
});
export type SharesBrowseAnswer = v.InferOutput<typeof SharesBrowseAnswer>;

/** `shares.stat`: the entry of one path, so that a name can be told for a file or a folder. Not for the share itself. */
export const SharesStat = v.strictObject({ share: ShareIdHex, path: WirePath });
export const SharesStatAnswer = v.strictObject({ entry: ShareEntry });
