import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forkDoc, PAYMENT } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { joinery as command } from '../support/command.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { makeToken, SECRET } from '../support/tokens.ts'

const env = { JOINERY_JWT_SECRET: SECRET }

async function enter(server: JoineryProcess, workspace: string, sub: string, source: string) {
  const token = await makeToken({ sub, sources: [source] })
  const client = connectWorkspace({ url: server.url, workspace, token, source })
  await client.whenSynced
  return client
}

/** The payment as the server shows it, and the HTTP status of a refund that Ada reports. */
async function paymentIn(server: JoineryProcess, workspace: string): Promise<unknown[]> {
  const authorization = `Bearer ${await makeToken({ sub: 'ada' })}`
  const url = `${server.url.replace('ws:', 'http:')}/v1/workspaces/${workspace}/blocks/b/statuses/payment@1/o-7`
  const read = await fetch(url, { headers: { authorization } })
  const { entry } = (await read.json()) as { entry?: { status: string; source: string; actor: string } }
  const reported = await fetch(`${url}/runs/r1/reports`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'refunded' }),
  })
  return [entry?.status, entry?.source, entry?.actor, reported.status]
}

it('[T55, A81] archives and backups keep what a provider said, and updates of any other origin say nothing unless they are trusted', async () => {
  await using home = await tempDirectory()
  const [data, restored, other] = ['data', 'restored', 'other'].map((name) => join(home.path, name)) as [
    string,
    string,
    string,
  ]
  const at = (name: string) => join(home.path, name)
  const run = async (code: number, ...args: string[]): Promise<string> => {
    const { exit, output } = await command(...args)
    expect(exit, output).toEqual({ code, signal: null })
    return output
  }
  const said = ['captured', 'provider', 'bank', 403]
  let bytes: Uint8Array = new Uint8Array()
  {
    await using server = await startJoinery({ directory: data, env })
    const ada = await enter(server, 'shop', 'ada', 'user_action')
    const started = ada.blocks.create('b', { type: 'text' }).statuses(PAYMENT)
    const payment = started.startRun('o-7', { source: 'user_action', actor: 'ada', runId: 'r1' })
    await ada.whenDurable()
    const bank = await enter(server, 'shop', 'bank', 'provider')
    bank.blocks.get('b')?.statuses(PAYMENT).report('o-7', payment, 'captured', { source: 'provider', actor: 'bank' })
    await bank.whenDurable()
    bytes = Y.encodeStateAsUpdate(forkDoc(bank.doc))
    await Promise.all([ada.close(), bank.close()])
    await run(0, 'export', 'shop', '--to', at('shop.archive'), '--data', data)
    await run(0, 'import', at('shop.archive'), '--workspace', 'shop', '--as', 'copy', '--data', data)
    await run(0, 'backup', '--to', at('backups'), '--data', data)
    expect(await paymentIn(server, 'shop')).toEqual(said)
    expect(await paymentIn(server, 'copy')).toEqual(said)
  }
  await run(0, 'restore', at('backups'), '--data', restored)
  await run(0, 'import', at('shop.archive'), '--data', other)
  await writeFile(at('forged.bin'), bytes)
  const refused = await run(1, 'import', '--updates', home.path, '--data', other)
  expect(refused).toContain('document forged says that payment@1 "o-7" is captured')
  await run(0, 'import', '--updates', home.path, '--keep-statuses', '--data', other)
  for (const [directory, workspaces] of [
    [restored, ['shop', 'copy']],
    [other, ['shop', 'forged']],
  ] as const) {
    await using server = await startJoinery({ directory, env })
    for (const workspace of workspaces) expect(await paymentIn(server, workspace)).toEqual(said)
  }
})
