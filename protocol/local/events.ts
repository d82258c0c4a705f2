/**
 * The lines of `GET /v1/watch`: one JSON object a line. First a snapshot of every table, then numbered
 * changes. `?after=N` continues after event N where the agent still has what followed, else a new
 * snapshot comes. SPEC.md, "Local API".
 */
import * as v from 'valibot';
import {
  JobRow,
  NoticeRow,
  PeerRow,
  PrinterRow,
  SelfRow,
  ShareRow,
  TABLES,
  type TableName,
  TransferRow,
} from './model.js';

const sequence = v.pipe(v.number(), v.integer(), v.minValue(0));
const tableName = v.picklist(Object.keys(TABLES) as TableName[]);
const rows = <S extends v.GenericSchema>(row: S) => v.array(v.strictTuple([v.string(), row]));

/** Rows as [key, row] pairs, in order. */
export const WatchSnapshot = v.strictObject({
  type: v.literal('snapshot'),
  seq: sequence,
  tables: v.strictObject({
    self: rows(SelfRow),
    peers: rows(PeerRow),
    shares: rows(ShareRow),
    transfers: rows(TransferRow),
    printers: rows(PrinterRow),
    jobs: rows(JobRow),
    notices: rows(NoticeRow),
  }),
});
export type WatchSnapshot = v.InferOutput<typeof WatchSnapshot>;

/** A row that is new or changed. Which schema `row` has follows from `table`: see `readWatchEvent`. */
const WatchPut = v.strictObject({
  type: v.literal('put'),
  seq: sequence,
  table: tableName,
  key: v.string(),
  row: v.unknown(),
});
const WatchDelete = v.strictObject({ type: v.literal('del'), seq: sequence, table: tableName, key: v.string() });
/** Nothing happened; sent so that a dead connection is noticed. */
const WatchAlive = v.strictObject({ type: v.literal('alive'), seq: sequence });
const WatchLine = v.variant('type', [WatchSnapshot, WatchPut, WatchDelete, WatchAlive]);

export type WatchEvent =
  | WatchSnapshot
  | {
      readonly [T in TableName]: {
        type: 'put';
        seq: number;
        table: T;
        key: string;
        row: v.InferOutput<(typeof TABLES)[T]>;
      };
    }[TableName]
  | v.InferOutput<typeof WatchDelete>
  | v.InferOutput<typeof WatchAlive>;

/** @throws ValiError when the line is none of the above */
export function readWatchEvent(line: string): WatchEvent {
  const event = v.parse(WatchLine, JSON.parse(line));
  if (event.type !== 'put') return event;
  return { ...event, row: v.parse(TABLES[event.table], event.row) } as WatchEvent;
}
