import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  BlocksError,
  claimListsWith,
  copyClaims,
  createBlock,
  type DocumentContent,
  defineMachine,
  defineStatusRules,
  digestsOf,
  FILE,
  forkDoc,
  getBlock,
  hideMachines,
  MACHINES,
  machineClaims,
  machineDigest,
  observeBlocks,
  PAYMENT,
  planRestore,
  pruneBeaten,
  readDocument,
  restoreDocument,
  SYNC,
  setMachines,
  shownStatus,
  TASK,
  undoScope,
} from '../index.ts'
import { docWithBlock, syncAll } from '../testing/test-docs.ts'

const ADA = { source: 'user_action', actor: 'ada' } as const
const SERVER = { source: 'resources', actor: 'joinery' } as const
const BANK = { source: 'provider', actor: 'joinery' } as const
const SCAN = {
  name: 'scan@1',
  phases: [['asked'], ['scanning'], ['clean', 'infected']],
  ranks: ['asked', 'scanning', 'clean', 'infected'],
  sources: { user_action: 2, scanner: 1 },
  only: { clean: ['scanner'], infected: ['scanner'] },
} as const

function codeOf(act: () => unknown): string {
  try {
    act()
    return 'nothing'
  } catch (error) {
    return error instanceof BlocksError ? `${error.code} ${error.field}` : String(error)
  }
}

test('[B100] statuses of several machines and names stand in one part, which comes by a skeleton and merges', () => {
  const { doc, block } = docWithBlock()
  const other = forkDoc(doc)
  const run = block.statuses(FILE).startRun('report.pdf', { ...ADA, detail: { bytes: 12 } })
  getBlock(other, 'b1')?.statuses('payment@1').startRun('o-7', ADA)
  syncAll(doc, other)
  block
    .statuses(FILE)
    .report('report.pdf', run, 'syncing', { ...SERVER, progress: 3, total: 12, attempt: 2, task: 't-1' })
  syncAll(doc, other)
  for (const each of [doc, other]) {
    const read = getBlock(each, 'b1')
    expect(read?.toJSON().statuses).toMatchObject([
      {
        machine: 'file@1',
        name: 'report.pdf',
        status: 'syncing',
        attempt: 2,
        progress: 3,
        task: 't-1',
        run: { no: 1 },
      },
      { machine: 'payment@1', name: 'o-7', status: 'pending', source: 'user_action' },
    ])
    expect(read?.statuses(PAYMENT).entries()).toHaveLength(1)
    expect(read?.statuses(SYNC).entries()).toEqual([])
  }
  expect(block.statuses(FILE)).toBe(block.statuses('file@1'))
})

test('[B100] a status of one machine leaves the lists of the others the same, and their observers quiet', () => {
  const { block } = docWithBlock()
  block.statuses(PAYMENT).startRun('o-7', ADA)
  const payments = block.statuses(PAYMENT).entries()
  const told: unknown[] = []
  block.statuses(PAYMENT).observe((change) => told.push(change))
  const names: string[] = []
  block.statuses(FILE).observe(({ changes }) => names.push(...changes.map(({ kind, key }) => `${kind} ${key}`)))
  const run = block.statuses(FILE).startRun('a/b', ADA)
  block.statuses(FILE).report('a/b', run, 'failed', { ...SERVER, error: 'gone' })
  block.statuses(FILE).remove('a/b')
  expect(names).toEqual(['added a/b', 'updated a/b', 'removed a/b'])
  expect(told).toEqual([])
  expect(block.statuses(PAYMENT).entries()).toBe(payments)
})

test('[B101] the rules of indexing lists have the defaults that they had: results are the last phase, nothing is reserved', () => {
  const rules = defineStatusRules({
    phases: [['x'], ['y'], ['z']],
    ranks: ['x', 'y', 'z'],
    sources: { a: 1, b: 2 },
  })
  expect(rules.table).toMatchObject({ results: ['z'], only: {}, starts: ['x'], hasLegacy: true })
  const legacy = { name: 'n', status: 'z', timestamp: 5 }
  expect(rules.parse(legacy)).toMatchObject({ claim: { run: { no: 0, source: 'a' }, at: 5 } })
})

