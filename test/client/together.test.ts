import { type RuledDocument, UNRULED } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { connect, readText, recordStates, startServer, textOf, whenState } from './fixture.ts'

describe('presence', () => {
  it('[C30] others see what was set, change by change, and nothing when it was taken back', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server, { actor: 'ada' }), connect(server)]
    ada.presence.set({ name: 'ada', cursor: 1 })
    await Promise.all([ada.whenSynced, ben.whenSynced])
    const seen = () => ben.presence.others.get().map(({ state }) => state)
    await until('ben sees her', () => seen().length === 1)
    expect(seen()).toEqual([{ name: 'ada', cursor: 1 }])
    expect(ben.presence.others.get().map(({ actor }) => actor)).toEqual(['ada'])
    const before = ben.presence.others.get()
    expect(ben.presence.others.get()).toBe(before)
    ada.presence.set({ name: 'ada', cursor: 2 })
    await until('ben sees her move', () => seen()[0]?.cursor === 2)
    expect(ben.presence.others.get()).not.toBe(before)
    expect(ada.presence.get()).toEqual({ name: 'ada', cursor: 2 })
    ada.presence.set(undefined)
    await until('she is gone', () => seen().length === 0)
  })

  it('[C30] others see nobody when the tab was closed', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    ada.presence.set({ name: 'ada' })
    await until('ben sees her', () => ben.presence.others.get().length === 1)
    await ada.close()
    await until('she is gone', () => ben.presence.others.get().length === 0)
  })

  it('[C49] an editor’s cursor is seen and outlives set, progress and a reconnect, and is gone when one leaves', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    await Promise.all([ada.whenSynced, ben.whenSynced])
    const seen = () => ben.presence.others.get().map(({ state }) => state)
    ada.presence.awareness.setLocalStateField('cursor', 0)
    expect(ada.presence.awareness.getLocalState()).toBeNull()
    ada.presence.set({ user: { name: 'ada' }, tool: 'pen' })
    ada.presence.awareness.setLocalStateField('cursor', 1)
    await until('ben sees her cursor', () => seen()[0]?.cursor === 1)
    ada.presence.set({ user: { name: 'Ada' } })
    ada.presence.setProgress('b/search', { run: 'r', done: 1 })
    await until('ben sees all of it', () => ben.presence.progress.get()['b/search']?.done === 1)
    expect(seen()).toEqual([{ user: { name: 'Ada' }, cursor: 1 }])
    const states = recordStates(ada)
    ada.reconnect()
    await until('she was away and is back', () => states.at(-1)?.state === 'saved' && states.length > 1)
    await until('ben sees her cursor still', () => seen()[0]?.cursor === 1)
    ada.presence.awareness.setLocalStateField('cursor', 2)
    await until('ben sees it move', () => seen()[0]?.cursor === 2)
    ada.presence.set(undefined)
    await until('only her job is seen', () => seen().length === 0)
    expect(ben.presence.progress.get()['b/search']?.done).toBe(1)
  })

  it('[C49] awareness is another one that knows what was set when the document is replaced', async () => {
    const first = await startServer()
    const ada = connect(first)
    ada.presence.set({ name: 'ada' })
    textOf(ada)
    await ada.whenDurable()
    const before = ada.presence.awareness
    const bound = new Promise<void>((resolve) => {
      ada.onReset(() => {
        expect(ada.presence.awareness.doc).toBe(ada.doc)
        ada.presence.awareness.setLocalStateField('cursor', 2)
        resolve()
      })
    })
    await first.close()
    const ben = connect(await startServer({ port: first.port }))
    await bound
    await until('ben sees her in the new document', () => ben.presence.others.get().length === 1)
    expect(ben.presence.others.get()[0]?.state).toEqual({ name: 'ada', cursor: 2 })
    expect(before.getLocalState()).toBeNull()
  })

  it('[C94] what an editor binding makes too large is told, and the others keep what was small enough', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    await Promise.all([ada.whenSynced, ben.whenSynced])
    const errors: string[] = []
    ada.onError(({ code }) => errors.push(code))
    const seen = () => ben.presence.others.get().map(({ state }) => state)
    ada.presence.set({ name: 'ada' })
    await until('ben sees her', () => seen().length === 1)
    ada.presence.awareness.setLocalStateField('selection', 'é'.repeat(2_100))
    ada.presence.awareness.setLocalStateField('selection', 'é'.repeat(2_200))
    expect(errors).toEqual(['presence_too_large'])
    ada.presence.awareness.setLocalStateField('selection', 'small')
    await until('ben sees it', () => seen()[0]?.selection !== undefined)
    expect(seen()).toEqual([{ name: 'ada', selection: 'small' }])
  })

  it('[C31] set throws presence_too_large when the state is over the limit', async () => {
    const server = await startServer()
    const ada = connect(server)
    expect(() => ada.presence.set({ name: 'x'.repeat(4_096) })).toThrow(
      expect.objectContaining({ code: 'presence_too_large' }),
    )
    expect(ada.presence.get()).toBeUndefined()
  })
})

