import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const SECRET = 'a word that must be gone'
const W = 'w' as WorkspaceId
const saga = sagaOf('make', ['first'])

async function bytesIn(directory: string): Promise<Buffer> {
  const files = (await readdir(directory)).filter((name) => /\.(ldb|log)$/.test(name))
  return Buffer.concat(await Promise.all(files.map((name) => readFile(join(directory, name)))))
}

it('[J81] no byte of the input of a task that an edit has started is left after a purge, and others go on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-purged-tasks-'))
  const store = await openLevelStore({ directory, durability: 'async' })
  {
    await using fixture = await TaskFixture.start({ store })
    await fixture.announce(saga)
    const ask = async (workspace: string, secret: string) => {
      const at = `/v1/workspaces/${workspace}`
      await fixture.call('PUT', `${at}/blocks/board`, { type: 'board' })
      const run = { runId: 'mine', detail: { saga: 'make', input: { secret } } }
      await fixture.call('POST', `${at}/blocks/board/statuses/task@1/template/runs`, run)
      await expect.poll(async () => (await fixture.call('GET', `${at}/tasks`)).body.tasks?.length).toBe(1)
    }
    await ask('w', SECRET)
    await ask('other', 'another word')
    expect((await bytesIn(directory)).includes(SECRET)).toBe(true)
    const { workspaces } = fixture.api.server
    await workspaces.delete(W)
    await workspaces.purge(W)
    // A new workspace of the name knows no task, and its requests are started.
    await ask('w', 'a new word')
    const work = await fixture.leaseOne(saga)
    await fixture.tell(work, 'done')
  }
  await store.close()
  const bytes = await bytesIn(directory)
  expect(bytes.includes(SECRET)).toBe(false)
  const again = await openLevelStore({ directory, durability: 'async' })
  {
    await using fixture = await TaskFixture.start({ store: again })
    await fixture.announce(saga)
    for (const [workspace, secret] of [
      ['w', 'a new word'],
      ['other', 'another word'],
    ]) {
      const { tasks } = (await fixture.call('GET', `/v1/workspaces/${workspace}/tasks`)).body
      expect(tasks).toHaveLength(1)
      expect((await fixture.call('GET', tasks[0].links.self)).body.task.input).toEqual({ secret })
    }
  }
  await again.close()
  await rm(directory, { recursive: true, force: true })
})
