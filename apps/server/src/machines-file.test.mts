import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestsOf, MACHINES, machinesOf } from '@joinery/blocks'
import { expect, it } from 'vitest'
import { readLists } from './machines-file.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

const SCAN = {
  name: 'scan@1',
  phases: [['asked'], ['clean', 'infected']],
  ranks: ['asked', 'clean', 'infected'],
  sources: { user_action: 2, scanner: 1 },
}

async function fileWith(text: string): Promise<string> {
  const file = join(await temporaryDirectory(), 'machines.json')
  await writeFile(file, text)
  return file
}

it('[A80] reads the tables of a file beside the built-in ones', async () => {
  const names = async (file: string | undefined) =>
    (await readLists(file)).flatMap((list) => [...(machinesOf(list)?.keys() ?? [])])
  const own = Object.keys(digestsOf(MACHINES))
  expect(await names(undefined)).toEqual(own)
  expect(await names(await fileWith(JSON.stringify([SCAN])))).toEqual([...own, 'scan@1'])
})

it.each([
  ['no JSON', '[', /machines.json: /],
  ['no list', '{}', /must hold a JSON list of at most 95 tables/],
  [
    'too many tables',
    JSON.stringify(Array.from({ length: 96 }, (_, index) => ({ ...SCAN, name: `s@${index + 1}` }))),
    /at most 95/,
  ],
  ['no name', '[{}]', /names no machine/],
  ['a table that is not total', JSON.stringify([{ ...SCAN, ranks: ['asked'] }]), /once in ranks/],
  ['a built-in name', JSON.stringify([{ ...SCAN, name: 'file@1' }]), /Two machines have one name/],
])('[A80] refuses a file with %s in one line that names the file and the fault', async (_what, text, fault) => {
  const file = await fileWith(text)
  await expect(readLists(file)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(fault) })
  await expect(readLists(file)).rejects.toThrow(`--machines ${file}`)
  await expect(readLists(`${file}.not`)).rejects.toMatchObject({ code: 'usage' })
})
