import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { foreignSecrets } from './resource-worker.mts'
import { checkSecrets, machinesOfAdapters, readResourcesFile } from './resources-file.mts'

const payment = { kind: 'stripe', secret: 'bank', currencies: ['eur'], amountMax: 100 }

const files = {
  ...{ kind: 's3', endpoint: 'https://s3.example', bucket: 'files', region: 'eu-central-1' },
  ...{ accessKeyId: 's3_id', secretAccessKey: 's3_key' },
}

async function fileOf(text: string): Promise<string> {
  const file = join(await temporaryDirectory(), 'resources.json')
  await writeFile(file, text)
  return file
}

it.each([
  ['{', /no JSON/],
  [JSON.stringify({ adapters: { 'payment@1': { kind: 'paypal' } } }), /adapters\.payment@1\.kind: must be one of/],
  [JSON.stringify({ adapters: { 'payment@1': payment } }), /no secret "bank": set JOINERY_SECRET_BANK/],
])('[A111] a file of resources with %s is refused by its name and the field', async (text, message) => {
  const file = await fileOf(text)
  const refused = readResourcesFile(file, {}).then((read) => checkSecrets(read, true))
  await expect(refused).rejects.toThrow(message)
  await expect(refused).rejects.toThrow(`--resources ${file}: `)
})

it('[A114] the secrets of files must be there for a server, and a worker of adapters does without', async () => {
  const read = await readResourcesFile(await fileOf(JSON.stringify({ files })), { JOINERY_SECRET_S3_ID: 'i' })
  expect(() => checkSecrets(read, true)).toThrow(/no secret "s3_key": set JOINERY_SECRET_S3_KEY/)
  expect(() => checkSecrets(read, false)).not.toThrow()
})

it('[A111] a file that is not there, and a machine without a table, are refused', async () => {
  await expect(readResourcesFile('/nowhere.json', {})).rejects.toThrow(/--resources \/nowhere\.json: .*ENOENT/)
  const file = await fileOf(JSON.stringify({ adapters: { 'scan@1': payment } }))
  const read = await readResourcesFile(file, { JOINERY_SECRET_BANK: 'b' })
  await expect(machinesOfAdapters(read, undefined)).rejects.toThrow(/adapters\.scan@1: there is no such machine/)
})

it('[A111] the worker of the adapters gets the secrets of the adapters alone', async () => {
  const file = await fileOf(JSON.stringify({ adapters: { 'payment@1': payment } }))
  const environment = {
    JOINERY_SECRET_BANK: 'b',
    JOINERY_SECRET_HOOK: 'h',
    JOINERY_SECRET_HOOK_FILE: 'f',
    PATH: '/bin',
  }
  const hidden = foreignSecrets(await readResourcesFile(file, environment), environment)
  expect(hidden).toEqual(['JOINERY_SECRET_HOOK', 'JOINERY_SECRET_HOOK_FILE'])
})
