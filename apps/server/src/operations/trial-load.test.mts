import type { Lsn } from '@joinery/log'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { loadHere } from './trial-load.mts'

it('[L75] a workspace that takes longer to load than a server allows can not be loaded', () => {
  const doc = new Y.Doc()
  doc.getText().insert(0, 'x')
  const update = Y.encodeStateAsUpdate(doc)
  const allowed = loadHere({ msMax: 30_000 })
  allowed.add(update, 1 as Lsn)
  expect(() => allowed.finish()).not.toThrow()
  const bounded = loadHere({ msMax: -1 })
  bounded.add(update, 1 as Lsn)
  expect(() => bounded.finish()).toThrow('it takes more than the -1 ms')
})
