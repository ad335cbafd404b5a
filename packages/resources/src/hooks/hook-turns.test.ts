import { expect, it } from 'vitest'
import { HookTurns } from './hook-turns.ts'

const BY = { actor: 'joinery', source: 'provider' }
const requestOf = (key: string, name = 'main') => ({
  ...{ saga: 'sync@1.observe', input: { block: 'order', name }, key, by: BY, sync: true as const },
})

it('[RS63] one event of a resource is handled at a time, whichever servers took them', async () => {
  const states = new Map<string, string>()
  const find = async (_: string, task: string) => {
    const state = states.get(task)
    if (state === undefined) throw Object.assign(new Error('gone'), { code: 'unknown_task' })
    return { state }
  }
  const start = async (_: string, { key }: { readonly key: string }) => {
    await new Promise(setImmediate)
    states.set(key, states.get(key) ?? 'running')
    return { task: { id: key } }
  }
  const turns = new HookTurns({ start, find })
  const both = await Promise.allSettled([turns.start('shop', requestOf('1')), turns.start('shop', requestOf('2'))])
  expect(both).toMatchObject([{ value: { task: { id: '1' } } }, { reason: { code: 'busy' } }])
  // The same event from another server, and events of other resources.
  for (const [workspace, request] of [
    ['shop', requestOf('1')],
    ['shop', requestOf('3', 'other')],
    ['far', requestOf('4')],
  ] as const) {
    expect(await turns.start(workspace, request)).toEqual({ task: { id: request.key } })
  }
  for (const over of ['done', 'needs_attention', undefined]) {
    const key = `after ${over}`
    await expect(turns.start('shop', requestOf(key))).rejects.toMatchObject({ code: 'busy' })
    for (const task of [...states.keys()]) over === undefined ? states.delete(task) : states.set(task, over)
    await turns.start('shop', requestOf(key))
  }
})
