import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

it.each([
  ['is not there', undefined, "sagas.ts can't be loaded: Cannot find module"],
  ['has a fault', 'export default [', "sagas.ts can't be loaded: "],
  ['throws', "throw new Error('no key')", "sagas.ts can't be loaded: no key"],
  ['has no default', 'export const sagas = []', 'sagas.ts must export a list of sagas by default'],
  ['has an empty list', 'export default []', 'sagas.ts must export a list of sagas by default'],
  [
    'has a plain object',
    "export default [{ name: 'a', version: 1, steps: [] }]",
    'sagas.ts must export a list of sagas',
  ],
  [
    'has a saga that breaks a rule',
    "import { defineSaga } from '@joinery/worker'; export default [defineSaga({ name: 'a', version: 0, steps: [] })]",
    'sagas.ts can\'t be loaded: saga "a": version must be a whole number',
  ],
])('[A85] work says in one line what is wrong with a file that %s', async (_what, text, message) => {
  const file = join(await temporaryDirectory(), 'sagas.ts')
  if (text !== undefined) await writeFile(file, text)
  const { code, stdout, stderr } = await runCommand(['work', file, '--url', 'http://127.0.0.1:1'])
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(stderr).toContain(message)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
})