test('[B101] results may stand in several phases, and rule 5 ranks their reporters', () => {
  const claim = (status: string, source: string) => {
    const run = { no: 1, id: 'r', source: 'b' }
    const parsed = rules.parse({ machine: 'm@1', name: 'n', run, status, source, actor: 'x', at: 1 })
    if ('junk' in parsed) throw new Error(parsed.junk)
    return parsed.claim
  }
  const { rules } = defineMachine({
    name: 'm@1',
    phases: [['p'], ['won', 'lost'], ['going'], ['over']],
    ranks: ['p', 'won', 'lost', 'going', 'over'],
    sources: { a: 1, b: 2 },
    results: ['won', 'lost', 'over'],
  })
  expect(rules.compare(claim('won', 'b'), claim('lost', 'a'))).toBe(5)
  expect(rules.compare(claim('going', 'a'), claim('lost', 'b'))).toBe(4)
  const standing = (status: string) => claim(status, 'b')
  expect(['won', 'going'].map((status) => rules.canStart(standing(status), 'a'))).toEqual([true, false])
})

test('[B101] a table that is not total, or names what it does not have, is refused with the fault', () => {
  const wrong: [string, object][] = [
    ['a name without a version', { name: 'scan' }],
    ['version 0', { name: 'scan@0' }],
    ['a name with a slash', { name: 'a/b@1' }],
    ['a long name', { name: `${'a'.repeat(65)}@1` }],
    ['a version too high', { name: 'scan@1000000' }],
    ['no phases', { phases: [] }],
    ['an empty phase', { phases: [['asked'], [], ['scanning'], ['clean', 'infected']] }],
    ['a status in two phases', { phases: [['asked'], ['asked', 'scanning'], ['clean', 'infected']] }],
    ['a status without a rank', { ranks: ['asked', 'scanning', 'clean'] }],
    ['a status that is no word', { phases: [['a b']], ranks: ['a b'], only: {} }],
    ['the status stalled', { phases: [['stalled']], ranks: ['stalled'], only: {} }],
    ['sources of one priority', { sources: { user_action: 1, scanner: 1 } }],
    ['a priority that is no number', { sources: { user_action: '2', scanner: 1 } }],
    ['no sources', { sources: {} }],
    ['an unknown start', { starts: ['clean', 'dirty'] }],
    ['no start', { starts: [] }],
    ['results that split a phase', { results: ['clean'] }],
    ['no results', { results: [] }],
    ['only for an unknown status', { only: { dirty: ['scanner'] } }],
    ['only for an unknown source', { only: { clean: ['provider'] } }],
    ['only for nobody', { only: { clean: [] } }],
    ['stalled by an unknown source', { only: { stalled: ['provider'] } }],
    ['an unknown status that stalls', { stalls: ['dirty'] }],
    ['too many statuses', manyStatuses(65)],
  ]
  for (const [what, change] of wrong)
    expect(() => defineMachine({ ...SCAN, ...change } as never), what).toThrow(TypeError)
  for (const nothing of [undefined, null, 7, [], {}]) expect(() => defineMachine(nothing as never)).toThrow(TypeError)
  expect(() => machineClaims([...MACHINES, defineMachine({ ...SCAN, name: 'file@1' })])).toThrow(TypeError)
  expect(defineMachine(SCAN).table.starts).toEqual(['asked', 'scanning'])
})

function manyStatuses(count: number): object {
  const ranks = Array.from({ length: count }, (_, index) => `s${index}`)
  return { phases: [ranks], ranks, only: {} }
}

