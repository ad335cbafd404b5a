import { createHash } from 'node:crypto'
import { signToken } from '@joinery/server'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { joinery } from '../support/command.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { SECRET } from '../support/tokens.ts'
import { ClusterScene, type RunningNode } from './cluster-scene.ts'

const FILE = Buffer.from('The bytes of a small file.')
const SHA256 = createHash('sha256').update(FILE).digest('hex')
const SAGA = { name: 'walk', version: 1, digest: 'd', steps: [{ name: 'step', kind: 'step' }] }
const JSON_TYPE = { 'content-type': 'application/json' }
const WORK = { worker: 'w', serves: [SAGA] }

/** Paths of the description are filled with these, and with what answers have told. */
const NAMES: Readonly<Record<string, string>> = {
  ...{
    block: 'a',
    edge: 'e',
    index: 'main',
    run: 'r1',
    machine: 'file@1',
    lease: 'l',
    item: 'plan.pdf',
    name: 'plan.pdf',
  },
}

interface Request {
  readonly body?: unknown
  readonly query?: string
  readonly names?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Parts of the answer that later paths need. */
  readonly keep?: (answer: Record<string, unknown>) => Readonly<Record<string, unknown>>
  /** Status, where it is none of success. */
  readonly refused?: number
}

type Known = Record<string, string>

/** One request for each operation of the description, in this order. */
const REQUESTS: readonly (readonly [id: string, (known: Known) => Request])[] = [
  ['putBlock', () => ({ body: { type: 'text', content: 'some words' } })],
  ['createBlock', () => ({ body: { type: 'text' } })],
  ['patchBlock', () => ({ body: { content: 'other words' } })],
  ['getBlock', () => ({ query: '?at=2' })],
  ['listBlocks', () => ({})],
  ['putEdge', () => ({ body: { source: 'a', target: 'a' } })],
  ['getEdge', () => ({})],
  ['listEdges', () => ({})],
  ['deleteEdge', () => ({})],
  ['startRun', () => ({ body: { runId: 'r1' } })],
  ['reportRun', () => ({ body: { status: 'done' } })],
  ['removeIndex', () => ({})],
  ['startStatus', () => ({ body: { runId: 'r1' } })],
  ['reportStatus', () => ({ body: { status: 'syncing' } })],
  ['getStatus', () => ({})],
  ['listStatusEvents', () => ({})],
  ['removeStatus', () => ({})],
  ['transact', () => ({ body: { operations: [{ op: 'patch', block: 'a', content: 'words' }] } })],
  ['search', () => ({ query: '?q=words' })],
  ['listRecords', () => ({ query: '?as=changes' })],
  ['diffWorkspace', () => ({ query: '?from=1&to=2' })],
  ['getHead', () => ({})],
  ['restoreWorkspace', () => ({ body: { lsn: 2 } })],
  ['getUpdate', () => ({})],
  ['postUpdate', () => ({ body: updateOf('text'), headers: { 'content-type': 'application/octet-stream' } })],
  ['streamEvents', () => ({ query: '?after=0' })],
  ['acquireLease', () => ({ body: { name: 'l', ttlMs: 60_000 }, keep: ({ token }) => ({ held: token }) })],
  ['getLease', () => ({})],
  ['listLeases', () => ({})],
  ['renewLease', ({ held }) => ({ body: { token: held, ttlMs: 90_000 } })],
  ['releaseLease', ({ held = '' }) => ({ headers: { 'x-joinery-lease': held } })],
  ['getWorkspace', () => ({})],
  ['listWorkspaces', () => ({})],
  ['leaseWork', () => ({ body: WORK })],
  ['startTask', () => ({ body: { saga: 'walk' }, keep: ({ task }) => ({ task: (task as { id: string }).id }) })],
  ['getTask', () => ({})],
  ['getTaskById', () => ({})],
  ['listTasks', () => ({})],
  ['streamTask', () => ({})],
  ['signalTask', () => ({ names: { name: 'step' }, body: { payload: 1 } })],
  ['beatWork', () => ({ body: {} })],
  ['releaseWork', () => ({})],
  ['failWork', () => ({ body: { error: 'broken', class: 'permanent' } })],
  ['retryTask', () => ({})],
  ['skipStep', () => ({ body: { step: 'step' }, refused: 409 })],
  ['finishWork', () => ({ body: { result: 1 } })],
  ['cancelTask', () => ({ refused: 409 })],
  ['terminateTask', () => ({ refused: 409 })],
  ['resumeTasks', () => ({})],
  [
    'startUpload',
    () => ({
      body: { name: 'plan.pdf', bytes: FILE.length, sha256: SHA256 },
      keep: ({ upload }) => ({ upload: (upload as { id: string }).id }),
    }),
  ],
  ['getUpload', () => ({})],
  [
    'getPartUrls',
    () => ({ body: { parts: [1] }, keep: ({ urls }) => ({ part: (urls as { url: string }[])[0]?.url }) }),
  ],
  ['completeUpload', () => ({})],
  ['getFile', () => ({ keep: ({ url }) => ({ file: url }) })],
  ['deleteBlock', () => ({})],
  ['deleteWorkspace', () => ({})],
  ['undeleteWorkspace', () => ({})],
  ['revokeTokens', () => ({ body: { actor: 'nobody' } })],
]

