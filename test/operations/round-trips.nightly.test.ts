import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readLog } from '../crash/read-log.ts'
import { Writers } from '../crash/writers.ts'
import { joinery as command } from '../support/command.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'

const WORKSPACES = ['acme/plan', 'packed']
const KEY = 'job-17-start'

/** The JSON that a command prints. The command has to end with 0. */
async function ask(...args: string[]): Promise<Record<string, unknown>> {
  const { exit, output, stdout } = await command(...args, '--json')
  expect(exit, output).toEqual({ code: 0, signal: null })
  return JSON.parse(stdout)
}

async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string; lsn: string | null }> {
  const response = await fetch(`${url.replace('ws:', 'http:')}/v1/workspaces/${path}`, {
    method,
    headers: {
      'X-Joinery-Source': 'workflow_execution',
      ...(body !== undefined && { 'Content-Type': 'application/json', 'Idempotency-Key': KEY }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, text: await response.text(), lsn: response.headers.get('X-Joinery-LSN') }
}

const startRun = (url: string) => call(url, 'POST', 'packed/blocks/note/indexing/main/runs', { runId: 'job-17' })

/** Two people, statuses, edges, deletions, undo, a job over HTTP with a key, packed records, and a deleted workspace. */
async function fill(url: string, directory: string): Promise<void> {
  for (const workspace of [...WORKSPACES, 'gone']) {
    await using stack = new AsyncDisposableStack()
    const enter = async (actor: string): Promise<Workspace> => {
      const client = connectWorkspace({ url, workspace, actor })
      stack.defer(() => client.close())
      await client.whenSynced
      return client
    }
    const [ada, ben] = [await enter('ada'), await enter('ben')]
    const note = ada.blocks.create('note', { type: 'text' })
    for (let n = 0; n < 40; n++) {
      note.content.insert(n % 7, `${n} 🪚 é `)
      if (n % 10 === 9) await ada.whenDurable()
    }
    note.content.delete(3, 10)
    const run = note.indexingList.startRun('search', { source: 'user_action', actor: 'ada' })
    note.indexingList.report('search', run, 'error', { source: 'user_action', actor: 'ada', error: 'no such model' })
    ada.blocks.create('gone', { type: 'text' }).content.insert(0, 'x'.repeat(3_000))
    await ada.whenDurable()
    await until('ben has the note', () => ben.blocks.get('gone') !== undefined)
    ben.blocks.delete('gone')
    ben.doc.getArray('list').push([{ deep: [1, null, 'two'] }, new Uint8Array([1, 2, 3])])
    await ben.whenDurable()
  }
  expect((await startRun(url)).status).toBeLessThan(300)
  await ask('delete', 'gone', '--data', directory)
  await ask('compact', 'packed', '--data', directory)
}

/** All that can be seen of a server's workspaces: contents now and in the past, who wrote what, and what is kept of it. */
async function portraitOf(url: string, directory: string): Promise<Record<string, unknown>> {
  const portrait: Record<string, unknown> = {}
  for (const workspace of WORKSPACES) {
    const client = await RawClient.open({ url, path: workspace, wantsJoinery: true })
    const { records } = await ask('history', workspace, '--limit', '1000', '--data', directory)
    const head = (records as unknown[]).length
    const pasts = [1, Math.floor(head / 2), head].map((lsn) =>
      call(url, 'GET', `${encodeURIComponent(workspace)}/blocks?at=${lsn}`),
    )
    portrait[workspace] = {
      generation: client.hello?.generation,
      blocks: client.doc.getMap('blocks').toJSON(),
      list: client.doc.getArray('list').toJSON(),
      stateVector: [...Y.decodeStateVector(Y.encodeStateVector(client.doc))].sort(([a], [b]) => a - b),
      records,
      pasts: await Promise.all(pasts),
    }
    expect(portrait[workspace]).toMatchObject({
      generation: expect.stringMatching(/./),
      blocks: { note: { content: expect.stringContaining('🪚') } },
      pasts: pasts.map(() => ({ status: 200 })),
    })
    await client.close()
  }
  return portrait
}

describe.concurrent('round trips', () => {
  it('[T71] what is exported from a running server and imported into another is the same: contents, pasts, authors, keys', async () => {
    await using home = await tempDirectory()
    const [from, to] = [join(home.path, 'from'), join(home.path, 'to')]
    await using first = await startJoinery({ directory: from })
    await fill(first.url, from)
    const portrait = await portraitOf(first.url, from)
    await using second = await startJoinery({ directory: to })
    for (const [index, workspace] of WORKSPACES.entries()) {
      const file = join(home.path, `${index}.archive`)
      await ask('export', workspace, '--to', file, '--data', from)
      await ask('import', file, '--data', to)
      // Carried on, it is the same archive, but for where and when it was made.
      const again = join(home.path, `${index}-again.archive`)
      await ask('export', workspace, '--to', again, '--data', to)
      expect((await readFile(again)).length).toBe((await readFile(file)).length)
    }
    expect(await portraitOf(second.url, to)).toEqual(portrait)
    expect(await ask('verify', '--data', to)).toMatchObject({ intact: true })
    expect(await startRun(second.url)).toEqual(await startRun(first.url))
  })

  it('[T71] what is backed up from a running server and restored is the same, deleted workspaces included', async () => {
    await using home = await tempDirectory()
    const [from, to] = [join(home.path, 'from'), join(home.path, 'to')]
    await using first = await startJoinery({ directory: from })
    await fill(first.url, from)
    const portrait = await portraitOf(first.url, from)
    await ask('backup', '--to', join(home.path, 'backups'), '--data', from)
    await ask('restore', join(home.path, 'backups'), '--data', to)
    expect(await ask('verify', '--data', to)).toMatchObject({ intact: true })
    await using second = await startJoinery({ directory: to })
    expect(await portraitOf(second.url, to)).toEqual(portrait)
    expect(await startRun(second.url)).toEqual(await startRun(first.url))
    const late = await new RawClient({ url: second.url, path: 'gone', wantsJoinery: true }).ended
    expect(late).toMatchObject({ kind: 'close', code: 4411 })
    await ask('undelete', 'gone', '--data', to)
    const back = await RawClient.open({ url: second.url, path: 'gone' })
    expect(back.doc.getArray('list').length).toBe(2)
    await back.close()
  })

  it('[T72] a backup under twenty writers, beside verify and compact, holds all that was acknowledged before it began', async () => {
    const seed = runSeed()
    console.log(`backup under load: JOINERY_SEED=${seed}`)
    await using home = await tempDirectory()
    const [data, restored] = [join(home.path, 'data'), join(home.path, 'restored')]
    await using joinery = await startJoinery({ directory: data })
    const writers = new Writers(joinery.url, seededRandom(seed))
    writers.startTyping()
    const isWellUnderWay = () => writers.all.every(({ ledger }) => ledger.acknowledged > 20)
    await until('everybody is well under way', isWellUnderWay)
    const acknowledged = writers.all.map(({ ledger }) => ledger.typed.slice(0, ledger.acknowledged))
    const [, verified] = await Promise.all([
      ask('backup', '--to', join(home.path, 'backups'), '--data', data),
      ask('verify', '--data', data),
      ask('compact', '--data', data),
    ])
    expect(verified).toMatchObject({ intact: true })
    writers.stopTyping()
    await writers.settle(joinery.url)
    await writers.stop()
    await ask('restore', join(home.path, 'backups'), '--data', restored)
    const log = await readLog(restored)
    for (const [index, { name, workspace }] of writers.all.entries()) {
      const held = new Set(log.get(workspace))
      expect(
        acknowledged[index]?.filter((entry) => !held.has(entry)),
        `acknowledged to ${name}`,
      ).toEqual([])
    }
  })
})
