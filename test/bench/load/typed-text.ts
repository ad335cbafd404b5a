import * as Y from 'yjs'

/** Ends every writer's text; no other part of a frame holds it, so a receiver can look for it without decoding. */
export const END_MARK = Buffer.from('\u0001END\u0001')

/** Updates that one writer will send: one update per typed character, the last one the {@link END_MARK}. */
export interface TypedText {
  readonly clientId: number
  readonly updates: readonly Uint8Array[]
  readonly text: string
}

/** Name of the shared text that a writer types into: its own, so that every order of arrival gives the same content. */
export function textName(clientId: number): string {
  return `writer-${clientId}`
}

/** Types `edits` edits ahead of time, so that making them costs nothing while a server is measured. */
export function typeText(edits: number): TypedText {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const text = doc.getText(textName(doc.clientID))
  for (let edit = 1; edit < edits; edit++) text.insert(text.length, 'abcdefghij'.charAt(edit % 10))
  text.insert(text.length, END_MARK.toString())
  return { clientId: doc.clientID, updates, text: text.toString() }
}

/** How many end marks are in these bytes. */
export function countEndMarks(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let count = 0
  for (let at = buffer.indexOf(END_MARK); at >= 0; at = buffer.indexOf(END_MARK, at + END_MARK.length)) count++
  return count
}

/** How many of the writer's edits this document holds. */
export function editsIn(doc: Y.Doc, writer: TypedText): number {
  const clock = Y.getState(doc.store, writer.clientId)
  return clock >= writer.text.length ? writer.updates.length : clock
}
