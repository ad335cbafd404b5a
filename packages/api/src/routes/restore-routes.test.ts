import { createBlock, getBlock } from '@joinery/blocks'
import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'

const W = 'w' as WorkspaceId
const writer = { actor: 'somebody', source: 'user_action' }
const author = { actor: 'somebody', source: 'user_action' } as const

async function edit(api: ApiFixture, run: (doc: Y.Doc) => void): Promise<number> {
  return (await api.server.workspaces.write(W, { writer, via: 'test', run })).lsn
}

/** Reads a copy: a server's document knows no types of roots. */
async function read<T>(api: ApiFixture, look: (doc: Y.Doc) => T): Promise<T> {
  return api.server.workspaces.read(W, ({ doc }) => {
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    return look(copy)
  })
}

it('[H12] a restore brings back marks, embeds, nested types and bytes, and a past that differs in marks alone', async () => {
  await using api = await ApiFixture.start()
  const lsn = await edit(api, (doc) => {
    const block = createBlock(doc, 'a', { type: 'text' })
    block.content.applyDelta([
      { insert: 'plain ' },
      { insert: 'bold', attributes: { bold: true } },
      { insert: { image: 'x' } },
    ])
    const note = new Y.Text()
    note.insert(0, 'a note', { italic: true })
    block.data.set('note', note)
    block.data.set('list', Y.Array.from([1, new Uint8Array([1, 2])]))
    block.data.set('xml', new Y.XmlElement('p'))
    block.data.set('bytes', new Uint8Array([3, 4]))
  })
  const shown = (doc: Y.Doc) => {
    const block = getBlock(doc, 'a')
    const list = block?.data.get('list')
    const note = block?.data.get('note')
    return {
      delta: block?.content.toDelta(),
      list: list instanceof Y.Array && list.toArray(),
      note: note instanceof Y.Text && note.toDelta(),
      xml: block?.data.get('xml') instanceof Y.XmlElement,
      bytes: block?.data.get('bytes'),
    }
  }
  const before = await read(api, shown)
  await edit(api, (doc) => getBlock(doc, 'a')?.content.format(0, 5, { bold: true }))
  expect((await api.call('POST', '/restore', { lsn })).body.touched).toEqual(['a/content'])
  expect(await read(api, shown)).toEqual(before)
  await edit(api, (doc) => {
    const block = getBlock(doc, 'a')
    block?.content.delete(0, 11)
    for (const key of ['note', 'list', 'xml', 'bytes']) block?.data.set(key, 'plain')
  })
  await api.call('POST', '/restore', { lsn })
  expect(await read(api, shown)).toEqual(before)
  await api.call('DELETE', '/blocks/a')
  await api.call('POST', '/restore', { lsn })
  expect(await read(api, shown)).toEqual(before)
})

it('[H12] a restore reaches the roots of editors, and another restore takes it back', async () => {
  await using api = await ApiFixture.start()
  const lsn = await edit(api, (doc) => {
    const page = doc.getXmlFragment('prosemirror')
    for (const words of ['one', 'two']) {
      const paragraph = new Y.XmlElement('paragraph')
      page.insert(page.length, [paragraph])
      paragraph.insert(0, [new Y.XmlText(words)])
    }
    doc.getMap('nodes').set('n1', { position: { x: 1 } })
    doc.getText('x').insert(0, 'plain text')
  })
  const shown = (doc: Y.Doc) => [
    doc.getXmlFragment('prosemirror').toString(),
    doc.getMap('nodes').toJSON(),
    doc.getText('x').toDelta(),
    doc.getArray('new').toArray(),
  ]
  const before = await read(api, shown)
  const later = await edit(api, (doc) => {
    doc.getXmlFragment('prosemirror').delete(0, 1)
    doc.getMap('nodes').set('n1', { position: { x: 2 } })
    doc.getText('x').format(0, 5, { bold: true })
    doc.getArray('new').push([1])
  })
  const after = await read(api, shown)
  const restored = await api.call('POST', '/restore', { lsn })
  expect(restored.body).toMatchObject({ lsn: 3, restored: lsn, unrestorable: [] })
  expect(restored.body.touched.sort()).toEqual(['new', 'nodes', 'prosemirror', 'x'])
  expect(await read(api, shown)).toEqual(before)
  await api.call('POST', '/restore', { lsn: later })
  expect(await read(api, shown)).toEqual(after)
  expect((await api.call('POST', '/restore', { lsn: later })).body.touched).toEqual([])
})

