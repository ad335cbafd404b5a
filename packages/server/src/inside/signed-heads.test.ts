import { generateKeyPairSync } from 'node:crypto'
import { HeadSigner, isSignatureRight, openMemoryStore, type SignedHead } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import pino from 'pino'
import { afterEach, expect, it } from 'vitest'
import type * as Y from 'yjs'
import { ServerFixture, W } from '../testing/server-fixture.ts'
import { type HeadLog, SignedHeads } from './signed-heads.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)
const logger = pino({ level: 'silent' })

function headLog(more: Partial<HeadLog> = {}): HeadLog & { readonly written: SignedHead[] } {
  const written: SignedHead[] = []
  return { written, known: [], records: 3, ms: 60_000, append: async (head) => void written.push(head), ...more }
}

async function edit(count = 1): Promise<void> {
  for (let n = 0; n < count; n++) {
    await fixture.server.workspaces.write(W, {
      writer: { actor: 'engine', source: 'workflow_execution' },
      via: 'http',
      run: (doc: Y.Doc) => doc.getText('t').insert(0, 'x'),
    })
  }
}

function signedHeads(log: HeadLog | undefined, clock = new HandClock()): SignedHeads {
  return new SignedHeads({ workspaces: fixture.server.workspaces, signer, clock, logger, log })
}

it('[S330] a head is logged after so many records of a workspace, and after so long if there were fewer', async () => {
  fixture = await ServerFixture.start()
  const log = headLog()
  const clock = new HandClock()
  const heads = signedHeads(log, clock)
  await edit(3)
  await expect.poll(() => log.written.length).toBe(1)
  expect(log.written[0]).toMatchObject({ workspace: 'w', lsn: 3, key: signer.key })
  expect(log.written.every(isSignatureRight)).toBe(true)
  await edit(1)
  clock.pass(59_999)
  expect(log.written).toHaveLength(1)
  clock.pass(1)
  await expect.poll(() => log.written.length).toBe(2)
  expect(log.written[1]).toMatchObject({ lsn: 4 })
  // Without a record since, nothing is due.
  clock.pass(600_000)
  await heads.close()
  expect(heads.counters).toEqual({ signed: 2, logged: 2, contradictions: 0, failures: 0 })
  await edit(3)
  expect(log.written).toHaveLength(2)
})

it('[S331] a history that is shorter than a head, or another one, is counted and told, and goes on', async () => {
  fixture = await ServerFixture.start()
  const { workspaces } = fixture.server
  await edit(2)
  const known = await workspaces.chained(W)
  if (known === undefined) throw new Error('there is no workspace')
  const contradictionsOf = async (head: typeof known): Promise<number> => {
    const heads = signedHeads(headLog({ known: [{ workspace: W, ...head }] }))
    expect((await heads.of(W))?.lsn).toBe(2)
    await heads.close()
    return heads.counters.contradictions
  }
  expect(await contradictionsOf(known)).toBe(0)
  expect(await contradictionsOf({ ...known, lsn: 3 as typeof known.lsn })).toBe(1)
  expect(await contradictionsOf({ ...known, chain: 'f'.repeat(64) })).toBe(1)
  expect(await contradictionsOf({ ...known, lsn: 1 as typeof known.lsn })).toBe(1)
  expect(await contradictionsOf({ ...known, chain: 'f'.repeat(64), generation: 'before a repair' })).toBe(0)
})

it('[S330] a head that can’t be written is counted, and the next records make another due', async () => {
  fixture = await ServerFixture.start({ store: openMemoryStore() })
  let isFull = true
  const log = headLog()
  const append = async (head: SignedHead): Promise<void> => {
    if (isFull) throw new Error('no room is left')
    log.written.push(head)
  }
  const heads = signedHeads({ ...log, append })
  await edit(3)
  await expect.poll(() => heads.counters.failures).toBe(1)
  isFull = false
  await edit(3)
  await expect.poll(() => log.written.length).toBe(1)
  expect(log.written[0]).toMatchObject({ lsn: 6 })
  expect(await heads.of('nowhere' as typeof W)).toBeUndefined()
  await heads.close()
})
