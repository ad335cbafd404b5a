import { createBlock } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { readNote, startServer } from './testing/running-server.mts'

const MIB = 1024 * 1024
const HEAP_BYTES = 32 * MIB
const RECORDS = 8
/** Structs of one record: some three megabytes in a document. */
const STRUCTS = 14_000

/**
 * Makes a workspace `demo` as a server without bounds would have written it: a block `note` with the text `before`, and records whose
 * structs take more memory together than the thread of a trial has.
 */
async function makeLargeData(): Promise<string> {
  const directory = await temporaryDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('demo')
  const doc = new Y.Doc()
  doc.on('update', (update: Uint8Array) => {
    log.append({ update, touched: [], actor: 'ada', source: 'user_action', connection: 'c1' })
  })
  doc.transact(() => createBlock(doc, 'note', { type: 'text' }).content.insert(0, 'before'))
  for (let record = 0; record < RECORDS; record++) {
    doc.transact(() => {
      for (let index = 0; index < STRUCTS; index++) doc.getArray('list').unshift([index])
    })
  }
  await log.close()
  await store.close()
  return directory
}

it('[A120, S245, S240] joinery repair brings a workspace back that takes too much memory, with a server and without', async () => {
  const env = { JOINERY_LIMITS: `trialHeapBytes=${HEAP_BYTES}` }
  const directory = await makeLargeData()
  const command = (...args: string[]) => runCommand([...args, '--data', directory], { env })
  const unserved = await startServer(directory, env)
  const reader = unserved.connect('demo')
  await expect.poll(async () => (await command('inspect')).stdout).toContain('(trialHeapBytes)')
  await reader.close()
  const looked = await command('repair', 'demo')
  expect(looked.code, looked.stderr).toBe(1)
  expect(looked.stdout).toMatch(/^not_loadable: .*32 MiB of memory .*\(trialHeapBytes\)/)
  const [, last] = /would keep: records 1 to (\d+),/.exec(looked.stdout) ?? []
  expect(Number(last)).toBeGreaterThan(1)
  expect(Number(last)).toBeLessThanOrEqual(RECORDS)
  await unserved.stop()
  // Without a server it finds the same, but for a record of a difference: each process has other garbage.
  const repaired = await command('repair', 'demo', '--yes')
  expect(repaired, repaired.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('dropped: ') })
  const server = await startServer(directory, env)
  expect(await readNote(server, 'demo')).toBe('before')
  await server.stop()
  expect((await command('repair', 'demo', '--yes')).stdout).toBe('demo is intact: nothing to repair\n')
})

it('[A120] a workspace that a server with more memory serves is intact for it', async () => {
  const directory = await makeLargeData()
  expect(await runCommand(['repair', 'demo', '--data', directory])).toMatchObject({
    code: 0,
    stdout: 'demo is intact: nothing to repair\n',
  })
})
