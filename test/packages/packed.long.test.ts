import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { installPacked, link, type PackedPackage } from './packed.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
/** A user's Node: where npm runs these tests, the Node that runs npm. */
const users = process.env.npm_node_execpath ?? process.execPath

const program = `
import { connectWorkspace } from '@joinery/client'
import { forkDoc } from '@joinery/blocks'
import * as Y from 'yjs'

const workspace = connectWorkspace({ url: process.argv[2], workspace: 'packed', actor: 'ada' })
await workspace.whenSynced
const note = workspace.blocks.create('note-1', { type: 'text' })
note.content.insert(0, 'Measure twice.')
const run = note.indexingList.startRun('main', { source: 'user_action', actor: 'ada' })
note.indexingList.report('main', run, 'done', { source: 'user_action', actor: 'ada', chunks: 1 })
await workspace.whenDurable()
await workspace.transactOnce(({ blocks }) => blocks.create('note-2', { type: 'text' }), { idempotencyKey: 'once' })
console.log(JSON.stringify(workspace.blocks.list().map(({ id, text }) => [id, text])))
console.log(workspace.doc instanceof Y.Doc, forkDoc(workspace.doc) instanceof Y.Doc)
await workspace.close()
`

const commonJs = `
const { connectWorkspace } = require('@joinery/client')
const { forkDoc } = require('@joinery/blocks')
const Y = require('yjs')

async function main() {
  const workspace = connectWorkspace({ url: process.argv[2], workspace: 'cjs', actor: 'ada' })
  await workspace.whenSynced
  const note = workspace.blocks.create('note-1', { type: 'text' })
  const text = new Y.Text()
  note.data.set('own', text)
  text.insert(0, 'typed')
  await workspace.whenDurable()
  console.log(note.data.get('own').toString(), forkDoc(workspace.doc) instanceof Y.Doc, (await import('yjs')).Doc === Y.Doc)
  await workspace.close()
}
main()
`

const trying = `
import { openMemoryStore } from '@joinery/log'
import { createServer } from '@joinery/server'
import * as Y from 'yjs'

const server = createServer({ port: 0, store: openMemoryStore(), limits: { trialStructs: 1 } })
await server.listen()
const doc = new Y.Doc()
for (let at = 0; at < 100; at++) doc.getArray('list').insert(0, [at])
const writer = { actor: 'ada', source: 'user_action', sources: undefined, isAuthenticated: false }
const outcome = await server.workspaces.bring('w', { writer, via: 'packed', update: Y.encodeStateAsUpdate(doc) })
const { trials, trialsRefused } = server.counters
console.log(JSON.stringify({ lsn: outcome.lsn, refusal: outcome.refusal, trials, trialsRefused }))
await server.close()
`

const plain = `
import { connectWorkspace, type Workspace } from '@joinery/client'
export const open = (url: string): Workspace => connectWorkspace({ url, workspace: 'w' })
`

const typed = `
import { type Api, createApi } from '@joinery/api'
import { createBlock, type IndexingEntry } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { type EventStore, openLevelStore } from '@joinery/log'
import { verifyStore } from '@joinery/log/operations'
import { describeEventStore } from '@joinery/log/testing'
import { decodeFrame } from '@joinery/protocol'
import { useIndexingEntry, WorkspaceProvider } from '@joinery/react'
import { createServer } from '@joinery/server'
import { describeTail } from '@joinery/server/testing'
import { App } from './from-readme.tsx'

export const workspace: Workspace = connectWorkspace({ url: 'ws://127.0.0.1:1', workspace: 'w' })
export const useEntry = (): IndexingEntry | undefined => useIndexingEntry('a', 'main')
// @ts-expect-error an id is a text
createBlock(workspace.doc, 1, { type: 'text' })
// @ts-expect-error the application of packages/react/README.md wants a token
App({})
export { type Api, createApi, createServer, decodeFrame, describeEventStore, describeTail, type EventStore }
export { openLevelStore, verifyStore, WorkspaceProvider }
`

const contract = `
import { openMemoryStore } from '@joinery/log'
import { describeEventStore, describeFencing, FencingStore } from '@joinery/log/testing'
import { describeOwnership, describeTail } from '@joinery/server/testing'
import { expect, it } from 'vitest'

describeEventStore('memory, packed', async (clock) => openMemoryStore({ clock }))
describeFencing('memory, packed', async () => {
  const store = new FencingStore(openMemoryStore())
  return { store, fence: (workspace) => store.fence(workspace) }
})
it('finds the suites of server', () => {
  for (const suite of [describeOwnership, describeTail]) expect(suite).toBeTypeOf('function')
})
`

/** Doors that ask for a peer which only some users have. */
const OPTIONAL_DOORS = [
  '@joinery/cluster/testing',
  '@joinery/log/testing',
  '@joinery/server/testing',
  '@joinery/tasks/testing',
]

/** The first block of this language in a package's README. */
async function exampleOf(name: string, language: string): Promise<string> {
  const readme = await readFile(join(root, 'packages', name, 'README.md'), 'utf8')
  const fence = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's')
  return fence.exec(readme)?.[1] ?? expect.fail(`packages/${name}/README.md has no ${language}`)
}

