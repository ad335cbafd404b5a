import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HandClock } from '@joinery/log/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { FileRef } from './file-store.ts'
import { type Keeper, SecondCopies } from './second-copies.ts'
import { scopeOf } from './upload-plan.ts'

const SCOPE = scopeOf('w')

/** Another process: a set of digests, and whether it answers and takes files. */
class Other implements Keeper {
  readonly name: string
  id: string
  readonly has = new Set<string>()
  readonly asked: string[] = []
  state: 'takes' | 'full' | 'away' = 'takes'
  constructor(name: string) {
    this.name = name
    this.id = `${name}-1`
  }
  async ask({ sha256 }: FileRef, copies: boolean) {
    if (this.state === 'away') throw new Error('away')
    this.asked.push(copies ? 'copy' : 'has')
    if (this.has.has(sha256)) return 'has'
    if (!copies || this.state === 'full') return 'refused'
    this.has.add(sha256)
    return 'coming'
  }
}

let home: string
let clock: HandClock
let others: Other[]
let copies: SecondCopies

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'joinery-copies-'))
  await mkdir(join(home, SCOPE))
  clock = new HandClock()
  others = [new Other('b'), new Other('c')]
  copies = new SecondCopies({
    ...{ directory: home, clock, logger: { warn: (details) => expect(details).toBeUndefined() } },
    keepers: () => others,
  })
})
afterEach(async () => {
  await copies.close()
  await rm(home, { recursive: true, force: true })
})

async function fileOf(text: string): Promise<FileRef> {
  const sha256 = createHash('sha256').update(text).digest('hex')
  await writeFile(join(home, SCOPE, sha256), text)
  return { scope: SCOPE, sha256, bytes: text.length }
}

const keptBy = ({ sha256 }: FileRef): string =>
  others
    .filter(({ has }) => has.has(sha256))
    .map(({ name }) => name)
    .join()

/** Lets time pass until all files are kept. */
async function untilKept(): Promise<void> {
  await expect
    .poll(() => {
      clock.pass(2_000)
      return copies.counts.waiting
    })
    .toBe(0)
}

it('[RU20] another process gets a copy of a new file, one of several, and the files are spread over them', async () => {
  const files: FileRef[] = []
  for (let n = 0; n < 20; n++) files.push(await fileOf(`file ${n}`))
  for (const file of files) copies.note(file)
  await untilKept()
  const keepers = files.map(keptBy)
  expect(new Set(keepers)).toEqual(new Set(['b', 'c']))
  expect(copies.counts).toMatchObject({ waiting: 0, unanswered: 0 })
})

it('[RU20] a process that is full or away leaves the copy to the next, and a file waits while there is none', async () => {
  const [b, c] = others as [Other, Other]
  b.state = 'full'
  c.state = 'away'
  const file = await fileOf('words')
  copies.note(file)
  await expect.poll(() => copies.counts.unanswered).toBeGreaterThan(0)
  clock.pass(10_000)
  expect(copies.counts.waiting).toBe(1)
  for (let n = 0; n < 60; n++) {
    clock.pass(10_000)
    await new Promise(setImmediate)
  }
  // Nobody takes it, so that it is asked for less and less often.
  expect(b.asked.length).toBeLessThan(40)
  c.state = 'takes'
  await expect
    .poll(() => {
      clock.pass(60_000)
      return copies.counts.waiting
    })
    .toBe(0)
  expect(keptBy(file)).toBe('c')
})

it('[RU20] all files are looked at again when a process comes, which may have lost its disk, and those with a copy cost one question', async () => {
  const files = [await fileOf('one'), await fileOf('two'), await fileOf('three')]
  for (const file of files) copies.note(file)
  await untilKept()
  for (const other of others) {
    other.has.clear()
    other.id = `${other.name}-2`
  }
  await expect
    .poll(() => {
      clock.pass(5_000)
      return files.map(keptBy)
    })
    .not.toContain('')
  await untilKept()
  for (const { asked } of others) asked.length = 0
  for (const other of others) other.id = `${other.name}-3`
  await expect
    .poll(() => {
      clock.pass(5_000)
      return others.flatMap(({ asked }) => asked)
    })
    .toEqual(['has', 'has', 'has'])
})
