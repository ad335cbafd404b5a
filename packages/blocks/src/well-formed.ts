import * as Y from 'yjs'

const watched = new WeakSet<Y.Doc>()

/**
 * From now on replaces half surrogate pairs in typed text by U+FFFD, in the transaction that typed them. Others would decode
 * U+FFFD in their place, and the writer's own replica would differ from theirs for good.
 */
export function keepTextsWellFormed(doc: Y.Doc): void {
  if (watched.has(doc)) return
  watched.add(doc)
  doc.on('beforeObserverCalls', (transaction: Y.Transaction) => {
    if (transaction.local) mendTexts(transaction)
  })
}

/** Mends the strings that the transaction added under the doc's own client id, before anybody reads or encodes them. */
function mendTexts({ doc, beforeState }: Y.Transaction): void {
  const structs = doc.store.clients.get(doc.clientID) ?? []
  const from = beforeState.get(doc.clientID) ?? 0
  for (let index = structs.length - 1; index >= 0; index--) {
    const struct = structs[index]
    if (struct === undefined || struct.id.clock + struct.length <= from) return
    if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentString)) continue
    const { content } = struct
    if (!content.str.isWellFormed()) content.str = content.str.toWellFormed()
  }
}

/** A copy of a JSON value with U+FFFD in place of half surrogate pairs, in keys too; the value itself where it has none. */
export function toWellFormedJson<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T
  if (typeof value !== 'object' || value === null) return value
  // JSON.stringify escapes half pairs, and only those, as \ud800 to \udfff.
  if (!/\\ud[89a-f]/.test(JSON.stringify(value))) return value
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) => {
    if (typeof item === 'string') return item.toWellFormed()
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).map(([key, each]) => [key.toWellFormed(), each]))
  }) as T
}