it('[H12] the answer of a restore says that statuses come back too', async () => {
  await using api = await ApiFixture.start()
  const lsn = await edit(api, (doc) => {
    createBlock(doc, 'a', { type: 'text' }).indexingList.startRun('main', author)
    createBlock(doc, 'b', { type: 'text' })
  })
  await api.call('DELETE', '/blocks/a/indexing/main')
  const { body } = await api.call('POST', '/restore', { lsn })
  expect(body.statuses).toEqual([{ block: 'a', list: 'indexing' }])
})

it('[H39] a restore names what can not come back before anything is done, and restores the rest when asked', async () => {
  await using api = await ApiFixture.start()
  const lsn = await edit(api, (doc) => {
    const block = createBlock(doc, 'a', { type: 'text' })
    block.replaceContent('old')
    block.data.set('sub', new Y.Doc({ guid: 'guid-1' }))
  })
  await edit(api, (doc) => {
    const block = getBlock(doc, 'a')
    block?.replaceContent('new')
    block?.data.delete('sub')
  })
  const lost = {
    root: 'blocks',
    path: [{ key: 'a' }, { key: 'data' }, { key: 'sub' }],
    what: 'subdocument',
    guid: 'guid-1',
  }
  const refused = await api.call('POST', '/restore', { lsn })
  expect(refused.status).toBe(409)
  expect(refused.body.error).toMatchObject({ code: 'not_restorable', details: { unrestorable: [lost], count: 1 } })
  const preview = await api.call('POST', '/restore', { lsn, preview: true })
  expect(preview.body).toMatchObject({ lsn: null, restored: lsn, touched: ['a/content'], unrestorable: [lost] })
  expect((await api.call('GET', '')).body.lsn).toBe(2)
  const key = { 'idempotency-key': 'once' }
  const restored = await api.call('POST', '/restore', { lsn, partial: true }, key)
  expect(restored.body).toMatchObject({ lsn: 3, touched: ['a/content'], unrestorable: [lost] })
  expect((await api.call('POST', '/restore', { lsn, partial: true }, key)).body).toEqual(restored.body)
  expect((await api.call('GET', '/blocks/a')).body.content).toBe('old')
})

/** Books nothing, and counts the parts of all work. */
class CountedParts {
  parts = 0
  readonly restOf = (): number => 0

  readonly book = (): number => {
    this.parts++
    return performance.now()
  }
}

it('[H120] a restore, its preview and a diff of a large workspace are made in many turns', async () => {
  const costs = new CountedParts()
  await using api = await ApiFixture.start({ costs })
  const fill = (from: number, until: number) =>
    edit(api, (doc) => {
      const blocks = doc.getMap('blocks')
      // Blocks of a stock client, which are made faster.
      for (let index = from; index < until; index++) {
        const block = new Y.Map<unknown>([['id', `b${index}`]])
        block.set('content', new Y.Text('some words'))
        blocks.set(`b${index}`, block)
      }
    })
  const turnsOf = async (work: () => Promise<{ status: number }>): Promise<number> => {
    const before = costs.parts
    expect(await work()).toMatchObject({ status: 200 })
    return costs.parts - before
  }
  const asks = {
    preview: (lsn: number) => api.call('POST', '/restore', { lsn, preview: true }),
    restore: (lsn: number) => api.call('POST', '/restore', { lsn }),
    diff: (lsn: number) => api.call('GET', `/diff?from=${lsn}&to=${lsn + 1}`),
  }
  const turns: Record<string, number[]> = { preview: [], restore: [], diff: [] }
  for (const [from, until] of [
    [0, 10],
    [10, 1_500],
  ] as const) {
    const lsn = await fill(from, until)
    await edit(api, (doc) => getBlock(doc, 'b1')?.content.insert(0, 'new '))
    for (const [name, ask] of Object.entries(asks)) turns[name]?.push(await turnsOf(() => ask(lsn)))
  }
  // Each of the last has to read thousands of blocks, which no machine does in one part of 5 ms.
  for (const [few = 0, many = 0] of Object.values(turns)) expect(many - few).toBeGreaterThan(4)
})