describe('the packages, packed and put into a project of their own', () => {
  let directory: TempDirectory
  let packages: PackedPackage[]
  beforeAll(async () => {
    directory = await tempDirectory()
    packages = await installPacked(directory.path)
    await writeFile(join(directory.path, 'package.json'), '{ "type": "module" }')
  })
  afterAll(() => directory?.[Symbol.asyncDispose]())

  it('[T82] each door opens with what its package declares, and each has a README, a SPEC and a licence', async () => {
    const all = packages.flatMap((one) => one.doors)
    expect(all).toEqual(expect.arrayContaining(['@joinery/react', ...OPTIONAL_DOORS]))
    const doors = all.filter((door) => !OPTIONAL_DOORS.includes(door))
    const code = `for (const door of ${JSON.stringify(doors)}) console.log(door, Object.keys(await import(door)).length > 0)`
    await writeFile(join(directory.path, 'doors.js'), code)
    const { stdout } = await run(process.execPath, ['doors.js'], { cwd: directory.path })
    expect(stdout).toBe(doors.map((door) => `${door} true\n`).join(''))
    for (const { manifest } of packages) {
      for (const file of ['README.md', 'SPEC.md', 'LICENSE']) {
        await expect(readFile(join(directory.path, 'node_modules', manifest.name, file), 'utf8')).resolves.not.toBe('')
      }
    }
  })

  it('[T82] a program on the Node that runs npm writes through the SDK, with one yjs', async () => {
    await using joinery = await startJoinery({ directory: join(directory.path, 'data'), durability: 'memory' })
    await writeFile(join(directory.path, 'program.js'), program)
    const { stdout, stderr } = await run(users, ['program.js', joinery.url], { cwd: directory.path })
    expect(stderr).toBe('')
    expect(stdout).toBe('[["note-1","Measure twice."],["note-2",""]]\ntrue true\n')
  })

  it('[T83] a CommonJS program shares one yjs with the packages, or is told what to do', async () => {
    await using joinery = await startJoinery({ directory: join(directory.path, 'cjs-data'), durability: 'memory' })
    await writeFile(join(directory.path, 'program.cjs'), commonJs)
    const { stdout, stderr } = await run(process.execPath, ['program.cjs', joinery.url], { cwd: directory.path })
    expect(stderr).toBe('')
    expect(stdout).toBe('typed true true\n')
    await writeFile(join(directory.path, 'late.cjs'), "require('yjs')\nrequire('@joinery/client')\n")
    const late = run(process.execPath, ['late.cjs'], { cwd: directory.path })
    await expect(late).rejects.toMatchObject({
      stderr: expect.stringContaining("require Joinery's package before yjs"),
    })
  })

  it.each([
    ['protocol', users, 'syncStep1\ntrue '],
    ['blocks', users, "[ 'done', 'done' ]"],
    ['log', process.execPath, "1 ada [ 'note-1/content' ]\ntrue"],
    ['server', process.execPath, 'listening on http://127.0.0.1:'],
    ['cluster', process.execPath, 'held under number 1'],
  ])('[T82] the example in the README of %s does what it says', async (name, node, says) => {
    await writeFile(join(directory.path, `${name}.js`), await exampleOf(name, 'js'))
    const { stdout, stderr } = await run(node, [`${name}.js`], { cwd: directory.path })
    expect(stderr).toBe('')
    expect(stdout).toContain(says)
  })

  it('[T82] the server finds the program of its worker threads, and takes a heavy update that was tried', async () => {
    await writeFile(join(directory.path, 'trying.js'), trying)
    const { stdout } = await run(process.execPath, ['trying.js'], { cwd: directory.path })
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({ lsn: 1, trials: 1, trialsRefused: 0 })
  })

  it('[T82] the contract suites of log and server run where vitest is installed, and only they need it', async () => {
    const modules = join(directory.path, 'node_modules')
    await writeFile(join(directory.path, 'contract.test.ts'), contract)
    for (const door of OPTIONAL_DOORS) {
      const open = [process.execPath, ['--eval', `await import('${door}')`]] as const
      await expect(run(...open, { cwd: directory.path })).rejects.toThrow("Cannot find package 'vitest'")
    }
    await link(join(root, 'packages/log/node_modules'), 'vitest', modules)
    const vitest = join(modules, 'vitest/vitest.mjs')
    const { stdout } = await run(process.execPath, [vitest, 'run', '--root', directory.path], { cwd: directory.path })
    expect(stdout).toContain('1 passed')
  })

  it('[T83] the types compile without skipLibCheck, with no library newer than ES2023', async () => {
    await writeFile(join(directory.path, 'plain.ts'), plain)
    const strict = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, skipLibCheck: false }
    const options = { ...strict, lib: ['es2023', 'dom'], types: [] }
    const tsconfig = JSON.stringify({ compilerOptions: options, files: ['plain.ts'] })
    await writeFile(join(directory.path, 'tsconfig.plain.json'), tsconfig)
    const tsc = run(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.plain.json'], { cwd: directory.path })
    await expect(tsc.catch(({ stdout }: { stdout: string }) => ({ stdout }))).resolves.toMatchObject({ stdout: '' })
  })

  it('[T82] a typed program, and the application in the README of react, see the types', async () => {
    await link(join(root, 'node_modules'), '@types/node', join(directory.path, 'node_modules'))
    await link(join(root, 'packages/react/node_modules'), '@types/react', join(directory.path, 'node_modules'))
    await writeFile(join(directory.path, 'typed.ts'), typed)
    await writeFile(join(directory.path, 'from-readme.tsx'), await exampleOf('react', 'tsx'))
    const strict = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true }
    const options = { ...strict, types: ['node'], jsx: 'react-jsx', allowImportingTsExtensions: true }
    const tsconfig = JSON.stringify({ compilerOptions: options, files: ['typed.ts'] })
    await writeFile(join(directory.path, 'tsconfig.json'), tsconfig)
    const tsc = run(join(root, 'node_modules/.bin/tsc'), [], { cwd: directory.path })
    await expect(tsc.catch(({ stdout }: { stdout: string }) => ({ stdout }))).resolves.toMatchObject({ stdout: '' })
  })
})