test('[B102] who may not say a status can not write it, and who writes it all the same is read as junk', () => {
  const { block } = docWithBlock()
  const payments = block.statuses(PAYMENT)
  const run = payments.startRun('o-7', ADA)
  expect(codeOf(() => payments.report('o-7', run, 'captured', ADA as never))).toBe('bad_argument source')
  expect(codeOf(() => payments.startRun('o-8', { ...ADA, status: 'processing' }))).toBe('bad_argument source')
  expect(codeOf(() => block.statuses(TASK).startRun('t', { ...ADA, status: 'done' }))).toBe('bad_argument status')
  const claim = { machine: 'payment@1', name: 'o-7', run: { ...run }, source: 'user_action', actor: 'ada', at: 1 }
  const list = block.map.get('statuses')
  if (!(list instanceof Y.Array)) throw new Error('the block has no statuses')
  list.push([
    { ...claim, status: 'captured' },
    { ...claim, status: 'refunded', source: 'provider', run: undefined },
    { machine: 'payment@1', name: 'o-7', status: 'captured', timestamp: 9 },
    new Y.Map(Object.entries({ ...claim, status: 'captured', source: 'provider' })),
  ])
  expect(payments.get('o-7')).toMatchObject({ status: 'pending' })
  expect(payments.junk().map(({ reason }) => reason)).toEqual(['source', 'run', 'run', 'not an object'])
  payments.report('o-7', run, 'captured', BANK)
  expect(payments.get('o-7')).toMatchObject({ status: 'captured', source: 'provider' })
})

test('[B103] the flag stalled stands beside a status, shows as the status stalled, and goes by a later report', () => {
  const { block } = docWithBlock()
  const files = block.statuses(FILE)
  const run = files.startRun('f', ADA)
  const shown = () => {
    const entry = files.get('f')
    return entry && shownStatus(entry)
  }
  const at = 1_000
  files.report('f', run, 'syncing', { ...SERVER, at, stalled: { since: 900, why: 'no answer' }, retry_at: 5_000 })
  expect([shown(), files.get('f')?.status]).toEqual(['stalled', 'syncing'])
  files.report('f', run, 'syncing', { ...SERVER, at: at + 1 })
  expect(shown()).toBe('syncing')
  files.report('f', run, 'synced', { ...SERVER, at })
  files.report('f', run, 'syncing', { ...SERVER, at: at + 9, stalled: { since: 900, why: 'late' } })
  expect(shown()).toBe('synced')
})

