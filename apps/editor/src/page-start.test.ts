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

it('[E53] an address with a slash at its end names the same workspace', () => {
  expect(workspaceOf('/w/demo/')).toBe('demo')
  expect(workspaceOf('/w/acme/notes//')).toBe('acme/notes')
  expect(workspaceOf('/w/acme/notes')).toBe('acme/notes')
  expect(workspaceOf('/joinery/w/demo', '/joinery')).toBe('demo')
  expect(workspaceOf('/w/demo', '/joinery')).toBe('demo')
  for (const path of ['/w/', '/w//', '/', '/w/%']) expect(workspaceOf(path)).toBeUndefined()
})
