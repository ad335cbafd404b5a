import type { SaveStatus } from '@joinery/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { calmStatus } from './calm-status.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const SAVED: SaveStatus = { state: 'saved' }
const SAVING: SaveStatus = { state: 'saving', pending: 1 }
const OFFLINE: SaveStatus = { state: 'offline', pending: 1, isKeptHere: true, cause: 'closed', reason: undefined }

function source() {
  const listeners = new Set<() => void>()
  let now: SaveStatus = SAVED
  return {
    get: () => now,
    subscribe: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set: (next: SaveStatus) => {
      now = next
      for (const listener of listeners) listener()
    },
    listeners,
  }
}

test('[E16] saved is shown once it has been so for 300 ms, and never while it is not; everything else is shown at once', () => {
  const status = source()
  const calm = calmStatus(status)
  const seen: string[] = []
  const unsubscribe = calm.subscribe(() => seen.push(calm.get().state))
  expect(calm.get()).toBe(SAVED)
  for (let letter = 0; letter < 5; letter++) {
    status.set(SAVING)
    vi.advanceTimersByTime(20)
    status.set(SAVED)
    vi.advanceTimersByTime(279)
    expect(calm.get()).toBe(SAVING)
  }
  vi.advanceTimersByTime(21)
  expect(calm.get()).toBe(SAVED)
  status.set(OFFLINE)
  expect(calm.get()).toBe(OFFLINE)
  expect(seen).toEqual(['saving', 'saved', 'offline'])
  status.set(SAVED)
  unsubscribe()
  expect([status.listeners.size, vi.getTimerCount()]).toEqual([0, 0])
  // A new subscriber gets the present status.
  expect(calm.get()).toBe(SAVED)
})

test('[E16] letters that are typed while others are being saved tell no listener', () => {
  const status = source()
  const calm = calmStatus(status)
  let told = 0
  const unsubscribe = calm.subscribe(() => (told += 1))
  for (let pending = 1; pending < 6; pending++) status.set({ state: 'saving', pending })
  expect(told).toBe(1)
  // Saved for a moment only: the wait for the calm begins anew with the next letter.
  status.set(SAVED)
  vi.advanceTimersByTime(200)
  status.set(SAVING)
  vi.advanceTimersByTime(200)
  expect([told, calm.get().state]).toEqual([1, 'saving'])
  status.set({ state: 'saving', pending: 0 })
  status.set({ state: 'saving', pending: 1, isAlone: true })
  expect(told).toBe(3)
  unsubscribe()
})
