import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectWorkspace, type Draft, type KeyedReceipt } from '@joinery/client'
import type { Frame } from '@joinery/protocol'
import { expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { type Child, startChild } from '../support/child-process.ts'
import { type FrameProxy, startFrameProxy } from '../support/frame-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { runSize } from '../support/run-size.ts'
import { type Random, randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

const KILLS = runSize('JOINERY_KILLS', { everyday: 5, nightly: 200 })
const WRITER = fileURLToPath(new URL('./keyed-writer.ts', import.meta.url))
/** About how many frames pass between a writer and the server before the keyed one: hello, sync both ways, an acknowledgement. */
const FRAMES_MAX = 6
const DELAY_MS_MAX = 12

/** The moment of a kill: when the keyed update, its answer or any other frame passes the proxy; before it is forwarded, or some time after. */
interface KillPoint {
  readonly victim: 'writer' | 'server' | 'both'
  readonly frame: 'keyed' | 'keyedResult' | number
  readonly delayMs: number | 'before'
}

function killPoint(random: Random): KillPoint {
  const victims = ['writer', 'writer', 'server', 'both'] as const
  const frames = ['keyed', 'keyed', 'keyedResult', 'any'] as const
  const frame = frames[randomBelow(random, frames.length)] ?? 'any'
  return {
    victim: victims[randomBelow(random, victims.length)] ?? 'writer',
    frame: frame === 'any' ? randomBelow(random, FRAMES_MAX) : frame,
    delayMs: randomBelow(random, 2) === 0 ? 'before' : randomBelow(random, DELAY_MS_MAX),
  }
}

/** Resolves when the point has come. Frames that have to be lost are lost by then. */
function reached(proxy: FrameProxy, { frame: awaited, delayMs }: KillPoint): Promise<void> {
  return new Promise((resolve) => {
    let count = 0
    let isReached = false
    const isIt = (frame: Frame): boolean =>
      typeof awaited === 'number'
        ? count++ === awaited
        : frame.type === 'joinery' && frame.message?.type === awaited && frame.message.key === 'k'
    proxy.gate = (frame, _from, forward) => {
      const isNow = !isReached && isIt(frame)
      isReached ||= isNow
      if (!isNow) {
        // After the point "before", nothing is forwarded any more.
        if (!isReached || delayMs !== 'before') forward()
        return
      }
      if (delayMs === 'before') return resolve()
      forward()
      void delay(delayMs).then(resolve)
    }
  })
}

const startWriter = (proxy: FrameProxy, workspace: string): Child =>
  startChild({ args: [WRITER, proxy.url, workspace, 'k', 'entry'] })

async function receiptOf(writer: Child): Promise<KeyedReceipt> {
  const exit = await within('the writer ends', writer.exited)
  expect(exit, writer.output()).toEqual({ code: 0, signal: null })
  return JSON.parse(writer.stdout()) as KeyedReceipt
}

/** The writer started again: the same edit under the same key. */
async function repeat(proxy: FrameProxy, workspace: string): Promise<KeyedReceipt> {
  await using job = connectWorkspace({ url: proxy.url, workspace, actor: 'job', source: 'workflow_execution' })
  const edit = ({ doc }: Draft) => doc.getArray<string>('entries').push(['entry'])
  return await within('the repeat is answered', job.transactOnce(edit, { idempotencyKey: 'k' }))
}

it(`[C52] a keyed edit takes effect once when the writer, the server or both are killed ${KILLS} times around it`, async () => {
  const seed = runSeed()
  console.log(`kills around a keyed edit: JOINERY_SEED=${seed}`)
  const random = seededRandom(seed)
  await using home = await tempDirectory()
  const port = await freePort()
  await using proxy = await startFrameProxy(`ws://127.0.0.1:${port}`)
  const options = { directory: home.path, durability: 'async' as const, port }
  let server: JoineryProcess = await startJoinery(options)
  try {
    for (let n = 0; n < KILLS; n++) {
      const point = killPoint(random)
      const what = `kill ${n}, ${JSON.stringify(point)}`
      const workspace = `keyed-${n}`
      // A client that has seen an edit which the server lost sends it again, without its key.
      await using bystander = connectWorkspace({ url: server.url, workspace, actor: 'ada' })
      await within('the bystander is here', bystander.whenSynced)
      const arrived = reached(proxy, point)
      const writer = startWriter(proxy, workspace)
      await within(`${what} is reached`, arrived)
      if (point.victim !== 'server') await writer.end('SIGKILL')
      if (point.victim !== 'writer') await server.child.end('SIGKILL')
      proxy.gate = (_frame, _from, forward) => forward()
      if (point.victim !== 'writer') server = await startJoinery(options)
      const receipt = await (point.victim === 'server' ? receiptOf(writer) : repeat(proxy, workspace))
      expect(receipt.lsn, what).toBeGreaterThan(0)
      const entries = bystander.doc.getArray('entries')
      await until('the bystander has it', () => bystander.saveStatus.get().state === 'saved' && entries.length > 0)
      const reader = await RawClient.open({ url: server.url, path: workspace })
      expect(reader.doc.getArray('entries').toArray(), what).toEqual(['entry'])
      expect(entries.toArray(), what).toEqual(['entry'])
      await reader.close()
    }
  } finally {
    await server.child.end('SIGTERM')
  }
  const logs = await readLog(home.path)
  expect(logs.size).toBe(KILLS)
  for (const [workspace, entries] of logs) expect(entries, workspace).toEqual(['entry'])
})
