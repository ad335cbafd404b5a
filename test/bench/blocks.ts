import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connectWorkspace, type Workspace } from '@joinery/client'
import * as Y from 'yjs'
import { startChild } from '../support/child-process.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const USAGE = `usage: node test/bench/blocks.ts [named|random|both] [COUNT ...] [--profile DIR]
  Measures an edit and a join in a workspace of COUNT blocks (default 1000 10000 50000), with names or with random ids
  (default both), through the real server at durability async. Prints one line of JSON for each: medians in ms.
    letterMs, yjsLetterMs   from typing a letter to its being durable; two documents of plain Yjs, one typing for the other
    patchMs                 one PATCH of a field
    joinMs, yjsJoinMs       a newcomer, in a process of its own, until it is synced; plain Yjs that applies the same bytes there
    bytes                   size of the document as one update
  --profile DIR             writes CPU profiles of the server and of the newcomer into DIR: see test/bench/profile.ts`

type Kind = 'named' | 'random'

const WORKSPACE = 'many'
const BLOCKS_AT_ONCE = 1_000
const EDITS = 41
const JOINS = 3

const SELF = fileURLToPath(import.meta.url)

/** The figures that a newcomer's process prints. */
interface Join {
  readonly joinMs: number
  readonly yjsJoinMs: number
  readonly yjsLetterMs: number
  readonly bytes: number
}

const { kinds, counts, profile } = optionsOrExit()
if (process.env.JOINERY_BENCH_JOIN !== undefined)
  console.log(JSON.stringify(await join(process.env.JOINERY_BENCH_JOIN)))
else for (const count of counts) for (const kind of kinds) console.log(JSON.stringify(await measure(kind, count)))

async function measure(kind: Kind, count: number) {
  await using directory = await tempDirectory()
  const joinery = await startJoinery({ directory: directory.path, env: profiling() })
  try {
    const writer = connectWorkspace({ url: joinery.url, workspace: WORKSPACE, actor: 'ada' })
    await writer.whenSynced
    await fill(writer, kind, count)
    const block = writer.blocks.list()[0]
    if (block === undefined) throw new Error('there is no block')
    const letterMs = await medianOf(EDITS, async () => {
      const start = performance.now()
      block.content.insert(block.content.length, 'e')
      await writer.whenDurable()
      return performance.now() - start
    })
    let n = 0
    const patchMs = await medianOf(EDITS, () => patch(joinery, block.id, { fields: { n: n++ } }))
    const joins: Join[] = []
    for (let i = 0; i < JOINS; i++) joins.push(await newcomer(joinery))
    await writer.close()
    const middle = joins.toSorted((a, b) => a.joinMs - b.joinMs)[JOINS >> 1]
    if (middle === undefined) throw new Error('nobody joined')
    return { kind, blocks: count, letterMs: round(letterMs), patchMs: round(patchMs), ...middle }
  } finally {
    // A profile is written at an orderly end.
    await joinery.child.end(profile === undefined ? 'SIGKILL' : 'SIGTERM')
  }
}

async function fill(writer: Workspace, kind: Kind, count: number): Promise<void> {
  for (let made = 0; made < count; made += BLOCKS_AT_ONCE) {
    writer.transact(() => {
      for (let i = made; i < Math.min(made + BLOCKS_AT_ONCE, count); i++) {
        if (kind === 'random') writer.blocks.create({ type: 'text' })
        else writer.blocks.create(randomBytes(16).toString('hex'), { type: 'text' })
      }
    })
    await writer.whenDurable()
  }
}

async function patch({ url }: JoineryProcess, block: string, body: unknown): Promise<number> {
  const start = performance.now()
  const answer = await fetch(`${url.replace('ws', 'http')}/v1/workspaces/${WORKSPACE}/blocks/${block}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`PATCH was answered ${answer.status}: ${text}`)
  return performance.now() - start
}

/** Joins in a process of its own, whose heap holds nothing else. */
async function newcomer({ url }: JoineryProcess): Promise<Join> {
  const child = startChild({ args: [SELF], env: { ...profiling(), JOINERY_BENCH_JOIN: url } })
  const { code } = await child.exited
  if (code !== 0) throw new Error(`the newcomer ended with ${code}:\n${child.output()}`)
  return JSON.parse(child.stdout()) as Join
}

/** The newcomer's process: joins, then lets plain Yjs apply the same document, and type in it. */
async function join(url: string): Promise<Join> {
  const start = performance.now()
  const workspace = connectWorkspace({ url, workspace: WORKSPACE, actor: 'ben' })
  await workspace.whenSynced
  const joinMs = performance.now() - start
  const state = Y.encodeStateAsUpdate(workspace.doc)
  await workspace.close()
  const yjsStart = performance.now()
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  const yjsJoinMs = performance.now() - yjsStart
  const other = new Y.Doc()
  Y.applyUpdate(other, state)
  doc.on('update', (update: Uint8Array) => Y.applyUpdate(other, update))
  const text = [...doc.getMap('blocks').values()].map((block) => (block as Y.Map<Y.Text>).get('content'))[0]
  const yjsLetterMs = await medianOf(EDITS, async () => {
    const typed = performance.now()
    text?.insert(text.length, 'e')
    return performance.now() - typed
  })
  return {
    joinMs: round(joinMs),
    yjsJoinMs: round(yjsJoinMs),
    yjsLetterMs: round(yjsLetterMs),
    bytes: state.length,
  }
}

function profiling(): Record<string, string> {
  return profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` }
}

async function medianOf(times: number, measureOnce: () => Promise<number>): Promise<number> {
  const figures: number[] = []
  for (let i = 0; i < times; i++) figures.push(await measureOnce())
  return figures.sort((a, b) => a - b)[figures.length >> 1] ?? Number.NaN
}

function round(ms: number): number {
  return Number(ms.toFixed(2))
}

function optionsOrExit(): { kinds: readonly Kind[]; counts: readonly number[]; profile: string | undefined } {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { profile: { type: 'string' } } })
    const kinds = positionals.flatMap((word): Kind[] => (word === 'named' || word === 'random' ? [word] : []))
    const others = positionals.filter((word) => word !== 'named' && word !== 'random' && word !== 'both')
    const given = others.map(Number)
    if (given.some((count) => !Number.isInteger(count) || count < 1)) throw new Error(`${others.join(' ')} is no COUNT`)
    return {
      kinds: kinds.length > 0 ? kinds : ['named', 'random'],
      counts: given.length > 0 ? given : [1_000, 10_000, 50_000],
      profile: values.profile,
    }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`)
    process.exit(2)
  }
}
