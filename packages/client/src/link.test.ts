import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { CLOSE, encodeJoinery, type Frame, type Hello, KEEP_ALIVE_FRAME } from '@joinery/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { Link } from './link.ts'
import type { ConnectionState } from './save-status.ts'

const HELLO: Hello = {
  type: 'hello',
  generation: 'g',
  serverVersion: '0',
  durability: 'async',
  actor: 'ada',
  source: 'user_action',
  access: 'write',
  updateBytesMax: 1_024,
}

let server: WebSocketServer
let links: Link[]

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  links = []
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
})

afterEach(async () => {
  vi.useRealTimers()
  for (const link of links) await link.close()
  for (const socket of server.clients) socket.terminate()
  server.close()
  await once(server, 'close')
})

interface Heard {
  readonly link: Link
  readonly states: ConnectionState[]
  readonly frames: Frame[]
}

/** `onState` may do what an application does in a listener. */
function open(onState: (link: Link, state: ConnectionState) => void = () => undefined): Heard {
  const states: ConnectionState[] = []
  const frames: Frame[] = []
  const link: Link = new Link({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/w`,
    query: async () => ({ joinery: '1' }),
    canAskAgain: () => false,
    refusal: undefined,
    events: {
      stateChanged: (state) => {
        states.push(state)
        onState(link, state)
      },
      opened: () => undefined,
      closed: () => undefined,
      received: (frame) => void frames.push(frame),
      generationRefused: () => undefined,
    },
  })
  links.push(link)
  link.connect()
  return { link, states, frames }
}

/** The server's side of the next connection. */
async function nextSocket(): Promise<WebSocket> {
  const [socket] = await once(server, 'connection')
  return socket as WebSocket
}

const isConnected = ({ states }: Heard) => expect.poll(() => states.at(-1)?.state === 'connected').toBe(true)

it('[C78] a connection on which nothing came for 30 s is given up, and another one made', async () => {
  const first = nextSocket()
  const heard = open()
  const socket = await first
  socket.send(encodeJoinery(HELLO))
  await isConnected(heard)
  vi.advanceTimersByTime(29_000)
  socket.send(KEEP_ALIVE_FRAME)
  await expect.poll(() => heard.frames.some(({ type }) => type === 'awareness')).toBe(true)
  vi.advanceTimersByTime(29_000)
  expect(heard.link.state).toEqual({ state: 'connected' })
  const hungUp = once(socket, 'close')
  vi.advanceTimersByTime(1_000)
  expect(heard.link.state).toEqual({ state: 'waiting', reason: 'the server fell silent' })
  await hungUp
  const second = nextSocket()
  vi.advanceTimersByTime(200)
  ;(await second).send(encodeJoinery(HELLO))
  await isConnected(heard)
})

it('[C78] a server that opens the socket and does not greet within 15 s is given up', async () => {
  const first = nextSocket()
  const { link } = open()
  const socket = await first
  socket.send(KEEP_ALIVE_FRAME)
  vi.advanceTimersByTime(14_999)
  expect(link.state.state).toBe('connecting')
  vi.advanceTimersByTime(1)
  expect(link.state).toEqual({ state: 'waiting', reason: 'the server did not answer in time' })
})

it('[C78] a tab that was frozen hears what came meanwhile before it gives up, once for each silence', async () => {
  const first = nextSocket()
  const heard = open()
  const socket = await first
  socket.send(encodeJoinery(HELLO))
  await isConnected(heard)
  // Frozen for an hour: the clock goes on, timers do not.
  vi.setSystemTime(Date.now() + 3_600_000)
  vi.advanceTimersByTime(30_000)
  expect(heard.link.state.state).toBe('connected')
  const before = heard.frames.length
  socket.send(KEEP_ALIVE_FRAME)
  await expect.poll(() => heard.frames.length).toBe(before + 1)
  vi.advanceTimersByTime(29_000)
  expect(heard.link.state.state).toBe('connected')
  vi.setSystemTime(Date.now() + 3_600_000)
  vi.advanceTimersByTime(1_000)
  expect(heard.link.state.state).toBe('connected')
  vi.advanceTimersByTime(5_000)
  expect(heard.link.state).toMatchObject({ reason: 'the server fell silent' })
})

it('[C81] a connection is given up at once when the device loses its network, and attempts go on', async () => {
  const window = new EventTarget()
  vi.stubGlobal('window', window)
  try {
    const first = nextSocket()
    const heard = open()
    const socket = await first
    socket.send(encodeJoinery(HELLO))
    await isConnected(heard)
    window.dispatchEvent(new Event('offline'))
    expect(heard.link.state).toEqual({ state: 'waiting', reason: 'this device has no network' })
    const second = nextSocket()
    window.dispatchEvent(new Event('online'))
    ;(await second).send(encodeJoinery(HELLO))
    await isConnected(heard)
    await heard.link.close()
    window.dispatchEvent(new Event('offline'))
    expect(heard.link.state).toEqual({ state: 'closed' })
  } finally {
    vi.unstubAllGlobals()
  }
})

it('[C40] a frame of text ends the connection', async () => {
  const first = nextSocket()
  const { link } = open()
  ;(await first).send('1000000000')
  await expect.poll(() => link.state.state === 'waiting').toBe(true)
  expect(link.state).toMatchObject({ reason: expect.stringContaining('unreadable') })
})

it('[C39] a link that is closed by whom it tells of a loss or a refusal keeps no timer and tries nothing', async () => {
  for (const code of [CLOSE.restart, CLOSE.forbidden]) {
    const first = nextSocket()
    const { link, states } = open((self, { state }) => {
      if (state === 'waiting' || state === 'refused') void self.close()
    })
    ;(await first).close(code)
    await expect.poll(() => link.state.state === 'closed').toBe(true)
    await link.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(states.at(-1)).toEqual({ state: 'closed' })
  }
})

it('[C4] a link that is told to reconnect by whom it tells of a loss makes one connection', async () => {
  const first = nextSocket()
  let hasReconnected = false
  const heard = open((self, { state }) => {
    if (state !== 'waiting' || hasReconnected) return
    hasReconnected = true
    self.reconnect()
  })
  await first
  const second = nextSocket()
  for (const socket of server.clients) socket.close(CLOSE.restart)
  ;(await second).send(encodeJoinery(HELLO))
  await isConnected(heard)
  vi.advanceTimersByTime(29_000)
  await expect.poll(() => server.clients.size === 1).toBe(true)
  expect(heard.link.state.state).toBe('connected')
})
