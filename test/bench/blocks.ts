import { randomBytes } from 'node:crypto'
import { connectWorkspace } from '@joinery/client'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

/**
 * Measures an edit in a workspace of many blocks, with names or with random ids, through the real server:
 * `node test/bench/blocks.ts [named|random] [count ...]`. Times are medians, in ms; the durability is `async`.
 */
const [kind = 'random', ...counts] = process.argv.slice(2)
const BLOCKS_AT_ONCE = 1_000
const EDITS = 41

for (const count of counts.length > 0 ? counts.map(Number) : [1_000, 10_000, 50_000]) await measure(count)

async function measure(count: number): Promise<void> {
  await using directory = await tempDirectory()
  await using joinery = await startJoinery({ directory: directory.path })
  const address = { url: joinery.url, workspace: 'many', actor: 'ada' }
  const writer = connectWorkspace(address)
  await writer.whenSynced
  const create =
    kind === 'named'
      ? () => writer.blocks.create(randomBytes(16).toString('hex'), { type: 'text' })
      : () => writer.blocks.create({ type: 'text' })
  for (let made = 0; made < count; made += BLOCKS_AT_ONCE) {
    writer.transact(() => {
      for (let i = 0; i < Math.min(BLOCKS_AT_ONCE, count - made); i++) create()
    })
    await writer.whenDurable()
  }
  const block = writer.blocks.list()[0]
  if (block === undefined) throw new Error('there is no block')
  const letter = await medianOf(async () => {
    block.content.insert(block.content.length, 'e')
    await writer.whenDurable()
  })
  const url = `${joinery.url.replace('ws', 'http')}/v1/workspaces/many/blocks/${block.id}`
  let n = 0
  const patch = await medianOf(async () => {
    const body = JSON.stringify({ fields: { n: n++ } })
    const answer = await fetch(url, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body })
    if (answer.status !== 200) throw new Error(`PATCH was answered ${answer.status}: ${await answer.text()}`)
    await answer.arrayBuffer()
  })
  const start = performance.now()
  const newcomer = connectWorkspace({ ...address, actor: 'ben' })
  await newcomer.whenSynced
  const join = performance.now() - start
  await Promise.all([newcomer.close(), writer.close()])
  const ms = (value: number) => Number(value.toFixed(1))
  console.log(JSON.stringify({ kind, blocks: count, letterMs: ms(letter), patchMs: ms(patch), joinMs: ms(join) }))
}

async function medianOf(act: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < EDITS; i++) {
    const start = performance.now()
    await act()
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[EDITS >> 1] ?? Number.NaN
}
