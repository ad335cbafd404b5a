import type { IndexingRun, IndexingStatus, Source } from '@joinery/blocks'
import { connectWorkspace, type Fork } from '@joinery/client'
import { isCued, markDone, type Role, type Style } from './cues.ts'
import { type NaiveBlock, readNaive, writeNaive } from './naive-block.ts'

/** One writer of the four failures as a process: it plays each step when it is cued, until it is killed. */
const [role, style, url] = process.argv.slice(2) as [Role, Style, string]
const SOURCES: Record<Role, Source> = {
  instantiation: 'instantiation',
  workflow: 'workflow_execution',
  poller: 'polling_sync',
}
const author = { source: SOURCES[role], actor: role }
const workspace = connectWorkspace({ url, workspace: 'w', ...author })
await workspace.whenSynced

let seen: NaiveBlock | undefined
let fork: Fork | undefined
let run: IndexingRun | undefined
const block = () => workspace.blocks.create('b', { type: 'text' })
const shown = () => block().indexingList.get('docs')
const setNaive = (status: string, from: NaiveBlock = readNaive(workspace.doc)): void =>
  writeNaive(workspace.doc, { ...from, indexes: { ...from.indexes, docs: status } })
const report = (status: IndexingStatus): void => {
  const about = run ?? shown()?.run
  if (about !== undefined) block().indexingList.report('docs', about, status, author)
}

const STEPS: Record<string, { naive: () => void; joinery: () => void }> = {
  create: {
    naive: () => writeNaive(workspace.doc, { content: 'The draft.', indexes: { docs: 'notStarted' } }),
    joinery: () => {
      block().content.insert(0, 'The draft.')
      run = block().indexingList.startRun('docs', { ...author, status: 'notStarted' })
    },
  },
  read: {
    naive: () => {
      seen = readNaive(workspace.doc)
    },
    joinery: () => {
      fork = workspace.fork()
      run = shown()?.run
    },
  },
  process: {
    naive: () => setNaive('processing'),
    joinery: () => {
      run = block().indexingList.startRun('docs', author)
    },
  },
  rewrite: {
    naive: () => setNaive('done', { ...(seen as NaiveBlock), content: 'The final.' }),
    joinery: () => {
      fork?.blocks.get('b')?.replaceContent('The final.')
      fork?.merge()
      report('done')
    },
  },
  done: { naive: () => setNaive('done'), joinery: () => report('done') },
  timeout: { naive: () => setNaive('error', seen), joinery: () => report('error') },
  add: {
    naive: () =>
      writeNaive(workspace.doc, {
        ...(seen as NaiveBlock),
        indexes: { ...(seen as NaiveBlock).indexes, [role]: 'done' },
      }),
    joinery: () => {
      const own = block().indexingList.startRun(role, author)
      block().indexingList.report(role, own, 'done', author)
    },
  },
}

const played = new Set<string>()
const play = (): void => {
  for (const [step, action] of Object.entries(STEPS)) {
    if (played.has(step) || !isCued(workspace, role, step)) continue
    played.add(step)
    action[style]()
    markDone(workspace, role, step)
  }
}
workspace.doc.getMap('cues').observe(() => queueMicrotask(play))
process.stdout.write('ready\n')
