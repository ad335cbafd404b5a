import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readQuotaUse, writeQuotaUse } from './quotas-file.mts'
import { parseServeConfig } from './serve-config.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

it('[A59] quotas come from options and environment, and their use is kept in a file', async () => {
  expect(parseServeConfig({}, {}, '/srv').quotas).toEqual({})
  const environment = { JOINERY_BYTES_PER_DAY: '1000' }
  const { quotas } = parseServeConfig({ workspacesPerPrincipal: '5', keysPerPrincipal: '0' }, environment, '/srv')
  expect(quotas).toEqual({ workspacesPerPrincipalMax: 5, bytesPerDayMax: 1000, keysPerPrincipalMax: 0 })
  expect(() => parseServeConfig({ bytesPerDay: '-1' }, {}, '/srv')).toThrow('--bytes-per-day')

  const directory = await temporaryDirectory()
  expect(await readQuotaUse(directory)).toEqual([])
  const use = [{ principal: 'eve', workspaces: 1, keys: 2, day: 3, bytes: 4 }]
  await writeQuotaUse(directory, use)
  expect(await readQuotaUse(directory)).toEqual(use)
  await writeFile(join(directory, 'QUOTAS'), '{"used":')
  await expect(readQuotaUse(directory)).rejects.toMatchObject({ code: 'corrupted' })
})
