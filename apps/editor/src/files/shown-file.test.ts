import type { MachineClaim } from '@joinery/blocks'
import type { ShownUpload } from '@joinery/react'
import { expect, it } from 'vitest'
import { filesOf, fileWords } from './shown-file.ts'

const entry = (name: string, status: string): MachineClaim =>
  ({
    machine: 'file@1',
    name,
    status,
    total: 10,
    run: { no: 1, id: `run of ${name}` },
    detail: { sha256: 'a', bytes: 10 },
  }) as unknown as MachineClaim
const own = (name: string, id: string | undefined): ShownUpload =>
  ({
    id,
    name,
    state: 'reading',
    bytes: 10,
    sent: 0,
    upload: { file: new Blob() },
  }) as unknown as ShownUpload

const told = (entries: MachineClaim[], uploads: ShownUpload[]): string[] =>
  filesOf('b', entries, uploads, {}).map((file) => `${file.name}: ${fileWords(file)}`)

it('[E131] a file is interrupted if nobody brings its bytes, and not while this page waits for the answer to its upload', () => {
  expect(told([entry('a', 'uploading')], [])).toEqual(['a: interrupted at 0 %'])
  expect(told([entry('a', 'uploading')], [own('a', undefined)])).toEqual(['a: reading 0 %'])
  expect(told([entry('a', 'uploading')], [own('a', 'run of a')])).toEqual(['a: reading 0 %'])
  // Another file of that name, which gets a number, and another name are uploads of their own.
  expect(told([entry('a', 'synced')], [own('a', undefined)])).toEqual(['a: saved', 'a: reading 0 %'])
  expect(told([entry('a', 'uploading')], [own('b', undefined)])).toEqual(['a: interrupted at 0 %', 'b: reading 0 %'])
})

it('[E80] a file that this page could not bring says why, also when the server says that it was canceled', () => {
  const canceled = { ...entry('a', 'failed'), error: 'canceled by Ada' } as MachineClaim
  const refused = { ...own('a', 'run of a'), state: 'failed', error: 'too large (413)' } as ShownUpload
  expect(told([canceled], [])).toEqual(['a: canceled by Ada'])
  expect(told([canceled], [refused])).toEqual(['a: too large (413)'])
})
