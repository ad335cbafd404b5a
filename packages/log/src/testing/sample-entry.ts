import type { LogEntry } from '../event-store.ts'

/** An entry that differs from others by `n`. */
export function sampleEntry(n: number, more: Partial<LogEntry> = {}): LogEntry {
  const update = Buffer.from(`update ${n}`)
  return { update, actor: 'ann', source: 'user_action', connection: 'c1', touched: [`block-${n}/content`], ...more }
}