describe('undo', () => {
  it('[C32] undo takes back what was edited here and nothing of others', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    await Promise.all([ada.whenSynced, ben.whenSynced])
    textOf(ada).insert(0, 'ada')
    await until('ben has it', () => readText(ben) === 'ada')
    textOf(ben).insert(3, ' and ben')
    await until('ada has it', () => readText(ada) === 'ada and ben')
    ada.undo.split()
    ada.transact(() => textOf(ada).insert(0, 'dear '))
    expect(readText(ada)).toBe('dear ada and ben')
    expect(ada.undo.state.get()).toEqual({ canUndo: true, canRedo: false })
    expect(ada.undo.undo()).toBe(true)
    expect(readText(ada)).toBe('ada and ben')
    expect(ada.undo.state.get()).toEqual({ canUndo: true, canRedo: true })
    expect(ada.undo.redo()).toBe(true)
    expect(readText(ada)).toBe('dear ada and ben')
    expect(ben.undo.undo()).toBe(true)
    await until('ada lost what ben wrote', () => readText(ada) === 'dear ada')
  })

  it('[C33] undo never takes back a status', async () => {
    const server = await startServer()
    const ada = connect(server)
    await ada.whenSynced
    const block = ada.blocks.create('b', { type: 'text' })
    ada.undo.clear()
    ada.transact(() => block.indexingList.startRun('search', { source: 'user_action', actor: 'ada' }))
    expect(ada.undo.state.get().canUndo).toBe(false)
    expect(ada.undo.undo()).toBe(false)
    expect(block.indexingList.entries()).toMatchObject([{ index_name: 'search', status: 'processing' }])
  })

  it('[C34] undo counts an editor binding’s transactions when its origin is tracked', async () => {
    const server = await startServer()
    const ada = connect(server)
    const text = textOf(ada)
    ada.undo.clear()
    const binding = { name: 'editor' }
    ada.doc.transact(() => text.insert(0, 'a'), binding)
    expect(ada.undo.state.get().canUndo).toBe(false)
    const untrack = ada.undo.trackOrigin(binding)
    ada.doc.transact(() => text.insert(1, 'b'), binding)
    expect(ada.undo.undo()).toBe(true)
    expect(text.toString()).toBe('a')
    untrack()
    ada.doc.transact(() => text.insert(1, 'c'), binding)
    expect(ada.undo.state.get().canUndo).toBe(false)
  })
})

describe('fork', () => {
  it('[C35] merge keeps what people typed meanwhile when a job rewrites what it read before', async () => {
    const server = await startServer()
    const [job, ada] = [connect(server), connect(server)]
    textOf(ada).insert(0, 'The quick fox')
    await ada.whenDurable()
    await until('the job has it', () => readText(job) === 'The quick fox')
    const fork = job.fork()
    textOf(ada).insert(13, ' jumps')
    await until('the job’s workspace has it', () => readText(job) === 'The quick fox jumps')
    const content = fork.blocks.get('b')?.content
    expect(content?.toString()).toBe('The quick fox')
    content?.insert(10, 'brown ')
    expect(readText(job)).toBe('The quick fox jumps')
    fork.merge()
    expect(readText(job)).toBe('The quick brown fox jumps')
    expect(job.undo.state.get().canUndo).toBe(false)
    await job.whenDurable()
    await until('ada has it', () => readText(ada) === 'The quick brown fox jumps')
    content?.insert(0, '> ')
    fork.merge()
    fork.merge()
    expect(readText(job)).toBe('> The quick brown fox jumps')
  })

  it('[C35] merge keeps embeds and marks when a job rewrites the plain text of a rich one', async () => {
    const server = await startServer()
    const [job, ada] = [connect(server), connect(server)]
    textOf(ada).insert(0, 'The quick fox')
    textOf(ada).insertEmbed(3, { image: 'x' })
    textOf(ada).format(5, 5, { bold: true })
    await ada.whenDurable()
    await until('the job has it', () => readText(job) === 'The quick fox')
    const fork = job.fork()
    textOf(ada).insertEmbed(14, { mention: 'ben' })
    await until('the job’s workspace has it', () => textOf(job).length === 15)
    fork.blocks.get('b')?.replaceContent('The quick brown fox')
    fork.merge()
    await job.whenDurable()
    await until('ada has it', () => readText(ada) === 'The quick brown fox')
    expect(textOf(ada).toDelta()).toEqual([
      { insert: 'The' },
      { insert: { image: 'x' } },
      { insert: ' ' },
      { insert: 'quick', attributes: { bold: true } },
      { insert: ' brown fox' },
      { insert: { mention: 'ben' } },
    ])
  })

  it('[C36] merge throws generation_changed when the workspace was replaced', async () => {
    const first = await startServer()
    const job = connect(first)
    textOf(job).insert(0, 'old')
    await job.whenDurable()
    const fork = job.fork()
    fork.blocks.get('b')?.content.insert(3, ' edited')
    let isReset = false
    job.onReset(() => {
      isReset = true
    })
    await first.close()
    await startServer({ port: first.port })
    await until('it was reset', () => isReset)
    await job.whenSynced
    expect(() => fork.merge()).toThrow(expect.objectContaining({ code: 'generation_changed' }))
    expect(job.blocks.list()).toEqual([])
  })

  it('[C36] merge works on the new document when edits of the old one were refused, unless the fork builds on them', async () => {
    const ruled: RuledDocument = {
      ...UNRULED,
      inspect: (update) =>
        Buffer.from(update).includes('forbidden') ? { code: 'forbidden_key', reason: 'no' } : undefined,
    }
    const server = await startServer({ rules: { open: () => ruled } })
    const job = connect(server)
    textOf(job).insert(0, 'fine')
    await job.whenDurable()
    const early = job.fork()
    early.blocks.get('b')?.content.insert(4, ', merged')
    textOf(job).insert(0, 'forbidden ')
    const late = job.fork()
    late.blocks.get('b')?.content.insert(0, 'builds on ')
    await whenState(job, 'rejected')
    await job.whenSynced
    expect(() => late.merge()).toThrow(expect.objectContaining({ code: 'fork_orphaned' }))
    early.merge()
    await job.whenDurable()
    expect(readText(job)).toBe('fine, merged')
  })
})
