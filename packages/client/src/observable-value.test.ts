import { expect, it } from 'vitest'
import { isShallowEqual, ListenerSet, ObservableValue } from './observable-value.ts'

it('[C12] an observable keeps its snapshot and stays silent when an equal value is set', () => {
  const value = new ObservableValue<{ a: number; b?: number }>({ a: 1 }, isShallowEqual)
  const before = value.get()
  const heard: unknown[] = []
  value.subscribe(() => heard.push(value.get()))
  value.set({ a: 1 })
  expect(value.get()).toBe(before)
  value.set({ a: 1, b: 2 })
  expect(heard).toEqual([{ a: 1, b: 2 }])
})

it('[C12] one function subscribed twice is heard twice until each is ended', () => {
  const listeners = new ListenerSet<number>()
  const heard: number[] = []
  const listener = (event: number): number => heard.push(event)
  const [end] = [listeners.add(listener), listeners.add(listener)]
  listeners.tell(1)
  end()
  end()
  listeners.tell(2)
  expect(heard).toEqual([1, 1, 2])
})
