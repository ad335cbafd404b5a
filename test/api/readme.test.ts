import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { startChild } from '../support/child-process.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { needCommand } from '../support/skip-for-want.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { HttpCaller } from './http-caller.ts'

const README = readFileSync(new URL('../../packages/api/README.md', import.meta.url), 'utf8')
const COMMANDS = /```sh\n(curl [^`]*\/update [^`]*)```/.exec(README)?.[1] ?? expect.fail('README.md has no example')

it('[H23] the commands of the README copy a whole document with curl, and repeated they change nothing', async (context) => {
  await needCommand(context, 'curl')
  await using directory = await tempDirectory()
  await using server = await startJoinery({ directory: directory.path, durability: 'memory' })
  using caller = new HttpCaller(`http://127.0.0.1:${server.port}`)
  const block = { type: 'text', content: 'Measure twice.', fields: { count: 7 } }
  await caller.call('PUT', '/v1/workspaces/demo/blocks/note', block)
  await caller.call('DELETE', '/v1/workspaces/demo/blocks/gone')
  const run = async () => {
    const args = ['-ec', COMMANDS.replaceAll('localhost:1234', `127.0.0.1:${server.port}`)]
    const child = startChild({ command: 'sh', args, cwd: directory.path })
    expect((await child.exited).code, child.output()).toBe(0)
    return JSON.parse(child.stdout())
  }
  const first = await run()
  expect(first).toEqual({ lsn: 1, changed: true })
  expect(await run()).toEqual(first)
  const copied = (await caller.call('GET', '/v1/workspaces/demo-copy/blocks/note')).json
  expect(copied).toMatchObject(block)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, await readFile(join(directory.path, 'demo.bin')))
  expect(doc.getMap('blocks').toJSON()).toHaveProperty('note')
})
