/** Following one table of the agent until Ctrl+C, with a line for each row and each change. */
import type { Row, TableName } from '../../protocol/local/model.js';
import type { Context } from './context.js';

export interface Shown<T extends TableName> {
  value(row: Row<T>): unknown;
  text(row: Row<T>): string;
}

/** Goes on until the agent ends or the process is interrupted. */
export async function watchTable<T extends TableName>(context: Context, table: T, shown: Shown<T>): Promise<void> {
  const { agent, out, signal } = context;
  // What is printed for a row; a change of something that is not shown prints nothing.
  const last = new Map<string, string>();
  const show = (key: string, row: Row<T>): void => {
    const text = out.json ? JSON.stringify(shown.value(row)) : shown.text(row);
    if (last.get(key) === text) return;
    last.set(key, text);
    out.line(shown.value(row), text);
  };
  for await (const event of agent.watch(null, signal)) {
    if (event.type === 'snapshot') for (const [key, row] of event.tables[table] as [string, Row<T>][]) show(key, row);
    else if (event.type === 'put' && event.table === table) show(event.key, event.row);
    else if (event.type === 'del' && event.table === table) {
      if (last.delete(event.key)) out.line({ id: event.key, gone: true }, `${event.key} is gone`);
    }
  }
}
