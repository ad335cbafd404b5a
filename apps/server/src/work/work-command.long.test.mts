import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

const FILES = [
  ['is not there', undefined, "sagas.ts can't be loaded: Cannot find module"],
  [
    'has resources that are no object',
    'export const resources = 1',
    'sagas.ts: the export "resources" must be an object',
  ],
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
] as const

it.each(FILES)('[A85] work says in one line what is wrong with a file that %s', async (_what, text, message) => {
  const file = join(await temporaryDirectory(), 'sagas.ts')
  if (text !== undefined) await writeFile(file, text)
  const { code, stdout, stderr } = await runCommand(['work', file, '--url', 'http://127.0.0.1:1'])
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(stderr).toContain(message)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
})

it.each([
  ...FILES.slice(0, 2),
  ['ends its process', 'process.exit(0)', "sagas.ts can't be loaded: it ended its process with exit code 0"],
  ['kills its process', "process.kill(process.pid, 'SIGKILL')", 'its process was ended by SIGKILL'],
] as const)(
  '[A91] serve --work does not start with a file that %s, and opens no data',
  async (_what, text, message) => {
    const directory = await temporaryDirectory()
    const [file, data] = [join(directory, 'sagas.ts'), join(directory, 'data')]
    if (text !== undefined) await writeFile(file, text)
    const { code, stdout, stderr } = await runCommand(['serve', '--port', '0', '--data', data, '--work', file])
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/^joinery: --work: /)
    expect(stderr).toContain(file)
    expect(stderr).toContain(message.replace('sagas.ts', file))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    await expect(access(data)).rejects.toThrow('ENOENT')
  },
)

it('[A91] work --check says which sagas a file has', async () => {
  const file = join(await temporaryDirectory(), 'sagas.ts')
  const saga = "defineSaga({ name: 'a', version: 2, steps: [sleep('rest', 1)] })"
  await writeFile(file, `import { defineSaga, sleep } from '@joinery/worker'; export default [${saga}]`)
  expect(await runCommand(['work', '--check', file])).toMatchObject({
    code: 0,
    stdout: 'joinery can run: a@2\n',
    stderr: '',
  })
})
