import { openLevelStore } from '@joinery/log'
import { expect } from 'vitest'

interface Event {
  readonly type: string
  readonly task?: string
  readonly key?: string
  readonly record?: number
}

/** Content of a journal of tasks and of its document, each record of which is one edit of a step. */
export interface Pairs {
  /** Keys of the tasks that were started. */
  readonly keys: readonly string[]
  /** Kind and key of each edit, in order. */
  readonly effects: readonly string[]
  readonly events: readonly Event[]
}

/** Fails unless each record of the document has its event and each event its record, and no edit was made twice. */
export async function expectPairs(directory: string): Promise<Pairs> {
  const store = await openLevelStore({ directory, durability: 'sync' })
  try {
    const [document, journal] = [await store.open('w'), await store.open('!work/w')]
    const lsns: number[] = []
    const effects: string[] = []
    for await (const { lsn, update } of document.read()) {
      lsns.push(lsn)
      const { operations } = JSON.parse(Buffer.from(update).toString()) as {
        operations: { kind: string; key: string }[]
      }
      effects.push(...operations.map(({ kind, key }) => `${kind} ${key}`))
    }
    const events: Event[] = []
    for await (const { update } of journal.read())
      events.push(JSON.parse(Buffer.from(update.subarray(1)).toString()) as Event)
    expect(events.flatMap(({ record }) => record ?? [])).toEqual(lsns)
    expect(new Set(effects).size).toBe(effects.length)
    return { keys: events.flatMap(({ type, key }) => (type === 'started' ? (key ?? []) : [])), effects, events }
  } finally {
    await store.close()
  }
}
