import * as Y from 'yjs'

/**
 * Sets a plain value in a shared map, as `map.set` does, also an object with a key `constructor`. Yjs takes the value of that key
 * for the object's class and throws. The map must be in a document.
 */
export function setPlain(map: Y.Map<unknown>, key: string, value: unknown): void {
  if (!looksLikeClass(value) || map.doc === null) {
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

/** Inserts a plain value into a shared array, as {@link setPlain} sets one. */
export function insertPlain(array: Y.Array<unknown>, index: number, value: unknown): void {
  const { doc } = array
  if (!looksLikeClass(value) || doc === null) {
    array.insert(index, [value])
    return
  }
  Y.transact(doc, () => {
    array.insert(index, [{}])
    let left = index
    for (let item = array._start; item !== null; item = item.right) {
      if (item.deleted || !item.countable) continue
      if (left < item.length) {
        if (item.content instanceof Y.ContentAny) item.content.arr[left] = value
        return
      }
      left -= item.length
    }
  })
}

function looksLikeClass(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'constructor')
}
