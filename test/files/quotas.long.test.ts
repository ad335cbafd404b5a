import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { connectWorkspace, tasksOf, uploadsOf, type Workspace } from '@joinery/client'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { WrongClock } from '../support/wrong-clock.ts'

const LIMITS = 'files.bytesPerWorkspaceMax=1000,files.bytesPerPrincipalMax=1500,tasks.leaseMs=3000'
const HOUR_MS = 3_600_000

const bytes = (count: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(count))

it('[RU13] a server holds workspaces and people to their quotas of files, over a kill, and gives bytes back', async () => {
  await using directory = await tempDirectory()
  const data = `${directory.path}/data`
  const options = { directory: data, env: { JOINERY_LIMITS: LIMITS } }
  let server = await startJoinery(options)
  const home = (name: string) => `http://127.0.0.1:${server.port}/v1/workspaces/${name}`
  const open: Workspace[] = []
  const enter = async (name: string) => {
    const workspace = connectWorkspace({ url: server.url, workspace: name, actor: 'ada' })
    open.push(workspace)
    await workspace.whenSynced
    workspace.blocks.create('note', { type: 'text' })
    await workspace.whenDurable()
    return {
      workspace,
      upload: (content: Uint8Array<ArrayBuffer>, name = `${content.length}.bin`) =>
        uploadsOf(workspace).upload('note', new Blob([content]), { name }).finished,
      /** Begins an upload: its bytes count from then on. */
      async begin(count: number): Promise<string> {
        const sha256 = createHash('sha256').update(`${name} ${count}`).digest('hex')
        const body = JSON.stringify({ name: `begun-${count}.bin`, bytes: count, sha256 })
        const ask = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
        let id = ''
        const begun = async () => {
          const answer = await fetch(`${home(name)}/blocks/note/files`, ask)
          const { upload } = (await answer.json()) as { upload?: { id: string; state: string } }
          id = upload?.id ?? ''
          return [answer.status, upload?.state]
        }
        await expect.poll(begun).toEqual([202, 'open'])
        return id
      },
    }
  }
  const refused = { refusal: { code: 'quota_files', status: 403 } }
  try {
    const demo = await enter('demo')
    const kept = bytes(600)
    await demo.upload(kept)
    await expect(demo.upload(bytes(401))).rejects.toMatchObject({
      message: expect.stringContaining('1000 are allowed'),
      ...refused,
    })
    // A file that the workspace has takes nothing, also in another block.
    demo.workspace.blocks.create('other', { type: 'text' })
    await demo.workspace.whenDurable()
    await uploadsOf(demo.workspace).upload('other', new Blob([kept]), { name: 'same.bin' }).finished

    // An upload that has begun counts and is shown, also after a kill in the turn of the answer, until it is canceled.
    const begun = await demo.begin(400)
    await server.child.end('SIGKILL')
    server = await startJoinery({ ...options, port: server.port })
    await expect(demo.upload(bytes(1))).rejects.toMatchObject(refused)
    await tasksOf(demo.workspace).cancel(begun)
    await expect
      .poll(() => demo.workspace.blocks.get('note')?.statuses('file@1').get('begun-400.bin')?.status)
      .toBe('failed')
    await demo.begin(400)

    // A person has a quota over all workspaces, which a purge gives back.
    const second = await enter('second')
    await second.begin(500)
    await expect(second.upload(bytes(1))).rejects.toMatchObject(refused)
    expect((await fetch(home('demo'), { method: 'DELETE' })).ok).toBe(true)
    const { exit, output } = await joinery('purge', 'demo', '--data', data)
    expect([exit.code, output]).toEqual([0, output])
    await second.begin(499)
    await expect(second.upload(bytes(2))).rejects.toMatchObject(refused)
  } finally {
    for (const workspace of open) await workspace.close()
    await server[Symbol.asyncDispose]()
  }
})

it('[RU7, RU13] an upload that nobody completes within a day is aborted, also if no server runs then, and its bytes are given back', async () => {
  await using directory = await tempDirectory()
  const data = `${directory.path}/data`
  const clock = await WrongClock.open(directory.path)
  const options = { directory: data, env: { ...clock.env, JOINERY_LIMITS: LIMITS } }
  let server = await startJoinery(options)
  const workspace = connectWorkspace({ url: server.url, workspace: 'demo', actor: 'ada' })
  const uploads = async (): Promise<string[]> =>
    (await readdir(`${data}/blobs`, { recursive: true })).filter((path) => path.includes('.uploads/'))
  try {
    await workspace.whenSynced
    workspace.blocks.create('note', { type: 'text' })
    await workspace.whenDurable()
    const statusOf = (name: string) => workspace.blocks.get('note')?.statuses('file@1').get(name)
    const ask = async (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' }
      const home = `http://127.0.0.1:${server.port}/v1/workspaces/demo`
      return (await fetch(`${home}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json() as never
    }
    const begin = async (name: string) => {
      const sha256 = createHash('sha256').update(name).digest('hex')
      const { upload } = (await ask('/blocks/note/files', { name, bytes: 500, sha256 })) as { upload: { id: string } }
      const { urls } = (await ask(`/uploads/${upload.id}/urls`, { parts: [1] })) as { urls: { url: string }[] }
      const put = { method: 'PUT', body: bytes(500) }
      expect((await fetch(new URL(urls[0]?.url ?? '', `http://127.0.0.1:${server.port}`), put)).status).toBe(204)
    }
    await begin('early.bin')
    await server.child.end('SIGKILL')
    await clock.step(23 * HOUR_MS)
    server = await startJoinery({ ...options, port: server.port })
    await begin('late.bin')
    expect((await uploads()).filter((path) => path.endsWith('/1'))).toHaveLength(2)
    expect(statusOf('early.bin')?.status).toBe('syncing')

    await server.child.end('SIGKILL')
    await clock.step(25 * HOUR_MS)
    server = await startJoinery({ ...options, port: server.port })
    await expect
      .poll(() => statusOf('early.bin'))
      .toMatchObject({ status: 'failed', error: expect.stringContaining('not completed in time') })
    await expect.poll(async () => (await uploads()).filter((path) => path.endsWith('/1'))).toHaveLength(1)
    expect(statusOf('late.bin')?.status).toBe('syncing')
    await uploadsOf(workspace).upload('note', new Blob([bytes(500)]), { name: 'room.bin' }).finished
  } finally {
    await workspace.close()
    await server[Symbol.asyncDispose]()
  }
})
