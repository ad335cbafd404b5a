import { writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import type { Operator } from '../../apps/server/src/operations/operator.mts'
import { findServer } from '../../apps/server/src/operations/remote-operator.mts'
import { ClusterScene, type RunningNode } from './cluster-scene.ts'

const SAGA = { name: 'walk', version: 1, digest: 'd', steps: [{ name: 'step', kind: 'step' }] }
const { signal } = new AbortController()

interface Known {
  /** Two tasks of the workspace. */
  readonly tasks: readonly [string, string]
  readonly archive: string
}

/**
 * Each command of an operator on a data directory, by its method, with a part of its answer at a node that does not own the workspace
 * `demo` or `other`. The order matters: later ones need what earlier ones leave.
 */
const COMMANDS: readonly (readonly [
  name: keyof Operator,
  run: (operator: Operator, known: Known) => Promise<unknown>,
  answer: unknown,
])[] = [
  ['inspect', (at) => at.inspect('demo', signal), { damaged: [], workspaces: [{ workspace: 'demo' }] }],
  ['verify', (at) => at.verify({}), { problems: [] }],
  ['history', (at) => at.history({ workspace: 'demo', limit: 9 }, signal), [{ lsn: 1 }, { lsn: 2 }]],
  ['archive', async (at) => (await Array.fromAsync(at.archive({}, {}))).length > 0, true],
  ['import', (at, { archive }) => at.import(archive, {}, {}), refusal(/takes no archive.*over HTTP/)],
  ['repair', (at) => at.repair('demo', false, {}), { workspace: 'demo' }],
  ['repair', (at) => at.repair('demo', true, {}), refusal(/start it on an empty one/)],
  ['leases', (at) => at.leases('demo'), [{ name: 'l' }]],
  ['releaseLease', (at) => at.releaseLease('demo', 'l'), { name: 'l' }],
  ['releaseLease', (at) => at.releaseLease('demo', 'l'), refusal(/nobody holds the lease/)],
  ['tasks', (at) => at.tasks('demo'), [{ saga: 'walk' }, { saga: 'walk' }]],
  ['task', (at, { tasks }) => at.task('demo', tasks[0]), { saga: 'walk' }],
  ['askTask', (at, { tasks }) => at.askTask('demo', tasks[0], { type: 'cancel' }), { state: 'canceled' }],
  ['askTask', (at, { tasks }) => at.askTask('demo', tasks[0], { type: 'retry' }), refusal(/./)],
  ['resumeTasks', (at) => at.resumeTasks('demo'), 0],
  ['damagedJournals', (at) => at.damagedJournals(), []],
  ['compact', (at) => at.compact('forever', 'demo', {}), [{ workspace: 'demo', dropped: 0 }]],
  ['hooks', (at) => at.hooks(), []],
  ['hook', (at) => at.hook('none', 'x'), refusal(/./)],
  ['askHook', (at) => at.askHook('none', 'x', 'drop'), refusal(/./)],
  ['deliveries', (at) => at.deliveries(), {}],
  ['delivery', (at) => at.delivery('none', 'x'), refusal(/./)],
  ['askDelivery', (at) => at.askDelivery('none', 'x', 'drop'), refusal(/./)],
  ['enableEndpoint', (at) => at.enableEndpoint('none'), refusal(/./)],
  ['revoke', (at) => at.revoke('nobody', 0), 0],
  ['remove', (at) => at.remove('purge', 'demo'), refusal(/is not deleted/)],
  ['remove', (at) => at.remove('delete', 'other'), undefined],
  ['remove', (at) => at.remove('purge', 'other'), undefined],
  ['remove', (at) => at.remove('delete', 'demo'), undefined],
  ['remove', (at) => at.remove('undelete', 'demo'), undefined],
]

/** The answers of a node to the same commands, once the owner is dead: the node takes the workspace. */
const ORPHANED = ['inspect', 'history', 'tasks', 'task', 'leases', 'compact', 'remove']

function refusal(message: RegExp) {
  return { refused: expect.stringMatching(message) }
}

it('[A160] operators’ commands at a node that does not own the workspace are carried out, and those that a node can’t carry out say what to do', async (context) => {
  await using scene = await ClusterScene.start(context)
  const [one, two] = (await Promise.all([scene.node('n1'), scene.node('n2')])) as [RunningNode, RunningNode]
  const ask = async (method: string, path: string, body: object): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${one.url}${path}`, { method, headers, body: JSON.stringify(body) })
    expect(answer.status).toBeLessThan(300)
    return (await answer.json()) as Record<string, unknown>
  }
  for (const block of ['a', 'b']) await ask('PUT', `/v1/workspaces/demo/blocks/${block}`, { type: 'text' })
  await ask('PUT', '/v1/workspaces/other/blocks/a', { type: 'text' })
  await ask('POST', '/v1/work/leases', { worker: 'w', serves: [SAGA] })
  const start = async (): Promise<string> =>
    ((await ask('POST', '/v1/workspaces/demo/tasks', { saga: 'walk' })).task as { id: string }).id
  const archive = `${two.directory}.none`
  await writeFile(archive, '')
  const known: Known = { tasks: [await start(), await start()], archive }
  await ask('POST', '/v1/workspaces/demo/leases', { name: 'l', ttlMs: 600_000 })
  const operator = await findServer(two.directory)
  if (operator === undefined) throw new Error('the node does not answer its operator')
  // A copy is a moment later than its owner.
  const copied = () => operator.history({ workspace: 'demo', limit: 9 }, signal).catch(() => [])
  await expect.poll(async () => (await copied()).length).toBe(2)

  const outcome = (run: (typeof COMMANDS)[number][1]) =>
    run(operator, known).catch((error: unknown) => ({ refused: (error as Error).message }))
  const left = new Set(Object.keys(operator))
  for (const [name, run, answer] of COMMANDS) {
    left.delete(name)
    expect.soft([name, await outcome(run)]).toMatchObject([name, answer])
  }
  // A new command needs a row.
  expect([...left]).toEqual([])

  await one.child.end('SIGKILL')
  const again = new Map(COMMANDS.map(([name, run]) => [name as string, run]))
  for (const name of ORPHANED) {
    const told = await outcome(again.get(name) as (typeof COMMANDS)[number][1])
    expect([name, told ?? {}]).not.toMatchObject([name, { refused: expect.any(String) }])
  }
})
