import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readTabs, writeTabs } from './tabs-file.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

it('[A64] the connected tabs are kept in a file, and a damaged one is told', async () => {
  const directory = await temporaryDirectory()
  expect(await readTabs(directory)).toEqual([])
  const tabs = [{ workspace: 'a/b', client: 2 ** 53 - 1, actor: 'ada', address: '::1' }]
  await writeTabs(directory, tabs)
  expect(await readTabs(directory)).toEqual(tabs)
  await writeFile(join(directory, 'TABS'), '{"tabs":[{}]}')
  await expect(readTabs(directory)).rejects.toMatchObject({ code: 'corrupted' })
})