/** A purge would take the workspace that later requests are for. */
const UNASKED = ['purgeWorkspace']
/** Pages and other paths of every node. */
const PAGES = [
  '/',
  '/w/near',
  '/healthz',
  '/readyz',
  '/metrics',
  '/v1/openapi.json',
  '/v1/docs',
  '/v1/hooks/none',
  '/none',
]

interface Operation {
  readonly method: string
  readonly path: string
}

it('[Q40, RU14, RU20] every route answers at a node that is not the owner as it does at the owner, files on disks included', async (context) => {
  await using scene = await ClusterScene.start(context)
  await using home = await tempDirectory()
  const key = `${home.path}/head.key`
  expect((await joinery('keygen', '--out', key)).exit.code).toBe(0)
  const env = { JOINERY_JWT_SECRET: SECRET }
  const [owner, other] = [
    await scene.node('n1', { more: ['--head-key', key], env }),
    await scene.node('n2', { more: ['--head-key', key], env }),
  ]
  const exp = Math.floor(Date.now() / 1_000) + 3_600
  const rights = { workspaces: ['*'], sources: ['user_action'], work: ['*'], operator: true }
  const authorization = `Bearer ${await signToken(SECRET, { sub: 'Ada', access: 'write', ...rights, exp })}`
  const ask = (node: RunningNode, method: string, path: string, { body, headers }: Request = {}) => {
    const isBytes = body instanceof Uint8Array
    return fetch(`${node.url}${path}`, {
      method,
      headers: { authorization, ...(body !== undefined && !isBytes && JSON_TYPE), ...headers },
      ...(body !== undefined && { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
    })
  }
  const operations = await operationsOf(owner)
  const metricOf = async ({ url }: RunningNode, name: string): Promise<number> =>
    Number(new RegExp(`^joinery_cluster_${name} (\\d+)`, 'm').exec(await (await fetch(`${url}/metrics`)).text())?.[1])
  const passed = (): Promise<number> => metricOf(other, 'passed_requests_total')
  /** Two workspaces of one owner: `near` is asked for there, `far` at the other node. */
  const walks = [
    { node: owner, known: { ...NAMES, workspace: 'near' } as Known },
    { node: other, known: { ...NAMES, workspace: 'far' } as Known },
  ]
  for (const { known } of walks)
    expect(
      (await ask(owner, 'PUT', `/v1/workspaces/${known.workspace}/blocks/seed`, { body: { type: 'text' } })).status,
    ).toBe(201)

  for (const [id, requestOf] of REQUESTS) {
    const { method, path } = operations.get(id) ?? { method: '', path: `there is no operation ${id}` }
    operations.delete(id)
    const before = await passed()
    const kinds: unknown[] = []
    for (const { node, known } of walks) {
      // The node that owns the task gives the step out, whichever node the worker asks. The end of it may be told to any node, too.
      if (['beatWork', 'failWork', 'finishWork'].includes(id)) known.token = await nextStep(node, known, ask)
      if (id === 'completeUpload') {
        const sent = await fetch(`${node.url}${known.part}`, { method: 'PUT', body: FILE })
        expect([sent.status, await sent.text()]).toEqual([204, ''])
      }
      const request = requestOf(known)
      const target = `${filled(path, { ...known, ...request.names })}${request.query ?? ''}`
      const answer = () => ask(node, method, target, request)
      // The file is shown once its digest was compared.
      if (id === 'getFile') await expect.poll(async () => (await answer()).status).toBe(200)
      const { status, type, text } = await readAnswer(await answer())
      expect([id, status < 300 ? 'ok' : status, status < 300 ? '' : text]).toEqual(
        request.refused === undefined ? [id, 'ok', ''] : [id, request.refused, expect.any(String)],
      )
      const json = type.includes('json') && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : undefined
      Object.assign(known, request.keep?.(json ?? {}))
      kinds.push([status, type, json === undefined ? undefined : shapeOf(json)])
    }
    expect([id, kinds[1]]).toEqual([id, kinds[0]])
    // Lists, revocations and steps of tasks are for the whole cluster.
    const isForAll = ['listWorkspaces', 'leaseWork', 'revokeTokens'].includes(id)
    if (isForAll) expect([id, await passed()]).toEqual([id, before])
    else expect([id, (await passed()) > before]).toEqual([id, true])
  }
  // A new route needs a request here.
  expect([...operations.keys()]).toEqual(UNASKED)

  for (const page of PAGES) {
    const [here, there] = [await fetch(`${owner.url}${page}`), await fetch(`${other.url}${page}`)]
    const kindOf = ({ status, headers }: Response) => [page, status, headers.get('content-type')]
    expect(kindOf(there)).toEqual(kindOf(here))
    await Promise.all([here.body?.cancel(), there.body?.cancel()])
  }

  // The bytes came to the owner's disk, and its URL is right at each node: the other one copies them.
  const files = walks.map(({ known }) => known.file)
  const readAll = () => Promise.all(files.map(async (file) => (await fetch(`${other.url}${file}`)).text()))
  expect(await (await fetch(`${other.url}${files[1]}`)).text()).toBe(FILE.toString())
  // It keeps a copy of those, too, that nobody has read there.
  await expect.poll(() => metricOf(owner, 'kept_files_total')).toBeGreaterThanOrEqual(files.length)
  expect(await metricOf(owner, 'files_without_copy')).toBe(0)
  await owner.child.end('SIGKILL')
  expect(await readAll()).toEqual(files.map(() => FILE.toString()))
})

async function operationsOf({ url }: RunningNode): Promise<Map<string, Operation>> {
  const { paths } = (await (await fetch(`${url}/v1/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { operationId?: string }>>
  }
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { operationId }]) =>
      operationId === undefined ? [] : [[operationId, { method: method.toUpperCase(), path }] as const],
    ),
  )
  return new Map(all)
}

/** A step of the walk's own workspace. Those of others are given back: they are the other walk's. */
async function nextStep(
  node: RunningNode,
  { workspace }: Known,
  ask: (node: RunningNode, method: string, path: string, request: Request) => Promise<Response>,
): Promise<string> {
  const body = { ...WORK, waitMs: 20_000 }
  for (;;) {
    const { leases } = (await (await ask(node, 'POST', '/v1/work/leases', { body })).json()) as {
      leases: { token: string; workspace: string }[]
    }
    const [step] = leases
    if (step === undefined) continue
    if (step.workspace === workspace) return step.token
    await ask(node, 'POST', `/v1/work/leases/${step.token}/release`, {})
  }
}

function filled(path: string, known: Known): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(known[name] ?? `no ${name} is known`))
}

/** A stream is read until its first event. */
async function readAnswer(answer: Response): Promise<{ status: number; type: string; text: string }> {
  const { status, headers } = answer
  const type = headers.get('content-type') ?? ''
  if (!type.includes('event-stream')) return { status, type, text: await answer.text() }
  const reader = answer.body?.getReader()
  await reader?.read()
  await reader?.cancel()
  return { status, type, text: '' }
}

/** The names and types of all that a value has; of a list, those of its first element. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each)]))
}

function updateOf(name: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getText(name).insert(0, 'text')
  return Y.encodeStateAsUpdate(doc)
}
