import type { IndexingStatus, Source } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { blockOf, liveClaims } from './law-writers.ts'

function connect(url: string, actor: string, source: Source): Workspace {
  return connectWorkspace({ url, workspace: 'w', actor, source, offline: false })
}

it('[T65] each change of what is shown stands in the debug log with block, field, before, after, source, actor and LSN', async () => {
  await using directory = await tempDirectory()
  await using server = await startJoinery({ directory: directory.path, env: { JOINERY_LOG_LEVEL: 'debug' } })
  await using robot = connect(server.url, 'robot', 'workflow_execution')
  await robot.whenSynced
  const author = { source: 'workflow_execution', actor: 'robot' } as const
  const { indexingList } = robot.blocks.create('b1', { type: 'text' })
  const run = indexingList.startRun('words', author)
  await robot.whenDurable()
  indexingList.report('words', run, 'done', author)
  await robot.whenDurable()
  const changes = () =>
    server.child
      .output()
      .split('\n')
      .filter((line) => line.includes('shown value changed'))
  await until('both changes are logged', () => changes().length >= 2)
  const [started, finished] = changes().map((line) => JSON.parse(line) as Record<string, unknown>)
  const about = { workspace: 'w', block: 'b1', field: 'indexingList/words', ...author }
  expect(started).toMatchObject({ ...about, after: { status: 'processing' } })
  expect(started).not.toHaveProperty('before')
  expect(finished).toMatchObject({ ...about, before: { status: 'processing' }, after: { status: 'done' } })
  expect(finished?.lsn).toBeGreaterThan(Number(started?.lsn))
})

it('[T66] who asks is told who last touched content and entries, by which source and LSN, when the server has started anew, too', async () => {
  await using directory = await tempDirectory()
  const stampsOf = async (workspace: Workspace) => {
    const read = () => ['b1/content', 'b1/indexingList'].map((path) => workspace.provenance.of(path))
    await until('the stamps are there', () => read().every((stamp) => stamp?.actor !== undefined))
    return read()
  }
  let before: unknown
  {
    await using server = await startJoinery({ directory: directory.path })
    await using ada = connect(server.url, 'ada', 'user_action')
    await using robot = connect(server.url, 'robot', 'workflow_execution')
    await Promise.all([ada.whenSynced, robot.whenSynced])
    ada.blocks.create('b1', { type: 'text' })
    await ada.whenDurable()
    await until('robot has the block', () => robot.blocks.get('b1') !== undefined)
    blockOf(robot.doc).indexingList.startRun('words', { source: 'workflow_execution', actor: 'robot' })
    await robot.whenDurable()
    blockOf(ada.doc).content.insert(0, 'typed')
    await ada.whenDurable()
    await using ben = connect(server.url, 'ben', 'user_action')
    await ben.whenSynced
    before = await stampsOf(ben)
    expect(before).toMatchObject([
      { actor: 'ada', source: 'user_action' },
      { actor: 'robot', source: 'workflow_execution' },
    ])
    await server.child.end('SIGKILL')
  }
  await using again = await startJoinery({ directory: directory.path })
  await using newcomer = connect(again.url, 'cleo', 'user_action')
  await newcomer.whenSynced
  expect(await stampsOf(newcomer)).toEqual(before)
})

it('[T67] claims stay one per concurrent writer when three report a thousand times at once', async () => {
  await using directory = await tempDirectory()
  await using server = await startJoinery({ directory: directory.path })
  await using first = connect(server.url, 'writer-0', 'workflow_execution')
  await using second = connect(server.url, 'writer-1', 'workflow_execution')
  await using third = connect(server.url, 'writer-2', 'workflow_execution')
  const writers = [first, second, third]
  await Promise.all(writers.map((writer) => writer.whenSynced))
  const author = (index: number) => ({ source: 'workflow_execution' as const, actor: `writer-${index}` })
  const run = first.blocks.create('b1', { type: 'text' }).indexingList.startRun('words', author(0))
  await first.whenDurable()
  await until('all have the run', () =>
    writers.every(({ doc, blocks }) => blocks.get('b1') !== undefined && liveClaims(doc) > 0),
  )
  const REPORTS = 1_000
  for (let sent = 0; sent < REPORTS; sent += 20) {
    for (let i = sent; i < sent + 20; i++) {
      const status: IndexingStatus = i === REPORTS - 1 ? 'done' : 'processing'
      const writer = writers[i % 3]
      if (writer !== undefined)
        blockOf(writer.doc).indexingList.report('words', run, status, { ...author(i % 3), chunks: i })
    }
    // Every twenty reports the writers hear of each other; within them they are concurrent.
    await Promise.all(writers.map((writer) => writer.whenDurable()))
    await Promise.all(writers.map(({ doc }) => until('claims are bounded', () => liveClaims(doc) <= writers.length)))
  }
  await using newcomer = connect(server.url, 'ada', 'user_action')
  await newcomer.whenSynced
  expect(liveClaims(newcomer.doc)).toBeLessThanOrEqual(writers.length)
  expect(blockOf(newcomer.doc).indexingList.get('words')).toMatchObject({ status: 'done', chunks: REPORTS - 1 })
})
