import { parseArgs } from 'node:util'
import { CLAIM_LISTS, createBlock, documentRules, FILE, getBlock, type Run } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const USAGE = `usage: node test/bench/statuses.ts [COUNT ...]
  Measures a change of one status in a workspace of COUNT statuses (default 10 10000), ten to a block, and prints one line of JSON
  for each, and their ratio to the first. Lower tenths, since others use the machine, too:
    rulesUs   to inspect, apply, observe and prune the change, in this process, µs
    reportMs  one report over HTTP to a server at durability async, until it is answered, ms`

const PER_BLOCK = 10
const CHANGES = 301
/** Changes that come first and do not count: the code is compiled, and the server's turns are short, only after some. */
const WARM_UP = 300
const ADA = { source: 'user_action', actor: 'ada' } as const
const POLLER = { source: 'polling_sync', actor: 'poller' } as const

const counts = countsOrExit()
const figures: { readonly count: number; readonly rulesUs: number; readonly reportMs: number }[] = []
for (const count of counts) {
  const figure = { count, rulesUs: rulesUs(count), reportMs: await reportMs(count) }
  figures.push(figure)
  const [first] = figures
  if (first === undefined) continue
  const ratios = { rulesRatio: figure.rulesUs / first.rulesUs, reportRatio: figure.reportMs / first.reportMs }
  console.log(JSON.stringify({ ...figure, ...ratios }))
}

function countsOrExit(): number[] {
  const { positionals } = parseArgs({ allowPositionals: true })
  const given = positionals.map(Number)
  if (given.every((count) => Number.isInteger(count) && count >= PER_BLOCK))
    return given.length > 0 ? given : [10, 10_000]
  console.error(USAGE)
  process.exit(2)
}

/** Fills a document with runs. Returns the id of its first block, and the run of the status that is changed. */
function fill(doc: Y.Doc, count: number): { readonly block: string; readonly run: Run<'user_action'> } {
  let first: { block: string; run: Run<'user_action'> } | undefined
  doc.transact(() => {
    for (let made = 0; made < count; made += PER_BLOCK) {
      const block = createBlock(doc, { type: 'text', lists: CLAIM_LISTS })
      for (let file = 0; file < PER_BLOCK; file++) {
        const run = block.statuses(FILE).startRun(`file-${file}`, ADA) as Run<'user_action'>
        first ??= { block: block.id, run }
      }
    }
  })
  if (first === undefined) throw new Error('there is no status')
  return first
}

/** Time that the rules of a server take for one change by a client, µs. */
function rulesUs(count: number): number {
  const writer = new Y.Doc()
  const { block, run } = fill(writer, count)
  const server = new Y.Doc()
  const rules = documentRules.open(server)
  rules.observe(() => undefined)
  Y.applyUpdate(server, Y.encodeStateAsUpdate(writer))
  const anybody = { actor: 'poller', source: 'polling_sync', sources: undefined, isAuthenticated: false }
  let touched: string[] = []
  server.on('afterTransaction', (transaction: Y.Transaction) => {
    touched = rules.touched(transaction)
  })
  const times: number[] = []
  writer.on('update', (update: Uint8Array) => {
    const start = performance.now()
    const refusal = rules.inspect(update, anybody)
    if (refusal !== undefined) throw new Error(refusal.reason)
    Y.applyUpdate(server, update)
    rules.prune(touched)
    times.push((performance.now() - start) * 1_000)
  })
  for (let progress = 0; progress < WARM_UP + CHANGES; progress++)
    getBlock(writer, block)
      ?.statuses(FILE)
      .report('file-0', run, 'syncing', { ...POLLER, progress })
  return lowerTenth(times)
}

async function reportMs(count: number): Promise<number> {
  await using directory = await tempDirectory()
  const joinery = await startJoinery({ directory: directory.path })
  try {
    const writer = connectWorkspace({ url: joinery.url, workspace: 'many', actor: 'ada' })
    await writer.whenSynced
    const { block, run } = fill(writer.doc, count)
    await writer.whenDurable()
    const reports = `${joinery.url.replace('ws', 'http')}/v1/workspaces/many/blocks/${block}/statuses/file@1/file-0/runs/${run.id}/reports`
    const headers = { 'content-type': 'application/json', 'x-joinery-source': 'polling_sync' }
    const times: number[] = []
    for (let progress = 0; progress < WARM_UP + CHANGES; progress++) {
      const start = performance.now()
      const body = JSON.stringify({ status: 'syncing', progress })
      const answer = await fetch(reports, { method: 'POST', headers, body })
      if (!answer.ok) throw new Error(await answer.text())
      await answer.arrayBuffer()
      times.push(performance.now() - start)
    }
    await writer.close()
    return lowerTenth(times)
  } finally {
    await joinery.child.end('SIGKILL')
  }
}

/** The time that nine of ten changes exceed. */
function lowerTenth(values: readonly number[]): number {
  const counted = values.slice(WARM_UP).sort((a, b) => a - b)
  return counted[Math.floor(counted.length / 10)] ?? Number.NaN
}
