import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HttpCaller } from '../api/http-caller.ts'
import { startChild, startReadyChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { needCommand } from '../support/skip-for-want.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { within } from '../support/until.ts'
import { Ledger } from './ledger.ts'

const README = readFileSync(new URL('../../packages/resources/README.md', import.meta.url), 'utf8')
const ADDRESS = 'ws://127.0.0.1:1234'
const SECRET = `whsec_${Buffer.from('a secret of 24 characters').toString('base64')}`

/** The code block of README.md that has a text. */
function blockOf(language: string, part: string): string {
  const blocks = Array.from(README.matchAll(/```(\w+)\n([\s\S]*?)```/g))
  const found = blocks.find(([, name, code = '']) => name === language && code.includes(part))?.[2]
  return found ?? expect.fail(`README.md has no ${language} with ${part}`)
}

it('[RS42] the examples in README.md take a payment, upload a file and follow what changes, each in at most 20 lines', async () => {
  const [pay, upload, follow] = ['payment@1', 'uploadsOf', 'Webhook('].map((part) => blockOf('ts', part)) as [
    string,
    string,
    string,
  ]
  for (const code of [pay, upload, follow]) expect(code.trim().split('\n').length).toBeLessThanOrEqual(20)
  await using directory = await tempDirectory()
  await using ledger = await Ledger.start()
  const port = await freePort()
  const payments = JSON.parse(blockOf('json', 'stripe_live'))
  payments.adapters['payment@1'].url = ledger.url
  const { subscriptions } = JSON.parse(blockOf('json', 'crm_hook'))
  const told = { ...subscriptions.crm, url: `http://127.0.0.1:${port}/joinery`, workspaces: ['demo'] }
  const resources = join(directory.path, 'resources.json')
  await writeFile(resources, JSON.stringify({ ...payments, subscriptions: { crm: told } }))
  await using joinery = await startJoinery({
    directory: join(directory.path, 'data'),
    env: {
      JOINERY_RESOURCES: resources,
      JOINERY_EGRESS_ALLOW: `http://127.0.0.1:${port}`,
      JOINERY_SECRET_STRIPE_LIVE: 'sk_test_of_the_ledger',
      JOINERY_SECRET_STRIPE_HOOK: 'whsec_of_the_ledger',
      JOINERY_SECRET_CRM_HOOK: SECRET,
    },
  })
  const argsOf = (code: string): string[] => {
    const here = code.replace(ADDRESS, joinery.url).replace('listen(4000', `listen(${port}`)
    return ['--input-type=module', '--eval', here]
  }
  const options = { cwd: import.meta.dirname, env: { CRM_HOOK: SECRET } }
  const receiver = await startReadyChild({ ...options, args: argsOf(follow) }, /listening/)
  try {
    const run = async (code: string): Promise<string> => {
      const child = startChild({ ...options, args: argsOf(code) })
      const exit = await within('an example ends', child.exited)
      expect(exit, child.output()).toMatchObject({ code: 0 })
      return child.stdout()
    }
    expect(await run(pay)).toBe('the payment is captured\n')
    expect(ledger.charged).toMatchObject([{ amount: 1_250, currency: 'eur' }])
    expect(await run(upload)).toBe('Measure twice, cut once.\n')
    await expect
      .poll(() => receiver.stdout(), { message: 'the receiver is told' })
      .toMatch(/deposit of order is captured[\s\S]*report\.txt of note is synced/)
  } finally {
    await receiver.end('SIGKILL')
  }
})

it('[RS42] the requests in README.md upload a file by curl', async (context) => {
  for (const command of ['curl', 'jq']) await needCommand(context, command)
  await using directory = await tempDirectory()
  const content = 'Cut once.\n'
  await writeFile(join(directory.path, 'report.txt'), content)
  await using joinery = await startJoinery({ directory: join(directory.path, 'data') })
  using caller = new HttpCaller(`http://127.0.0.1:${joinery.port}`)
  const block = '/v1/workspaces/demo/blocks/note'
  expect((await caller.call('PUT', block, { type: 'text' })).status).toBe(201)
  const script = blockOf('sh', 'sha256sum').replaceAll('localhost:1234', `127.0.0.1:${joinery.port}`)
  const shell = startChild({ command: 'bash', args: ['-euo', 'pipefail', '-c', script], cwd: directory.path })
  expect(await within('the script ends', shell.exited), shell.output()).toMatchObject({ code: 0 })
  const status = `${block}/statuses/file%401/report.txt`
  await expect
    .poll(async () => (await caller.call('GET', status)).json.entry?.status, { message: shell.output() })
    .toBe('synced')
  const { url, sha256 } = (await caller.call('GET', `${block}/files/report.txt`)).json
  expect(sha256).toBe(createHash('sha256').update(content).digest('hex'))
  expect(await (await fetch(new URL(url, `http://127.0.0.1:${joinery.port}`))).text()).toBe(content)
})
