import { generateKeyPairSync } from 'node:crypto'
import { expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { HeadSigner, type SignedHead } from '../proof/signed-head.ts'
import { openLevelStore } from '../store/level-store.ts'
import { forgeArchive, type History, historiesOf } from '../testing/forged-archive.ts'
import { drawFrom, MUTATIONS } from '../testing/history-mutations.ts'
import { archiveOf, once } from '../testing/rich-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import { exportArchive } from './export-archive.ts'
import { importArchive } from './import-archive.ts'
import { verifyHeads } from './verify-heads.ts'

const makeDirectory = testDirectories(inMemory())
const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
const COUNT = Number(process.env.JOINERY_MUTATIONS ?? (IS_NIGHTLY ? 10_000 : 240))
const SEED = Number(process.env.JOINERY_SEED ?? Date.now() % 2 ** 31)
const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)

async function signed(store: EventStore, workspace: string): Promise<SignedHead> {
  const log = await store.open(workspace)
  const { head: lsn, generation = '' } = log
  const chain = await log.chainAt()
  await log.close()
  return signer.sign({ workspace, generation, lsn, chain, at: 1_700_000_000_000 })
}

/** Two workspaces, one of which was compacted, with the head of each. */
async function makeScene(): Promise<{ histories: [History, History]; heads: [SignedHead, SignedHead] }> {
  const store = await openLevelStore({ directory: await makeDirectory(), durability: 'async' })
  for (const name of ['a', 'b']) {
    const log = await store.open(name)
    for (let n = 1; n <= 40; n++) {
      if (n === 31 && name === 'a') {
        await log.snapshot({ lsn: 12 as Lsn, state: Buffer.from('state at 12'), annex: Buffer.from('annex') })
        await log.compact({ keepHistory: { events: 1 }, verify: () => undefined })
      }
      const key = n % 5 === 0 ? { idempotencyKey: `key ${n}` } : {}
      const touched = n % 3 === 0 ? [] : [`block-${n}/content`, 'x']
      await log.append(sampleEntry(n, { update: Buffer.from(`${name} ${n}`), touched, ...key })).durable
    }
    await log.close()
  }
  const heads: [SignedHead, SignedHead] = [await signed(store, 'a'), await signed(store, 'b')]
  const found = await historiesOf(exportArchive(store))
  await store.close()
  return { heads, histories: [found.get('a') as History, found.get('b') as History] }
}

it(`[L139] each of ${COUNT} changes by somebody who makes every checksum and chain value anew is found behind a signed head`, async () => {
  const { heads, histories } = await makeScene()
  for (const [n, head] of heads.entries()) {
    const [verdict] = await verifyHeads(head.workspace, [head], forgeArchive(histories[n] as History))
    expect(verdict).toMatchObject({ state: 'contained' })
  }
  const kinds = Object.entries(MUTATIONS)
  const draw = drawFrom(SEED)
  const missed: string[] = []
  for (let n = 0; n < COUNT; n++) {
    const [kind, mutate] = kinds[n % kinds.length] as (typeof kinds)[number]
    const which = draw(2)
    const [head, history, other] = [heads[which], histories[which], histories[1 - which]] as [
      SignedHead,
      History,
      History,
    ]
    const [verdict] = await verifyHeads(head.workspace, [head], forgeArchive(mutate(history, draw, other)))
    // Records that were dropped are not there to be changed: a head says then that they stand by its value alone.
    const isFound = verdict?.state === 'departed' || (kind === 'cut the beginning' && verdict?.state === 'attested')
    if (!isFound) missed.push(`${n}: ${kind} of ${head.workspace}: ${verdict?.message}`)
  }
  expect(missed, `seed ${SEED}`).toEqual([])
})

it('[L139] it is found in a data directory, too, which verifies as intact', async () => {
  const { heads, histories } = await makeScene()
  const draw = drawFrom(SEED)
  for (const kind of ['change', 'remove', 'insert', 'reorder', 'swap a record between workspaces']) {
    const forged = MUTATIONS[kind]?.(histories[1], draw, histories[0]) as History
    const store = await openLevelStore({ directory: await makeDirectory(), durability: 'async' })
    const chunks: Uint8Array[] = []
    for await (const chunk of forgeArchive(forged)) chunks.push(chunk)
    const archive = Buffer.concat(chunks)
    const keys = forged.records.flatMap(({ idempotencyKey }) => idempotencyKey ?? [])
    // A key stands once in a log: a record that is there twice is refused by that alone.
    if (new Set(keys).size === keys.length) {
      await importArchive(store, () => once(archive))
      const [verdict] = await verifyHeads('b', [heads[1]], once(await archiveOf(store, ['b'])))
      expect(verdict?.state, `${kind}, seed ${SEED}`).toBe('departed')
    }
    await store.close()
  }
})
