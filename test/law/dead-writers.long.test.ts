import { connectWorkspace } from '@joinery/client'
import type { Conflict } from '@joinery/protocol'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { readHistory } from './law-log.ts'
import { blockOf, liveClaims, metric, ROBOT, reportUpdate, sendAndDie } from './law-writers.ts'

const ORDERS = [
  { ids: 'lower', first: 'error' },
  { ids: 'lower', first: 'done' },
  { ids: 'higher', first: 'error' },
  { ids: 'higher', first: 'done' },
] as const

it.each(ORDERS)(
  '[T62, T63, T64] the error shows, the loser is told of and pruned once, when $first comes first of two dead writers and the error has the $ids client id',
  async ({ ids, first }) => {
    await using directory = await tempDirectory()
    const server = await startJoinery({ directory: directory.path })
    const { url } = server
    const person = connectWorkspace({ url, workspace: 'w', actor: 'ada', source: 'user_action', offline: false })
    const conflicts: Conflict[] = []
    person.onConflict((conflict) => conflicts.push(conflict))
    await person.whenSynced
    person.blocks.create('b1', { type: 'text' }).indexingList.startRun('words', ROBOT)
    await person.whenDurable()
    const base = Y.encodeStateAsUpdate(person.doc)
    const isLower = ids === 'lower'
    const error = reportUpdate(base, isLower ? 10 : 100, 'pod-1', 'error')
    const done = reportUpdate(base, isLower ? 100 : 10, 'pod-2', 'done')
    const sends = [() => sendAndDie(url, 'w', 'pod-1', error), () => sendAndDie(url, 'w', 'pod-2', done)]
    for (const send of first === 'error' ? sends : sends.reverse()) await send()

    await until('the person hears of the conflict', () => conflicts.length > 0)
    await until('the loser is pruned', () => liveClaims(person.doc) === 1)
    expect(blockOf(person.doc).indexingList.get('words')).toMatchObject({ status: 'error', actor: 'pod-1' })
    // Later edits don't make the server prune again.
    blockOf(person.doc).content.insert(0, 'later')
    await person.whenDurable()
    expect(conflicts).toMatchObject([
      {
        block: 'b1',
        field: 'indexingList/words',
        winner: { status: 'error' },
        loser: { status: 'done', actor: 'pod-2' },
      },
    ])
    expect(await metric(url, 'joinery_conflicts_total')).toBe(1)
    expect(await metric(url, 'joinery_prunings_total')).toBe(1)
    await person.close()
    expect(await server.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
    const { records, doc } = await readHistory(directory.path, 'w')
    expect(records.filter(({ actor }) => actor === 'joinery')).toMatchObject([{ touched: ['b1/indexingList'] }])
    expect(blockOf(doc).indexingList.get('words')).toMatchObject({ status: 'error', actor: 'pod-1' })
  },
)
