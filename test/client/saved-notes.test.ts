import 'fake-indexeddb/auto'
import type { Workspace } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { closing, connect, readText, startServer, textOf, whenState } from './fixture.ts'

/** Number of edits that a workspace calls unsaved, as soon as its copy is loaded and while it has no server. */
async function unsavedIn(workspace: Workspace): Promise<number> {
  await workspace.whenLoaded
  return (await whenState(workspace, 'offline')).pending
}

describe('a copy that opens without a server', () => {
  it('[C141] has no unsaved edits if the server had all of it, and is durable when the server says so again', async () => {
    const offline = { prefix: 'all-saved' }
    const store = closing(openMemoryStore())
    const server = await startServer({ store })
    const ada = connect(server, { offline })
    const ben = connect(server)
    textOf(ada).insert(0, 'by ada')
    await ada.whenDurable()
    await until('ben has it', () => readText(ben) === 'by ada')
    textOf(ben).insert(0, 'by ben, ')
    await ben.whenDurable()
    await until('ada has it', () => readText(ada) === 'by ben, by ada')
    await server.close()
    await whenState(ada, 'offline')
    // A second tab opens while the first is still there: nobody has closed anything.
    const again = connect(server, { offline })
    expect(await unsavedIn(again)).toBe(0)
    expect(readText(again)).toBe('by ben, by ada')
    let isDurable = false
    const durable = again.whenDurable().then(() => {
      isDurable = true
    })
    textOf(again).insert(0, 'offline, ')
    await expect.poll(() => again.saveStatus.get()).toMatchObject({ state: 'offline', pending: 1 })
    expect(isDurable).toBe(false)
    await startServer({ store, port: server.port })
    await durable
  })

  it('[C141] counts what was written or deleted since the server had all of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('insert', 'delete', 'nothing'), { maxLength: 3 }),
        fc.boolean(),
        async (edits, isClosed) => {
          const offline = { prefix: `since-${count++}` }
          const server = await startServer()
          const ada = connect(server, { offline })
          textOf(ada).insert(0, 'saved')
          await ada.whenDurable()
          await server.close()
          await whenState(ada, 'offline')
          for (const edit of edits) {
            if (edit === 'insert') textOf(ada).insert(0, 'x')
            if (edit === 'delete') textOf(ada).delete(0, 1)
          }
          // The edits are in the copy when it is closed; another tab sees them once they are kept.
          if (isClosed) await ada.close()
          else await keptHere(ada)
          const again = connect(server, { offline })
          expect(await unsavedIn(again)).toBe(edits.every((edit) => edit === 'nothing') ? 0 : 1)
          expect(readText(again)).toBe(readText(ada))
          await again.close()
        },
      ),
      { numRuns: 6, examples: [[['delete'], true]] },
    )
  })
})

let count = 0

async function keptHere(workspace: Workspace): Promise<void> {
  const { saveStatus } = workspace
  const isKept = (): boolean => {
    const status = saveStatus.get()
    return status.state === 'offline' && status.isKeptHere
  }
  if (isKept()) return
  await new Promise<void>((resolve) => {
    const stop = saveStatus.subscribe(() => {
      if (!isKept()) return
      stop()
      resolve()
    })
  })
}