test('[B104] what a status says beyond its bounds is refused at its writer and junk to readers, by the property', () => {
  const { block } = docWithBlock()
  const files = block.statuses(FILE)
  const run = files.startRun('f', ADA)
  const stall = { since: 1, why: 'x' }
  const wrong: [string, object][] = [
    ['attempt', { attempt: 0 }],
    ['attempt', { attempt: 1.5 }],
    ['attempt', { attempt: 2 ** 53 }],
    ['retry_at', { retry_at: -1 }],
    ['retry_at', { retry_at: Number.NaN }],
    ['retry_at', { retry_at: 8.64e15 + 1 }],
    ['detail', { detail: { text: 'x'.repeat(4_096) } }],
    ['detail', { detail: [1] }],
    ['detail', { detail: JSON.parse('{"a":{"__proto__":1}}') }],
    ['detail', { detail: JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`) }],
    ['task', { task: '' }],
    ['task', { task: 'x'.repeat(257) }],
    ['progress', { progress: -1 }],
    ['total', { total: 1 }],
    ['stalled', { stalled: { since: 1 } }],
    ['stalled', { stalled: { since: -1, why: 'x' } }],
    ['stalled', { stalled: { since: 1, why: 'x'.repeat(257) } }],
    ['stalled', { stalled: { ...stall, more: 1 } }],
    ['stalled', { stalled: true }],
    ['stalled', { stalled: stall, source: 'workflow_execution' }],
    ['error', { status: 'failed', error: 'x'.repeat(4_001) }],
    ['stalled', { status: 'synced', stalled: stall }],
  ]
  for (const [field, change] of wrong) {
    const { status = 'syncing', ...told } = { ...SERVER, ...change } as Record<string, unknown>
    expect(
      codeOf(() => files.report('f', run, status as never, told as never)),
      JSON.stringify(change),
    ).toBe(`bad_argument ${field}`)
    const raw = { machine: 'file@1', name: 'f', run: { ...run }, status, at: 1, ...told }
    expect(FILE.rules.parse(raw), JSON.stringify(change)).toEqual({ junk: field })
  }
  expect(codeOf(() => files.report('f', run, 'syncing', { ...SERVER, error: 'x' }))).toBe('bad_argument error')
  for (const name of ['', '.', '..', 'x'.repeat(257), '\ud800'])
    expect(codeOf(() => files.startRun(name, ADA))).toBe('bad_argument resourceName')
  expect(codeOf(() => block.statuses('file@9'))).toBe('bad_argument machine')
  expect(codeOf(() => block.statuses('constructor'))).toBe('bad_argument machine')
  expect(codeOf(() => block.statuses(undefined as never))).toBe('bad_argument machine')
  expect(codeOf(() => block.statuses(defineMachine({ ...SCAN, name: 'file@1' })))).toBe('bad_argument machine')
  expect(files.entries()).toHaveLength(1)
})

test('[B105] claims of a machine that a replica lacks are kept, shown raw, never pruned, and read once the table is there', () => {
  const doc = new Y.Doc()
  const scan = defineMachine(SCAN)
  const lists = claimListsWith([scan])
  setMachines(doc, lists[2])
  const block = createBlock(doc, 'b1', { type: 'text' })
  const run = block.statuses(scan).startRun('f', ADA)
  const late = forkDoc(doc)
  block.statuses(scan).report('f', run, 'clean', { source: 'scanner', actor: 's', at: 2 })
  getBlock(late, 'b1')?.statuses(scan).report('f', run, 'scanning', { source: 'scanner', actor: 's', at: 1 })
  syncAll(doc, late)
  const older = new Y.Doc()
  Y.applyUpdate(older, Y.encodeStateAsUpdate(doc))
  const read = getBlock(older, 'b1')
  expect(read?.toJSON().statuses).toEqual([])
  expect(pruneBeaten(older)).toBe(0)
  const raw = read?.claims(claimListsWith([])[2]).raw() ?? []
  expect(raw.map(({ machine, name, status }) => `${machine} ${name} ${status}`).sort()).toEqual([
    'scan@1 f clean',
    'scan@1 f scanning',
  ])
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(older))
  expect(block.statuses(scan).get('f')?.status).toBe('clean')
  expect(pruneBeaten(doc, undefined, lists)).toBe(1)
})

test('[B105] statuses of a hidden machine show nothing and take nothing, are told as removed, and come back', () => {
  const { doc, block } = docWithBlock()
  const files = block.statuses(FILE)
  const run = files.startRun('f', ADA)
  block.statuses(SYNC).startRun('s', ADA)
  const told: string[] = []
  observeBlocks(doc, ({ changed }) =>
    told.push(...changed.flatMap(({ statuses }) => (statuses?.changes ?? []).map(({ kind, key }) => `${kind} ${key}`))),
  )
  hideMachines(doc, ['file@1'])
  expect([files.isMismatched, files.entries().length, block.statuses(SYNC).entries().length]).toEqual([true, 0, 1])
  expect(block.claims(claimListsWith([])[2]).raw()).toMatchObject([{ machine: 'file@1', name: 'f', status: 'pending' }])
  const acts = [
    () => files.startRun('f', ADA),
    () => files.report('f', run, 'syncing', SERVER),
    () => files.remove('f'),
    () => getBlock(forkDoc(doc), 'b1')?.statuses(FILE).startRun('g', ADA),
  ]
  for (const act of acts) expect(codeOf(act)).toBe('machine_mismatch machine')
  hideMachines(doc, [])
  expect(files.get('f')?.status).toBe('pending')
  expect(told).toEqual(['removed file@1/f', 'added file@1/f'])
})

test('[B106] two tables have one digest if and only if they rank and take the same', () => {
  const digest = machineDigest(defineMachine(SCAN))
  expect(digest).toMatch(/^[0-9a-f]{32}$/)
  const same = [
    { sources: { scanner: 1, user_action: 2 } },
    { phases: [['asked'], ['scanning'], ['infected', 'clean']] },
    { results: ['infected', 'clean'] },
    { starts: ['asked', 'scanning'] },
    { only: { infected: ['scanner'], clean: ['scanner'] } },
  ]
  for (const change of same) expect(machineDigest(defineMachine({ ...SCAN, ...change } as never))).toBe(digest)
  const other = [
    { name: 'scan@2' },
    { ranks: ['asked', 'scanning', 'infected', 'clean'] },
    { sources: { user_action: 3, scanner: 1 } },
    { starts: ['asked'] },
    { only: { clean: ['scanner'] } },
    { stalls: ['scanning'] },
    { failures: ['infected'] },
  ]
  const digests = other.map((change) => machineDigest(defineMachine({ ...SCAN, ...change } as never)))
  expect(new Set([digest, ...digests]).size).toBe(other.length + 1)
  expect(Object.keys(digestsOf(MACHINES))).toEqual(['file@1', 'sync@1', 'embedding@1', 'payment@1', 'task@1'])
})

/** A change here is a change of the law that deployed clients go by: it needs a new version of the machine. */
test('[B106] the digests of the built-in machines are for good', () => {
  expect(digestsOf(MACHINES)).toMatchInlineSnapshot(`
    {
      "embedding@1": "551cb1a93cc1dd26281fe47af9ed32d4",
      "file@1": "9c640275b73a1501d564a7959ed511e4",
      "payment@1": "8ecd00b9cd57e7321841b26e3dc7ae99",
      "sync@1": "3269a7abab344ff64ed8e084fe6c458d",
      "task@1": "b51839c9b7c51aea680bcea732c33a4d",
    }
  `)
})

test('[B110] a restore starts new runs for what its author may say, and leaves what others alone may say', () => {
  const { doc, block } = docWithBlock()
  const lists = claimListsWith([])
  const file = block.statuses(FILE).startRun('f', ADA)
  block.statuses(PAYMENT).startRun('o-7', { ...ADA, runId: 'r1' })
  const early = readDocument(forkDoc(doc), lists)
  block.statuses(FILE).report('f', file, 'syncing', { ...ADA, progress: 1 })
  block.statuses(PAYMENT).report('o-7', { no: 1, id: 'r1', source: 'user_action' }, 'captured', BANK)
  block.statuses(SYNC).startRun('new', ADA)
  const later = readDocument(forkDoc(doc), lists)
  const restore = (past: DocumentContent) =>
    doc.transact((transaction) => restoreDocument(transaction, planRestore(doc, past, lists), ADA, lists))
  restore(early)
  expect(block.toJSON().statuses).toMatchObject([
    { machine: 'file@1', status: 'pending', run: { no: 2 } },
    { machine: 'payment@1', status: 'captured', run: { no: 1 } },
  ])
  block.statuses(PAYMENT).remove('o-7')
  restore(later)
  expect(block.toJSON().statuses).toMatchObject([
    { machine: 'file@1', status: 'syncing', progress: 1 },
    { machine: 'sync@1', name: 'new', status: 'pending' },
  ])
})

test('[B100, B46] statuses of blocks of ordinary structs cost no skeleton, and are copied with their block', () => {
  const doc = new Y.Doc()
  const lists = claimListsWith([])
  const block = createBlock(doc, { type: 'text', lists })
  block.statuses(TASK).startRun('t', ADA)
  expect([...doc.store.clients.keys()]).toEqual([doc.clientID])
  const copy = createBlock(new Y.Doc(), block.id, { type: 'text' })
  copyClaims(block, copy, lists[2])
  expect(copy.toJSON().statuses).toEqual(block.toJSON().statuses)
})

test("[B111] every reader of a document with an application's own machines reads by them, unless it is told otherwise", () => {
  const doc = new Y.Doc()
  const scan = defineMachine(SCAN)
  setMachines(doc, claimListsWith([scan])[2])
  const told: string[] = []
  observeBlocks(doc, ({ changed }) => {
    for (const { statuses } of changed) told.push(...(statuses?.changes.map(({ key }) => key) ?? []))
  })
  const block = createBlock(doc, 'b1', { type: 'text' })
  const run = block.statuses(scan).startRun('f', { source: 'user_action', actor: 'ada' })
  block.statuses(scan).report('f', run, 'clean', { source: 'scanner', actor: 's' })
  const { scope, options } = undoScope(doc)
  new Y.UndoManager(scope, options).destroy()
  pruneBeaten(doc)
  expect(block.toJSON().statuses).toMatchObject([{ machine: 'scan@1', status: 'clean' }])
  expect(getBlock(forkDoc(doc), 'b1')?.toJSON()).toEqual(block.toJSON())
  expect(new Set(told)).toEqual(new Set(['scan@1/f']))
  expect([block.rawStatuses(), hideMachines(doc, ['scan@1']), block.rawStatuses().length]).toEqual([[], true, 1])
  expect(block.rawStatuses()).toBe(block.rawStatuses())
})
