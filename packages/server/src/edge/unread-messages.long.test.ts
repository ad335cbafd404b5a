import {
  decodeFrame,
  encodeAwareness,
  encodeAwarenessStates,
  encodeSyncStep1,
  type WorkspaceId,
} from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { keptBytes } from '../testing/kept-bytes.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

const MIB = 1024 * 1024
/** More than the kernel keeps of what nobody reads. */
const LARGE_BYTES = 16 * MIB
let fixture: ServerFixture
const deaf: WebSocket[] = []
afterEach(async () => {
  for (const ws of deaf.splice(0)) ws.terminate()
  await fixture.close()
})

/** A client that reads nothing from its upgrade on, or from the answer to its SyncStep1 on. */
async function connectDeaf(path: string, untilAnswer = false): Promise<WebSocket> {
  const options = { perMessageDeflate: false, autoPong: false }
  const ws = new WebSocket(`${fixture.server.url.replace('http', 'ws')}/${path}`, options)
  deaf.push(ws)
  ws.on('error', () => undefined)
  const answered = new Promise<void>((resolve) => {
    ws.on('message', (data: Buffer) => decodeFrame(data).type === 'syncStep2' && resolve())
  })
  await new Promise((resolve) => ws.once('open', resolve))
  if (untilAnswer) {
    ask(ws, 1)
    await answered
  }
  ws.pause()
  return ws
}

/** Two clients of one person beside the attack. */
const bystanders = (): Promise<RawClient[]> =>
  Promise.all([fixture.client('by').synced(), fixture.client('by').synced()])

/** Types a letter for the bystander, and waits until its other client shows it. */
async function bystanderLives([one, other]: RawClient[]): Promise<void> {
  one?.text.insert(0, 'x')
  await other?.until(() => other.text.toString() === one?.text.toString())
}

/** Connects until it has everything, as clients do: answers that others have asked for may still be on their way. */
async function syncedInTheEnd(): Promise<RawClient> {
  for (;;) {
    const reader = fixture.client('w')
    const hasAll = () => reader.text.length === LARGE_BYTES
    await reader.until(() => hasAll() || reader.closed !== undefined)
    if (hasAll()) return reader
  }
}

const fill = (workspace: string): Promise<unknown> =>
  fixture.server.workspaces.write(workspace as WorkspaceId, {
    writer: { actor: 'a', source: 'user_action' },
    via: 'test',
    run: (doc) => doc.getText('t').insert(0, 'x'.repeat(LARGE_BYTES)),
  })

/** Asks for everything, under a state vector of its own, so that no two answers are the same bytes. */
const ask = (ws: WebSocket, client: number): void =>
  ws.send(encodeSyncStep1(Y.encodeStateVector(new Map([[client, 1]]))))

/** Asks three times: the answers are more than the kernel keeps for a connection, which may be 36 MiB. */
function askMuch(ws: WebSocket, client: number): void {
  for (let n = 0; n < 3; n++) ask(ws, 3 * client + n)
}

describe('a client that does not read', () => {
  it('[S151] gets no answers to its pings, and its pings hold up nobody', async () => {
    const sendBufferBytesMax = 64 * 1024
    fixture = await ServerFixture.start({ limits: { sendBufferBytesMax } })
    const others = await bystanders()
    const watcher = await fixture.client('w').synced()
    const ws = await connectDeaf('w')
    const body = Buffer.alloc(125)
    for (let sent = 0; sent < 150_000; sent++) ws.ping(body)
    // The last frame tells when the server has read everything.
    ws.send(encodeAwareness(encodeAwarenessStates([{ clientId: 7, clock: 1, json: '{"last":true}' }])))
    await bystanderLives(others)
    const hasLast = () => watcher.frames.some(({ type }) => type === 'awareness')
    await watcher.until(hasLast)
    expect(fixture.server.load().unsentBytes).toBeLessThan(sendBufferBytesMax + 1_024)
  })

  it('[S151] is ended, however many pongs and frames it sends', async () => {
    fixture = await ServerFixture.start({ limits: { heartbeatMs: 20, unreadMs: 2_000 } })
    await fill('w')
    const others = await bystanders()
    const ws = await connectDeaf('w')
    askMuch(ws, 1)
    const state = (clock: number) => encodeAwareness(encodeAwarenessStates([{ clientId: 7, clock, json: '{}' }]))
    let clock = 1
    const giveSigns = (): void => {
      ws.pong()
      ws.send(state(clock++))
    }
    const signs = setInterval(giveSigns, 5)
    try {
      await expect.poll(() => fixture.server.load().unsentBytes).toBeGreaterThan(MIB)
      await expect.poll(() => fixture.server.load().connections).toBe(2)
    } finally {
      clearInterval(signs)
    }
    expect(fixture.server.load().unsentBytes).toBe(0)
    await bystanderLives(others)
  })

  it('[S150] holds, with others, no more than the bound of all, and those that read get their answers', async () => {
    const unsentBytesMax = 1.5 * LARGE_BYTES
    fixture = await ServerFixture.start({ limits: { unsentBytesMax } })
    await fill('w')
    const others = await bystanders()
    const before = keptBytes()
    let most = 0
    const deafClients = 6
    for (let n = 1; n <= deafClients; n++) {
      askMuch(await connectDeaf('w'), n)
      await bystanderLives(others)
      most = Math.max(most, fixture.server.load().unsentBytes)
      expect(keptBytes() - before).toBeLessThan(unsentBytesMax + 4 * LARGE_BYTES)
    }
    await expect.poll(() => fixture.server.load().connections).toBeLessThan(others.length + deafClients)
    expect(most).toBeLessThanOrEqual(unsentBytesMax)
    const reader = await syncedInTheEnd()
    expect(reader.text.length).toBe(LARGE_BYTES)
    await bystanderLives(others)
  })

  it('[S150] shares the messages that wait for it with all others for whom they wait', async () => {
    fixture = await ServerFixture.start({ limits: { unsentBytesMax: 1.5 * LARGE_BYTES } })
    const watcher = await fixture.client('w').synced()
    for (let n = 0; n < 4; n++) await connectDeaf('w', true)
    await fill('w')
    await watcher.until(() => watcher.text.length === LARGE_BYTES)
    await expect.poll(() => fixture.server.load().unsentBytes).toBeGreaterThan(MIB)
    expect(fixture.server.load()).toMatchObject({ connections: 5 })
  })

  it('[S195] is told why it is ended before what waits for it', async () => {
    fixture = await ServerFixture.start({ limits: { messagesPerSecond: 1, messagesBurst: 100, drainMs: 60_000 } })
    await fill('w')
    const ws = await connectDeaf('w')
    let received = 0
    ws.on('message', (data: Buffer) => {
      received += data.length
    })
    const closed = new Promise<number>((resolve) => ws.once('close', resolve))
    ask(ws, 1)
    await expect.poll(() => fixture.server.load().unsentBytes).toBeGreaterThan(MIB)
    for (let sent = 0; sent < 200; sent++) ws.ping()
    await expect.poll(() => fixture.server.load().unsentBytes).toBeLessThan(MIB)
    ws.resume()
    expect(await closed).toBe(4429)
    expect(received).toBeLessThan(LARGE_BYTES)
  })
})
