import { openLevelStore, type WorkspaceLog } from '@joinery/log'
import { verifyOpenDirectory } from '@joinery/log/operations'
import {
  FILES_LOG,
  FileQuotas,
  HOOKS_LOG,
  HookDesk,
  type LaneJournal,
  laneLogOf,
  OUTBOX_LOG,
  type OutboxJournal,
  openLaneJournal,
  openOutboxJournal,
} from '@joinery/resources'
import type { TaskView } from '@joinery/tasks'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { repairStore } from './repair-store.mts'
import { loadHere } from './trial-load.mts'
import { trySystemLog } from './try-system-log.mts'

const LOGS = [FILES_LOG, HOOKS_LOG, OUTBOX_LOG, laneLogOf('demo'), '!leases/demo']
const ENTRY = { actor: 'joinery', source: 'server', connection: 'test' } as const
const FILE = { workspace: 'demo', principal: 'ada', bytes: 5, sha256: 'd' } as const
/** One file of that size fits. The upload has not ended. */
const QUOTA = {
  limits: { bytesPerWorkspaceMax: FILE.bytes, bytesPerPrincipalMax: Number.POSITIVE_INFINITY },
  tasks: { find: async () => ({ state: 'running' }) as TaskView },
}
const HOOK = { type: 'received', endpoint: 'stripe', kind: 'charge.updated', body: '', digest: 'd' } as const

it('[A152] verify finds a record that the journals of webhooks, of files and of leases can’t be opened with, and repair cuts it off', async () => {
  const directory = await temporaryDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const atomically = <T,>(work: () => T): T => store.atomically(work)
  const onUntidy = (error: unknown): never => expect.fail(String(error))
  const withLog = async <T,>(name: string, work: (log: WorkspaceLog) => Promise<T>): Promise<T> => {
    const log = await store.open(name)
    return work(log).finally(() => log.close())
  }
  const hooks = <T,>(work: (desk: HookDesk) => T) =>
    withLog(HOOKS_LOG, async (log) => work(await HookDesk.open({ log, atomically, onUntidy })))
  const own = <T,>(work: (journal: OutboxJournal) => T) =>
    withLog(OUTBOX_LOG, async (log) => work(await openOutboxJournal(log, atomically, onUntidy)))
  const lane = <T,>(work: (journal: LaneJournal) => T) =>
    withLog(laneLogOf('demo'), async (log) => work(await openLaneJournal(log, atomically, onUntidy)))
  await hooks((desk) => desk.note({ ...HOOK, id: 'evt_1' }))
  const files = (work: (quotas: FileQuotas) => Promise<void>) =>
    withLog(FILES_LOG, async (log) => work(await FileQuotas.open({ log, atomically, onUntidy, ...QUOTA })))
  const begun = { type: 'begun', subscription: 'crm', generation: 'g', through: 3 } as const
  await own((journal) => journal.append([{ event: { type: 'pending', workspace: 'demo', from: 1 }, ...ENTRY }]).durable)
  await lane((journal) => journal.append([{ event: begun, ...ENTRY }]).durable)
  await files((quotas) => quotas.hold('task', FILE))
  const load = () => loadHere({ msMax: 30_000 })
  const verify = async () => {
    const { store: report } = await verifyOpenDirectory(directory, store, { load, loadSystemLog: trySystemLog })
    return report?.systemLogs.flatMap(({ workspace, problems }) => problems.map(({ code }) => [workspace, code])) ?? []
  }
  expect(await verify()).toEqual([])
  for (const name of LOGS) {
    // Whole by its checksum, and no event.
    const update = Buffer.from('\u0001{"type":"moved","through":true}')
    await withLog(name, (log) => log.append({ ...ENTRY, update, touched: [] }).durable)
  }
  await expect(hooks(() => 0)).rejects.toMatchObject({ code: 'corrupted' })
  await expect(files(async () => undefined)).rejects.toMatchObject({ code: 'corrupted' })
  expect((await verify()).toSorted()).toEqual(LOGS.toSorted().map((name) => [name, 'not_loadable']))
  const repair = {
    directory,
    isMeant: true,
    signal: undefined,
    load,
    alone: <T,>(_: string, work: () => Promise<T>) => work(),
  }
  for (const name of LOGS) expect(await repairStore(store, name, repair), name).toMatchObject({ problemCount: 1 })
  expect(await verify()).toEqual([])
  expect(await hooks((desk) => desk.find('stripe', 'evt_1'))).toMatchObject({ state: 'received' })
  expect(await own(({ fold }) => fold.pending.get('demo'))).toBe(1)
  expect(await lane(({ fold }) => fold.places.get('crm'))).toEqual({ generation: 'g', through: 3 })
  await files(async (quotas) => {
    const another = quotas.startWithin(FILE, async () => ({ id: 'another' }))
    await expect(another).rejects.toMatchObject({ code: 'quota_files', details: { used: FILE.bytes } })
  })
  await store.close()
})

it('[A152] a snapshot of a journal of webhooks or of files is read as strictly as its records', () => {
  const states = [
    [FILES_LOG, '{"holds":[],"kept":[["demo",[["ada","5"]]]]}'],
    [HOOKS_LOG, '[["stripe/evt_1",{"endpoint":"stripe"}]]'],
    [OUTBOX_LOG, '{"pending":[["demo","1"]],"dead":[],"failing":[]}'],
    [laneLogOf('demo'), '{"places":[["crm",{"generation":1,"through":3}]],"dead":[]}'],
  ] as const
  for (const [name, state] of states) {
    expect(() => trySystemLog(name).add(Buffer.from(`\u0001${state}`)), name).toThrow('can’t be read')
  }
  for (const [name, state] of [
    [FILES_LOG, '{"holds":[],"kept":[["demo",[["ada",5]]]]}'],
    [HOOKS_LOG, '[]'],
    [OUTBOX_LOG, '{"pending":[["demo",1]],"dead":[],"failing":[["crm",{"since":5}]]}'],
    [laneLogOf('demo'), '{"places":[["crm",{"generation":"g","through":3}]],"dead":[]}'],
  ] as const) {
    expect(() => trySystemLog(name).add(Buffer.from(`\u0001${state}`)), name).not.toThrow()
  }
})
