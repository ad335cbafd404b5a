import * as Y from 'yjs'

/**
 * Sets a plain value in a shared map, as `map.set` does, also an object with a key `constructor`. Yjs takes the value of that key
 * for the object's class and throws. The map must be in a document.
 */
export function setPlain(map: Y.Map<unknown>, key: string, value: unknown): void {
  const isPlain = typeof value === 'object' && value !== null && Object.hasOwn(value, 'constructor')
  if (!isPlain || map.doc === null) {
    map.set(key, value)
    return
  }
  Y.transact(map.doc, () => {
    map.set(key, {})
    // Observers and the update come after the transaction: nobody sees the empty object.
    const content = map._map.get(key)?.content
    if (content instanceof Y.ContentAny) content.arr = [value]
  })
}
