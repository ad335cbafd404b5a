import * as Y from 'yjs'

/**
 * One update of each of two people who wrote a list of `count` items from its end to its beginning, offline, at one place. Yjs
 * passes all items of the first for each of the second: it takes `count` squared steps.
 */
export function offlineLists(count: number, clients: readonly [number, number] = [1, 2]): Uint8Array[] {
  return clients.map((client) => {
    const doc = new Y.Doc()
    doc.clientID = client
    doc.transact(() => {
      for (let index = 0; index < count; index++) doc.getArray('list').unshift([index])
    })
    return Y.encodeStateAsUpdate(doc)
  })
}
