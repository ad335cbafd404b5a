import { decodeAwarenessStates, decodeFrame, encodeAwareness, type Frame } from '@joinery/protocol'
import { describe, expect, it, vi } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { DocumentSync } from './document-sync.ts'

function open() {
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  awareness.setLocalState(null)
  const sent: Frame[] = []
  const sender = { isOpen: true, send: (frame: Uint8Array) => void sent.push(decodeFrame(frame)) }
  const told: string[] = []
  const sync = new DocumentSync(doc, awareness, () => sender, {
    answered: () => void told.push('answered'),
    tooLargeToSend: () => void told.push('too large to send'),
    presenceTooLarge: (bytes) => void told.push(`presence of ${bytes} bytes`),
    synced: () => {
      told.push('synced')
      // As presence does.
      if (awareness.getLocalState() !== null) awareness.setLocalState(awareness.getLocalState())
    },
  })
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== sync) sync.written(update)
  })
  sync.opened()
  return { doc, awareness, sync, sent, sender, told, end: () => awareness.destroy() }
}

const NOTHING = Uint8Array.of(0, 0)
const EMPTY_STATE = Uint8Array.of(0)
const typesOf = (frames: readonly Frame[]) => frames.map(({ type }) => type)
const saidIn = (frames: readonly Frame[]) =>
  frames.flatMap((frame) => (frame.type === 'awareness' ? decodeAwarenessStates(frame.update) : []))

function stateOf(json: object): { clientId: number; update: Uint8Array } {
  const awareness = new Awareness(new Y.Doc())
  awareness.setLocalState(json)
  const update = encodeAwarenessUpdate(awareness, [awareness.clientID])
  awareness.destroy()
  return { clientId: awareness.clientID, update }
}

describe('what is said of who is here', () => {
  it('[C79] nothing is said before the sync, then once, then what changes here and not what others say', () => {
    const { awareness, sync, sent, end } = open()
    awareness.setLocalState({ name: 'ada' })
    expect(typesOf(sent)).toEqual(['syncStep1'])
    sync.received({ type: 'syncStep2', update: NOTHING })
    expect(saidIn(sent)).toMatchObject([{ clientId: awareness.clientID, json: '{"name":"ada"}' }])
    sync.received({ type: 'awareness', update: stateOf({ name: 'ben' }).update })
    expect(awareness.getStates().size).toBe(2)
    expect(saidIn(sent)).toHaveLength(1)
    awareness.setLocalState(null)
    expect(saidIn(sent).at(-1)?.json).toBe('null')
    end()
  })

  it('[C79] who claims that we left is answered, and so is who asks', () => {
    const { awareness, sync, sent, end } = open()
    awareness.setLocalState({ name: 'ada' })
    sync.received({ type: 'syncStep2', update: NOTHING })
    const clock = awareness.meta.get(awareness.clientID)?.clock ?? 0
    const gone = encodeAwarenessUpdate(awareness, [awareness.clientID], new Map())
    sync.received({ type: 'awareness', update: gone })
    expect(saidIn(sent).at(-1)).toEqual({ clientId: awareness.clientID, clock: clock + 1, json: '{"name":"ada"}' })
    const before = sent.length
    sync.received({ type: 'queryAwareness' })
    expect(saidIn(sent.slice(before))).toHaveLength(1)
    end()
  })

  it('[C79] nobody else is known to be here once the connection is closed', () => {
    const { awareness, sync, end } = open()
    awareness.setLocalState({ name: 'ada' })
    sync.received({ type: 'awareness', update: stateOf({ name: 'ben' }).update })
    sync.closed()
    expect([...awareness.getStates().keys()]).toEqual([awareness.clientID])
    end()
  })
})

describe('an observer of the application that throws', () => {
  it('[C80] ends nothing: what came is in, and its error is thrown on its own', async () => {
    const { doc, awareness, sync, end } = open()
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    const broken = (): never => {
      throw new Error('a broken editor')
    }
    doc.getText('t').observe(broken)
    awareness.on('change', broken)
    try {
      const other = new Y.Doc()
      other.getText('t').insert(0, 'hello')
      sync.received({ type: 'update', update: Y.encodeStateAsUpdate(other) })
      sync.received({ type: 'awareness', update: stateOf({ name: 'ben' }).update })
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(doc.getText('t').toString()).toBe('hello')
    expect(awareness.getStates().size).toBe(1)
    expect(uncaught).toMatchObject([{ message: 'a broken editor' }, { message: 'a broken editor' }])
    awareness.off('change', broken)
    end()
  })

  it('[C40] bytes that are at fault are thrown to whom they came through', () => {
    const { sync, end } = open()
    expect(() => sync.received({ type: 'update', update: Uint8Array.of(1, 2, 3) })).toThrow()
    expect(() => sync.received({ type: 'syncStep1', stateVector: Uint8Array.of(5, 1) })).toThrow()
    const broken = decodeFrame(encodeAwareness(Uint8Array.of(1, 1, 1, 1, 123)))
    expect(() => sync.received(broken)).toThrow()
    end()
  })
})

it('[C13] an edit goes out by itself only after the answer to SyncStep1, and only while the socket is open', () => {
  const { doc, sync, sent, sender, told, end } = open()
  doc.getText('t').insert(0, 'a')
  expect(typesOf(sent)).toEqual(['syncStep1'])
  sync.received({ type: 'syncStep1', stateVector: EMPTY_STATE })
  doc.getText('t').insert(1, 'b')
  expect(typesOf(sent)).toEqual(['syncStep1', 'syncStep2', 'update'])
  expect(told).toEqual(['answered'])
  sender.isOpen = false
  doc.getText('t').insert(2, 'c')
  expect(sent).toHaveLength(3)
  sync.outbox.acknowledge(2, 1)
  expect(sync.outbox.ledger.pending).toBe(1)
  end()
})

it('[C93] without timers one renews one’s state when the server sends something, and others stay', () => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  try {
    const { awareness, sync, sent, end } = open()
    sync.received({ type: 'syncStep2', update: NOTHING })
    awareness.setLocalState({ name: 'ada' })
    sync.received({ type: 'awareness', update: stateOf({ name: 'ben' }).update })
    const before = sent.length
    for (let beat = 0; beat < 50; beat++) {
      vi.advanceTimersByTime(12_000)
      sync.received({ type: 'awareness', update: Uint8Array.of(0) })
    }
    expect([...awareness.getStates().values()]).toEqual([{ name: 'ada' }, { name: 'ben' }])
    // Every second beat: often enough for stock clients, which forget after 30 s.
    expect(saidIn(sent.slice(before))).toHaveLength(25)
    end()
  } finally {
    vi.useRealTimers()
  }
})
