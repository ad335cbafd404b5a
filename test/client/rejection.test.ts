import 'fake-indexeddb/auto'
import type { Reset, Workspace } from '@joinery/client'
import { type RuledDocument, UNRULED } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { until } from '../support/until.ts'
import { connect, readText, startServer, textOf, whenState } from './fixture.ts'

/** Document rules that let nobody write "forbidden". */
const ruled: RuledDocument = {
  ...UNRULED,
  inspect: (update) =>
    Buffer.from(update).includes('forbidden')
      ? { code: 'forbidden_key', reason: 'nobody may write "forbidden"' }
      : undefined,
}
const rules = { open: () => ruled }

function rejectionsOf(workspace: Workspace): Reset[] {
  const rejections: Reset[] = []
  workspace.onRejected((rejection) => rejections.push(rejection))
  return rejections
}

/** The text that `update` adds to a document with the server's content. */
function onTopOf(workspace: Workspace, update: Uint8Array): string {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(workspace.doc))
  Y.applyUpdate(doc, update)
  expect(doc.store.pendingStructs).toBeNull()
  return String(doc.getMap<Y.Map<unknown>>('blocks').get('b')?.get('content'))
}

describe('refused edits', () => {
  it('[C26] the document goes back to the server’s, and the lost edits are handed over, when an edit is refused', async () => {
    const server = await startServer({ rules })
    const [ada, ben] = [connect(server), connect(server)]
    textOf(ada).insert(0, 'fine')
    await ada.whenDurable()
    await ben.whenSynced
    const rejections = rejectionsOf(ada)
    const refused = ada.doc
    textOf(ada).insert(4, ', forbidden')
    const durable = expect(ada.whenDurable()).rejects.toMatchObject({ code: 'rejected', rejection: 'forbidden_key' })
    textOf(ada).insert(0, 'more, ')
    await durable
    expect(rejections).toMatchObject([
      { cause: 'rejected', code: 'forbidden_key', reason: 'nobody may write "forbidden"' },
    ])
    expect(ada.doc).not.toBe(refused)
    await ada.whenSynced
    expect(readText(ada)).toBe('fine')
    expect(readText(ben)).toBe('fine')
    expect(onTopOf(ada, rejections[0]?.update ?? new Uint8Array())).toBe('more, fine, forbidden')

    textOf(ada).insert(4, ' again')
    await ada.whenDurable()
    await until('ben has it', () => readText(ben) === 'fine again')
  })

  it('[C27] the status stays rejected until a person has seen it, when saving goes on', async () => {
    const server = await startServer({ rules })
    const ada = connect(server)
    await whenState(ada, 'saved')
    textOf(ada).insert(0, 'forbidden')
    const status = await whenState(ada, 'rejected')
    expect(status).toMatchObject({ what: 'edits', code: 'forbidden_key', reason: 'nobody may write "forbidden"' })
    await ada.whenSynced
    textOf(ada).insert(0, 'fine')
    await ada.whenDurable()
    expect(ada.saveStatus.get()).toMatchObject({ state: 'rejected', pending: 0 })
    ada.acknowledgeRejection()
    expect(ada.saveStatus.get()).toEqual({ state: 'saved' })
  })

  it('[C28] refused offline edits are kept in the browser and not sent again when the tab is opened anew', async () => {
    const offline = { prefix: 'rejection' }
    const server = await startServer({ rules })
    const ada = connect(server, { offline })
    const rejections = rejectionsOf(ada)
    textOf(ada).insert(0, 'forbidden, typed offline')
    await whenState(ada, 'rejected')
    await ada.whenSynced
    await ada.close()

    const again = connect(server, { offline })
    const more = rejectionsOf(again)
    await whenState(again, 'saved')
    expect(more).toEqual([])
    expect(readText(again)).toBe('')
    const [aside] = await again.listSetAside()
    expect(aside).toMatchObject({ cause: 'rejected', code: 'forbidden_key' })
    const kept = (await again.readSetAside(aside?.id ?? '')) ?? new Uint8Array()
    expect(kept).toEqual(rejections[0]?.update)
    expect(onTopOf(again, kept)).toBe('forbidden, typed offline')
  })

  it('[C24] what was refused can be read and discarded without a local copy, until the workspace closes', async () => {
    const server = await startServer({ rules })
    const ada = connect(server)
    textOf(ada).insert(0, 'fine')
    await ada.whenDurable()
    textOf(ada).insert(4, ', forbidden')
    await whenState(ada, 'rejected')
    await ada.whenSynced
    const [aside, ...others] = await ada.listSetAside()
    expect(aside).toMatchObject({ cause: 'rejected', code: 'forbidden_key', atMs: expect.any(Number) })
    expect(others).toEqual([])
    expect(onTopOf(ada, (await ada.readSetAside(aside?.id ?? '')) ?? new Uint8Array())).toBe('fine, forbidden')
    await ada.discardSetAside(aside?.id ?? '')
    expect(await ada.listSetAside()).toEqual([])
    expect(await ada.readSetAside(aside?.id ?? '')).toBeUndefined()
  })
})
