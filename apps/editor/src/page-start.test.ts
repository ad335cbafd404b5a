import { expect, it } from 'vitest'
import { workspaceOf } from './address.ts'
import { deviceStorage } from './device-storage.ts'
import { readPerson } from './person.ts'

it('[E52] a page whose storage is denied or full keeps a name for the visit', () => {
  const denied = deviceStorage(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  const person = readPerson(denied, () => 0.5)
  expect(readPerson(denied, () => 0.1)).toEqual(person)
  const full = deviceStorage(() => ({
    getItem: () => null,
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError')
    },
  }))
  full.setItem('a', 'b')
  expect(full.getItem('a')).toBe('b')
})

it('[E21] a first visit gives one of 4,096 names, each as often as any other, and later visits keep it', () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  }
  const [first, last] = [new Set<string>(), new Set<string>()]
  for (let n = 0; n < 64; n++) {
    kept.clear()
    const person = readPerson(storage, () => n / 64)
    const [manner = '', tree = ''] = person.name.split(' ')
    first.add(manner)
    last.add(tree)
    expect(readPerson(storage, () => expect.fail('a second name'))).toEqual(person)
  }
  expect(first.size * last.size).toBe(4_096)
  expect([...first, ...last].filter((word) => !/^[A-Z][a-z]+$/.test(word))).toEqual([])
})

it('[E53] an address with a slash at its end names the same workspace', () => {
  expect(workspaceOf('/w/demo/')).toBe('demo')
  expect(workspaceOf('/w/acme/notes//')).toBe('acme/notes')
  expect(workspaceOf('/w/acme/notes')).toBe('acme/notes')
  expect(workspaceOf('/joinery/w/demo', '/joinery')).toBe('demo')
  expect(workspaceOf('/w/demo', '/joinery')).toBe('demo')
  for (const path of ['/w/', '/w//', '/', '/w/%']) expect(workspaceOf(path)).toBeUndefined()
})
