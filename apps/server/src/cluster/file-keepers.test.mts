import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryEngine } from '@joinery/cluster'
import { DiskStore, scopeOf } from '@joinery/resources'
import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { FileKeepers } from './file-keepers.mts'

const logger = pino({ level: 'silent' })
const BYTES = 'bytes of a file'
const fileOf = (workspace: string) => ({
  scope: scopeOf(workspace),
  sha256: createHash('sha256').update(BYTES).digest('hex'),
  bytes: BYTES.length,
})

const closing: FileKeepers[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((keepers) => keepers.close()))
})

/** Two nodes with a folder each. The second copies from the first one's. */
async function scene(workspaces: readonly string[]) {
  const home = await temporaryDirectory()
  const engine = new MemoryEngine()
  const infos = ['a', 'b'].map((node) => ({ node, session: `${node}-1`, address: '', version: '', isDraining: false }))
  const purges: ((workspace: string) => Promise<void>)[] = []
  async function* names() {
    yield* workspaces
  }
  async function* none(): AsyncGenerator<string> {}
  const store = {
    workspaces: names,
    tombstones: none,
    onPurge: (listener: (workspace: string) => Promise<void>) => {
      purges.push(listener)
      return () => undefined
    },
  }
  const folders = infos.map(({ node }) => join(home, node))
  const nodes = infos.map((self, n) => {
    const directory = folders[n] as string
    const elsewhere = async () => createReadStream(join(folders[0] as string, scopeOf('w'), fileOf('w').sha256))
    const disk = new DiskStore({ directory, ticketMs: 1_000, ...(n === 1 && { elsewhere }) })
    const known = { self, list: () => infos, isGone: () => false } as never
    const keepers = new FileKeepers({ engine: engine.connect(self.node), nodes: known, disk, store, directory, logger })
    closing.push(keepers)
    return { keepers, directory, disk }
  })
  const put = async (workspace: string) => {
    await mkdir(join(folders[0] as string, scopeOf(workspace)), { recursive: true })
    await writeFile(join(folders[0] as string, scopeOf(workspace), fileOf(workspace).sha256), BYTES)
    nodes[0]?.keepers.copies.note(fileOf(workspace))
  }
  return { one: nodes[0], two: nodes[1], put, purge: (name: string) => Promise.all(purges.map((hear) => hear(name))) }
}

it('[RU20] another node keeps a copy of a new file, and none once the workspace is purged', async () => {
  const { one, two, put, purge } = await scene(['w'])
  await put('w')
  await expect.poll(() => two?.disk.hasHere(fileOf('w'))).toBe(true)
  await expect.poll(() => one?.keepers.copies.counts.waiting).toBe(0)
  await purge('w')
  for (const node of [one, two]) expect(await readdir(node?.directory ?? '')).toEqual([])
})

it('[RU20] a node takes no file of a workspace that it has no copy of: it may be purged, and the file one of a node that was away', async () => {
  const { one, two, put } = await scene(['another'])
  await put('w')
  await expect.poll(() => one?.keepers.copies.counts.waiting).toBe(1)
  expect(await two?.disk.hasHere(fileOf('w'))).toBe(false)
  await rm(two?.directory ?? '', { recursive: true, force: true })
})
