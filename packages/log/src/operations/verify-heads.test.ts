import { generateKeyPairSync } from 'node:crypto'
import { expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { HeadSigner, type SignedHead } from '../proof/signed-head.ts'
import { openLevelStore } from '../store/level-store.ts'
import { archiveOf, once } from '../testing/rich-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import { exportArchive } from './export-archive.ts'
import { verifyHeads } from './verify-heads.ts'

const makeDirectory = testDirectories(inMemory())
const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)

/** A workspace of 30 records with a snapshot at 12 and its heads at some LSNs. */
async function makeScene(): Promise<{ store: EventStore; headAt: (lsn: number) => Promise<SignedHead> }> {
  const store = await openLevelStore({ directory: await makeDirectory(), durability: 'async' })
  const log = await store.open('a')
  for (let n = 1; n <= 30; n++) log.append(sampleEntry(n))
  await log.snapshot({ lsn: 12 as Lsn, state: Buffer.from('state at 12') })
  await log.close()
  const headAt = async (lsn: number): Promise<SignedHead> => {
    const opened = await store.open('a')
    const { generation = '' } = opened
    const chain = await opened.chainAt(lsn as Lsn)
    await opened.close()
    return signer.sign({ workspace: 'a', generation, lsn: lsn as Lsn, chain, at: 1 })
  }
  return { store, headAt }
}

async function compact(store: EventStore, isErasing: boolean): Promise<void> {
  const log = await store.open('a')
  await log.compact({ keepHistory: { events: 1 }, verify: () => undefined, isErasing })
  await log.append(sampleEntry(31)).durable
  await log.close()
}

it.each([
  [false, ['attested', 'attested', 'attested', 'attested', 'contained']],
  [true, ['unproven', 'attested', 'attested', 'attested', 'contained']],
])(
  '[L138] heads of before a compaction are attested by what is kept, if it erases: %s; later ones cover its snapshot',
  async (isErasing, states) => {
    const { store, headAt } = await makeScene()
    const heads: SignedHead[] = []
    for (const lsn of [5, 12, 13, 30]) heads.push(await headAt(lsn))
    const before = await verifyHeads('a', heads, exportArchive(store))
    expect(before.map(({ state }) => state)).toEqual(['contained', 'contained', 'contained', 'contained'])
    await compact(store, isErasing)
    heads.push(await headAt(31))
    const after = await verifyHeads('a', heads, exportArchive(store, { workspaces: ['a'] }))
    expect(after.map(({ state }) => state)).toEqual(states)
    await store.close()
  },
)

it('[L138] a head departs from behind the last head that holds, where the log is shorter or not there, and where it is damaged', async () => {
  const { store, headAt } = await makeScene()
  const [ten, twenty, thirty] = [await headAt(10), await headAt(20), await headAt(30)]
  const archive = await archiveOf(store, ['a'])
  await store.close()
  const wrong = { ...thirty, chain: 'f'.repeat(64) }
  const beyond = { ...thirty, lsn: 40 as Lsn }
  const judge = async (...heads: SignedHead[]) =>
    (await verifyHeads('a', heads, once(archive))).map(({ state, from, through }) => [state, from, through])
  expect(await judge(ten, twenty, wrong, beyond)).toEqual([
    ['contained', undefined, undefined],
    ['contained', undefined, undefined],
    ['departed', 21, 30],
    ['departed', 31, 40],
  ])
  // Beyond the first that departs, a head that holds is of another history of the same server.
  expect(await judge({ ...ten, chain: 'f'.repeat(64) }, twenty, wrong)).toEqual([
    ['departed', 1, 10],
    ['contained', undefined, undefined],
    ['departed', 1, 30],
  ])
  const nothing = { ...ten, lsn: 0 as Lsn, chain: '0'.repeat(64) }
  expect(await judge(nothing, { ...nothing, generation: 'another' })).toEqual([
    ['contained', undefined, undefined],
    ['departed', 1, 0],
  ])
  const [missing] = await verifyHeads('b', [{ ...ten, workspace: 'b' }], once(archive))
  expect(missing).toMatchObject({ state: 'departed', message: 'there is no workspace b' })
  const damaged = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(0)
    throw new LogError('corrupted', 'record 7 is damaged', { lsn: 7 as Lsn })
  }
  expect((await verifyHeads('a', [ten], damaged()))[0]).toMatchObject({ state: 'departed', from: 7, through: 10 })
})
