/**
 * usage: node --expose-gc test/bench/idle-heap.ts [connections, default 5000]
 * Prints the heap that an idle connection to a room of its own takes, in KiB: exact, since the collector has run, while
 * the "idle" row of `run.ts` measures the memory of the whole process. Run it in two checkouts to compare them.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openMemoryStore } from '@joinery/log'
import { createServer } from '@joinery/server'
import { WebSocket } from 'ws'

const SYNC_STEP_1 = Uint8Array.of(0, 0, 1, 0)
const SYNC_STEP_2 = 1
/** Rounds of waiting and collecting: what is dropped in one round may free more in the next. */
const ROUNDS = 6

async function connect(url: string): Promise<void> {
  const ws = new WebSocket(url)
  ws.binaryType = 'nodebuffer'
  await once(ws, 'open')
  ws.send(SYNC_STEP_1)
  await new Promise<void>((resolve, reject) => {
    ws.on('error', reject)
    ws.on('message', (frame: Buffer) => {
      if (frame[0] === 0 && frame[1] === SYNC_STEP_2) resolve()
    })
  })
}

async function heapUsed(): Promise<number> {
  for (let round = 0; round < ROUNDS; round++) {
    await delay(500)
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}

async function measure(connections: number): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('run it with node --expose-gc')
  const server = createServer({ store: openMemoryStore(), port: 0 })
  await server.listen()
  const before = await heapUsed()
  const clients = fork(fileURLToPath(import.meta.url), [String(connections), server.url.replace('http', 'ws')], {
    execArgv: [],
  })
  await once(clients, 'message')
  const kib = ((await heapUsed()) - before) / connections / 1024
  console.log(`${kib.toFixed(3)} KiB of heap for each of ${connections} idle connections, a room each`)
  clients.kill()
  await once(clients, 'exit')
  await server.close()
}

const [connections = '5000', url] = process.argv.slice(2)
if (url === undefined) await measure(Number(connections))
else {
  for (let room = 0; room < Number(connections); room++) await connect(`${url}/room-${room}`)
  process.send?.('connected')
}
