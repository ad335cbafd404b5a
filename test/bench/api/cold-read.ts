import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Block, createBlock, documentRules, getBlock } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { createServer, type WorkspaceId } from '@joinery/server'
import { ClassicLevel } from 'classic-level'
import type { Doc } from 'yjs'
import { tempDirectory } from '../../support/temp-directory.ts'

/**
 * CPU time that one block costs of a workspace that nobody has open: through the document that its room makes, and from a row kept
 * beside the log for it. `--short` shows that it runs.
 */
const { values } = parseArgs({ options: { short: { type: 'boolean', default: false } } })
const SIZES = values.short ? [10] : [100, 1_000]
const ROUNDS = values.short ? 2 : 9
const WRITES = values.short ? 10 : 500
const CONTENT = 'Lorem ipsum dolor sit amet. '.repeat(20)
const BLOCKS_A_WRITE = 50
const W = 'w' as WorkspaceId
const AUTHOR = { actor: 'bench', source: 'user_action' } as const

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
/** CPU time of this process with all its threads, ms: what others do on the machine does not count. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function makeBlock(doc: Doc, n: number): Block {
  const block = createBlock(doc, `b${n}`, { type: 'text' })
  block.replaceContent(CONTENT)
  block.fields.set('n', n, AUTHOR)
  return block
}

async function measureDocument(directory: string, blocks: number) {
  const open = async () => {
    const store = await openLevelStore({ directory, durability: 'async' })
    const server = createServer({ rules: documentRules, store })
    const close = async () => {
      await server.close()
      await store.close()
    }
    return { workspaces: server.workspaces, close }
  }
  const maker = await open()
  let json = ''
  for (let from = 0; from < blocks; from += BLOCKS_A_WRITE) {
    await maker.workspaces.write(W, {
      writer: AUTHOR,
      via: 'bench',
      run: (doc) => {
        for (let n = from; n < Math.min(blocks, from + BLOCKS_A_WRITE); n++) json = JSON.stringify(makeBlock(doc, n))
      },
    })
  }
  await maker.close()
  const first: number[] = []
  const next: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { workspaces, close } = await open()
    const read = () => workspaces.read(W, ({ doc }) => JSON.stringify(getBlock(doc, `b${round % blocks}`)))
    first.push(await timed(read))
    next.push(await timed(read))
    await close()
  }
  return { json, first: median(first), next: median(next) }
}

async function measureRows(directory: string, blocks: number, json: string) {
  const options = { keyEncoding: 'utf8', valueEncoding: 'utf8' } as const
  const maker = new ClassicLevel<string, string>(directory, options)
  await maker.batch(Array.from({ length: blocks }, (_, n) => ({ type: 'put' as const, key: `w b${n}`, value: json })))
  // One after the other, as edits come: each would keep its row beside its record.
  const writing = async () => {
    for (let n = 0; n < WRITES; n++) await maker.put(`w b${n % blocks}`, JSON.stringify(JSON.parse(json)))
  }
  const writeMs = (await timed(writing)) / WRITES
  await maker.close()
  const first: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const rows = new ClassicLevel<string, string>(directory, options)
    await rows.open()
    first.push(await timed(async () => JSON.parse((await rows.get(`w b${round % blocks}`)) ?? '')))
    await rows.close()
  }
  return { first: median(first), writeMs }
}

const table: Record<string, string>[] = []
for (const blocks of SIZES) {
  await using directory = await tempDirectory()
  const document = await measureDocument(join(directory.path, 'log'), blocks)
  const rows = await measureRows(join(directory.path, 'rows'), blocks, document.json)
  table.push({
    blocks: String(blocks),
    'first read, document, ms': document.first.toFixed(2),
    'next reads, document, ms': document.next.toFixed(3),
    'first read, row, ms': rows.first.toFixed(2),
    'keeping a row, ms each edit': rows.writeMs.toFixed(3),
  })
}
console.table(table)
