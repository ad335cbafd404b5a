import * as Y from 'yjs'

/**
 * Makes a document as the server keeps it. After a transaction of another replica, Yjs looks through each text with formats, and deletes
 * those that say nothing. That is a transaction of its own, takes a time that grows with the square of the formats, and again at each
 * edit of the text. Clients delete such formats, too, and send that: the server leaves it to them.
 */
export function makeServerDoc(): Y.Doc {
  // No one reads the guid here, and drawing a random one costs more than the rest of an empty document.
  const doc = new Y.Doc({ guid: '' })
  doc.on('afterTransaction', leaveFormats)
  return doc
}

function leaveFormats(transaction: Y.Transaction): void {
  transaction._needFormattingCleanup = false
}
