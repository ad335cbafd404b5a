import * as Y from 'yjs'

/** Half of a surrogate pair. With the flag `u` a whole pair is one character, and does not match. */
const HALF_PAIR = /\p{Surrogate}/u
const HALF_PAIRS = /\p{Surrogate}/gu

const watched = new WeakSet<Y.Doc>()

/** As `String.prototype.isWellFormed`, which Safari 16 and React Native lack. */
export function isWellFormed(text: string): boolean {
  return !HALF_PAIR.test(text)
}

/** The text with U+FFFD in place of half surrogate pairs. */
export function toWellFormed(text: string): string {
  return text.replace(HALF_PAIRS, '\uFFFD')
}

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
    if (!isWellFormed(content.str)) content.str = toWellFormed(content.str)
  }
}

/** A copy of a JSON value with U+FFFD in place of half surrogate pairs, in keys too; the value itself where it has none. */
export function toWellFormedJson<T>(value: T): T {
  if (typeof value === 'string') return toWellFormed(value) as T
  if (typeof value !== 'object' || value === null) return value
  // JSON.stringify escapes half pairs, and only those, as \ud800 to \udfff.
  if (!/\\ud[89a-f]/.test(JSON.stringify(value))) return value
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) => {
    if (typeof item === 'string') return toWellFormed(item)
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).map(([key, each]) => [toWellFormed(key), each]))
  }) as T
}
