// @vitest-environment happy-dom
import type { Workspace } from '@joinery/client'
import { act, createElement, type ReactNode } from 'react'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { remotely, within } from './testing/probe.ts'
import { render } from './testing/render.ts'
import { offlineWorkspace } from './testing/workspace.ts'
import { useContentField } from './use-content-field.ts'

let renders = 0
function Field({ id }: { id: string }): ReactNode {
  renders++
  return createElement('textarea', { ref: useContentField(id) })
}

async function scene(workspace: Workspace, id = 'a') {
  renders = 0
  const page = await render(within(workspace, createElement(Field, { id })), { strict: true })
  const field = page.container.querySelector('textarea') ?? expect.fail('no field')
  const type = (value: string) =>
    act(async () => {
      field.value = value
      field.dispatchEvent(new Event('input'))
    })
  return { page, field, type }
}

const contentIn = (doc: Y.Doc, id: string): Y.Text | undefined =>
  (doc.getMap('blocks').get(id) as Y.Map<Y.Text> | undefined)?.get('content')

describe('useContentField', () => {
  it('[R17] writes what is typed, keeps the caret when others type before it, and renders for neither', async () => {
    const workspace = offlineWorkspace()
    workspace.blocks.create('a', { type: 'text' }).content.insert(0, 'twice')
    workspace.undo.split()
    const { field, type } = await scene(workspace)
    const rendered = renders
    expect([field.value, field.readOnly]).toEqual(['twice', false])
    await type('twice, cut')
    expect(workspace.blocks.get('a')?.text).toBe('twice, cut')
    field.focus()
    field.setSelectionRange(5, 10)
    await remotely(workspace, (doc) => contentIn(doc, 'a')?.insert(0, 'Measure '))
    expect([field.value, field.selectionStart, field.selectionEnd]).toEqual(['Measure twice, cut', 13, 18])
    expect(renders).toBe(rendered)
    workspace.undo.undo()
    expect(field.value).toBe('Measure twice')
  })

  it('[R17] is read-only while there is no block, and follows when it is made, deleted and made again', async () => {
    const workspace = offlineWorkspace()
    const { field, type } = await scene(workspace)
    expect([field.value, field.readOnly]).toEqual(['', true])
    await act(async () => workspace.blocks.create('a', { type: 'text' }).content.insert(0, 'one'))
    expect([field.value, field.readOnly]).toEqual(['one', false])
    await act(async () => void workspace.blocks.delete('a'))
    expect([field.value, field.readOnly]).toEqual(['', true])
    await act(async () => workspace.blocks.create('a', { type: 'text' }).content.insert(0, 'two'))
    await type('two of them')
    expect(workspace.blocks.get('a')?.text).toBe('two of them')
  })

  it('[R17] makes the text of a block that a stock client left without one when somebody types', async () => {
    const workspace = offlineWorkspace()
    workspace.doc.getMap('blocks').set('a', new Y.Map())
    const { type } = await scene(workspace)
    expect(contentIn(workspace.doc, 'a')).toBeUndefined()
    await type('typed')
    expect(workspace.blocks.get('a')?.text).toBe('typed')
  })

  it('[R17] lets the old block go when it is given another, and the field when it is unmounted', async () => {
    const workspace = offlineWorkspace()
    for (const id of ['a', 'b']) workspace.blocks.create(id, { type: 'text' }).content.insert(0, id)
    const { page, field, type } = await scene(workspace)
    await page.update(within(workspace, createElement(Field, { id: 'b' })))
    expect(field.value).toBe('b')
    await type('bb')
    expect(workspace.blocks.list().map(({ text }) => text)).toEqual(['a', 'bb'])
    await page.unmount()
    await type('bbb')
    expect(workspace.blocks.get('b')?.text).toBe('bb')
  })
})