it('[H121] what others change between the trial of a restore and its edit is restored, too', async () => {
  await using api = await ApiFixture.start()
  const lsn = await edit(api, (doc) => {
    for (const id of ['a', 'b', 'c']) createBlock(doc, id, { type: 'text' }).content.insert(0, id)
    doc.getMap('edges').set('e1', { source: 'a', target: 'b' })
    doc.getText('text').insert(0, 'text')
  })
  await edit(api, (doc) => getBlock(doc, 'a')?.content.insert(0, 'new '))
  const { workspaces } = api.server
  const { write } = workspaces
  workspaces.write = (async (...args: Parameters<typeof write>) => {
    workspaces.write = write.bind(workspaces)
    await edit(api, (doc) => {
      getBlock(doc, 'b')?.content.insert(0, 'later ')
      doc.getMap('blocks').delete('c')
      createBlock(doc, 'd', { type: 'text' })
      doc.getMap('edges').delete('e1')
      doc.getText('text').insert(0, 'later ')
    })
    return workspaces.write(...args)
  }) as typeof write
  const { body } = await api.call('POST', '/restore', { lsn })
  expect(body).toMatchObject({ lsn: 4, restored: lsn })
  expect((await api.call('GET', `/diff?from=${lsn}&to=4`)).body).toMatchObject({
    ...{ added: [], removed: [], changed: [], changes: [] },
  })
})

it('[H126] a restore of many blocks is made by several edits, and its repeat under the same key changes nothing', async () => {
  await using api = await ApiFixture.start()
  const ids = Array.from({ length: 400 }, (_, at) => `b${at}`)
  const lsn = await edit(api, (doc) => {
    for (const id of ids) createBlock(doc, id, { type: 'text', isAlone: true })
    doc.getMap('edges').set('e1', { source: 'b1', target: 'b2' })
    doc.getText('text').insert(0, 'text')
  })
  const head = await edit(api, (doc) => {
    for (const id of ids) doc.getMap('blocks').delete(id)
    doc.getMap('edges').delete('e1')
    doc.getText('text').insert(0, 'later ')
  })
  const key = { 'idempotency-key': 'back' }
  const { status, body } = await api.call('POST', '/restore', { lsn }, key)
  expect(status).toBe(200)
  expect(body.lsn).toBeGreaterThan(head + 1)
  const blocks = new Set(body.touched.map((path: string) => path.split('/')[0]))
  expect(ids.filter((id) => !blocks.has(id))).toEqual([])
  expect((await api.call('GET', `/diff?from=${lsn}&to=${body.lsn}`)).body).toMatchObject({
    ...{ added: [], removed: [], changed: [], changes: [] },
  })
  await edit(api, (doc) => doc.getMap('blocks').delete('b7'))
  expect((await api.call('POST', '/restore', { lsn }, key)).body).toMatchObject({ lsn: body.lsn })
  expect((await api.call('GET', '')).body).toMatchObject({ lsn: body.lsn + 1, blocks: ids.length - 1 })
})

it('[H126] a restore of few blocks with long texts is made by several edits, too', async () => {
  await using api = await ApiFixture.start()
  const ids = ['a', 'b', 'c']
  const lsn = await edit(api, (doc) => {
    for (const id of ids) createBlock(doc, id, { type: 'text' }).replaceContent('old '.repeat(6_500))
  })
  const head = await edit(api, (doc) => {
    for (const id of ids) getBlock(doc, id)?.replaceContent('new '.repeat(6_500))
  })
  const { body } = await api.call('POST', '/restore', { lsn })
  expect(body.touched).toEqual(ids.map((id) => `${id}/content`))
  expect(body.lsn).toBe(head + ids.length)
  expect((await api.call('GET', `/diff?from=${lsn}&to=${body.lsn}`)).body).toMatchObject({ changed: [], changes: [] })
})
