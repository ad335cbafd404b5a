import { claimListsWith, defineDocumentRules, defineMachine, documentRules, FILE } from '@joinery/blocks'
import { blockIdsOf, type ClientError } from '@joinery/client'
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { connect, startServer } from './fixture.ts'

const ADA = { source: 'user_action', actor: 'ada' } as const
const SCAN = {
  name: 'scan@1',
  phases: [['asked'], ['clean', 'infected']],
  ranks: ['asked', 'clean', 'infected'],
  sources: { user_action: 2, scanner: 1 },
} as const

const rulesWith = (...tables: Parameters<typeof defineMachine>[0][]) =>
  defineDocumentRules({ lists: claimListsWith(tables.map((table) => defineMachine(table))) })

it("[C110, S310] an application's own machine, registered with server and client alike, reaches everybody", async () => {
  const server = await startServer({ rules: rulesWith(SCAN) })
  const scan = defineMachine(SCAN)
  const [ada, bob] = [connect(server, { machines: [scan] }), connect(server, { machines: [defineMachine(SCAN)] })]
  await Promise.all([ada.whenSynced, bob.whenSynced])
  const run = ada.blocks.create('b', { type: 'text' }).statuses(scan).startRun('f', ADA)
  await until('bob sees the run', () => bob.blocks.get('b')?.statuses('scan@1').get('f')?.status === 'asked')
  bob.blocks.get('b')?.statuses(scan).report('f', run, 'infected', { source: 'scanner', actor: 's' })
  await until('ada sees the result', () => ada.blocks.get('b')?.statuses(scan).get('f')?.status === 'infected')
  expect(ada.server.get()?.machines).toMatchObject({ 'file@1': expect.any(String), 'scan@1': expect.any(String) })
  await ada.transactOnce((draft) => void draft.blocks.get('b')?.statuses(scan).startRun('f', ADA), {
    idempotencyKey: 'again',
  })
  expect(ada.fork().blocks.get('b')?.statuses(scan).get('f')?.run.no).toBe(2)
  expect(ada.blocks.get('b')?.toJSON().statuses).toMatchObject([{ machine: 'scan@1', run: { no: 2 } }])
  expect(blockIdsOf(ada).get()).toEqual(['b'])
})

it('[C111] statuses of a machine of which the server has another table, or none, are kept and not shown, and nobody can write them', async () => {
  const server = await startServer({ rules: rulesWith(SCAN) })
  const writer = connect(server, { machines: [defineMachine(SCAN)] })
  await writer.whenSynced
  const block = writer.blocks.create('b', { type: 'text' })
  block.statuses('scan@1').startRun('f', ADA as never)
  block.statuses(FILE).startRun('g', ADA)
  await writer.whenDurable()
  const other = defineMachine({ ...SCAN, sources: { user_action: 1, scanner: 2 } })
  const missing = defineMachine({ ...SCAN, name: 'scan@2' })
  const reader = connect(server, { machines: [other, missing] })
  const errors: ClientError[] = []
  reader.onError((error) => errors.push(error))
  await reader.whenSynced
  expect(errors.map(({ code, message }) => `${code} ${message}`)).toEqual([
    expect.stringMatching(/^machine_mismatch .*scan@1, scan@2/),
  ])
  const read = reader.blocks.get('b')
  expect([read?.statuses(other).isMismatched, read?.statuses(other).entries()]).toEqual([true, []])
  expect(read?.statuses(FILE).get('g')?.status).toBe('pending')
  const list = claimListsWith([])[2].part
  expect(read?.map.get(list)).toBeDefined()
  for (const machine of [other, missing])
    expect(() => read?.statuses(machine).startRun('x', ADA)).toThrow('register the same with both')
  expect(writer.blocks.get('b')?.statuses('scan@1').get('f')?.status).toBe('asked')
})

it('[C111] after the server got the same table, the statuses show again on the next connection', async () => {
  const scan = defineMachine(SCAN)
  const first = await startServer({ rules: documentRules })
  const client = connect(first, { machines: [scan] })
  await client.whenSynced
  expect(client.blocks.create('b', { type: 'text' }).statuses(scan).isMismatched).toBe(true)
  await client.whenDurable()
  await first.close()
  const errors: string[] = []
  client.onError(({ code }) => errors.push(code))
  await startServer({ port: first.port, rules: rulesWith(SCAN) })
  await until('the tables are alike', () => client.blocks.get('b')?.statuses(scan).isMismatched !== true)
  expect(errors).toEqual([])
})

it('[C110] machines that can not be are refused by connectWorkspace', () => {
  const wrong = [
    { machines: [defineMachine({ ...SCAN, name: 'file@1' })] },
    { machines: [defineMachine(SCAN)], lists: claimListsWith([]) },
  ]
  for (const options of wrong)
    expect(() => connect({ url: 'ws://127.0.0.1:9' }, options)).toThrow(
      expect.objectContaining({ code: 'bad_options' }),
    )
})
