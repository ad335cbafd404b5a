import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { charsSince } from './chars-since.ts'
import { tidied } from './rewriting.ts'

it('[D9] charsSince returns the characters that others wrote since and that stand, also when all letters are the same', () => {
  const doc = new Y.Doc()
  const text = doc.getText()
  text.insert(0, 'aaaa')
  const base = Y.decodeStateVector(Y.encodeStateVector(doc))
  const job = new Y.Doc()
  Y.applyUpdate(job, Y.encodeStateAsUpdate(doc))
  text.insert(2, 'aa')
  job.getText().delete(0, 4)
  job.getText().insert(0, 'A')
  expect(charsSince(text, base)).toBe('aa')
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(job))
  expect(charsSince(text, base, job.clientID)).toBe('aa')
  text.delete(0, 1)
  expect(charsSince(text, base, job.clientID)).toHaveLength(text.toString().startsWith('A') ? 2 : 1)
})

it('[D9] the workflow changes the text that it read, and changes its own result no more', () => {
  const once = tidied('cut the tails first. then mark.\n\noak moves.')
  expect(once).toBe('Cut the tails first.\nThen mark.\n\nOak moves.\n(Tidied by the workflow.)')
  expect(tidied(once)).toBe(once)
})
