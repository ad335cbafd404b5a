import { connectWorkspace, type SaveStatus, type Workspace, type WorkspaceOptions } from '@joinery/client'
import { createServer, type ServerOptions } from '@joinery/server'
import { afterEach } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

/** Closes `one` when the test ends. The last one opened is closed first. */
export function closing<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one)
  return one
}

export interface RunningServer {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** A server in this process, in memory and in development mode unless the options say otherwise. Another server can take its port later. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const server = closing(createServer({ port: await freePort(), ...options }))
  await server.listen()
  const { url } = server
  return { url, port: Number(new URL(url).port), close: () => server.close() }
}

/** A client of `url` in this process: its workspace is `w` unless the options say otherwise. */
export function connect({ url }: { url: string }, options: Partial<WorkspaceOptions> = {}): Workspace {
  return closing(connectWorkspace({ url, workspace: 'w', ...options }))
}

/** The content of block `b`. Makes the block if there is none. */
export function textOf(workspace: Workspace) {
  return workspace.blocks.create('b', { type: 'text' }).content
}

/** The text of block `b`, '' if there is none. Writes nothing. */
export function readText(workspace: Workspace): string {
  return workspace.blocks.get('b')?.content.toString() ?? ''
}

/** Resolves with the first save status, the present one included, whose state is `state`. */
export async function whenState<S extends SaveStatus['state']>(
  workspace: Workspace,
  state: S,
): Promise<Extract<SaveStatus, { state: S }>> {
  const found = (): Extract<SaveStatus, { state: S }> | undefined => {
    const status = workspace.saveStatus.get()
    return status.state === state ? (status as Extract<SaveStatus, { state: S }>) : undefined
  }
  let status = found()
  const unsubscribe = workspace.saveStatus.subscribe(() => {
    status ??= found()
  })
  try {
    await until(`the save status is ${state}`, () => status !== undefined)
  } finally {
    unsubscribe()
  }
  return status as Extract<SaveStatus, { state: S }>
}

/** Every save status from now on, the present one first. */
export function recordStates(workspace: Workspace): SaveStatus[] {
  const states = [workspace.saveStatus.get()]
  workspace.saveStatus.subscribe(() => states.push(workspace.saveStatus.get()))
  return states
}

/** Puts a record that is no update into every local copy with this prefix. */
export async function spoilCopies(prefix: string): Promise<void> {
  for (const { name = '' } of await indexedDB.databases()) {
    if (!name.startsWith(`${prefix}:`)) continue
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(name)
      request.onerror = () => reject(request.error)
      request.onsuccess = () => {
        const transaction = request.result.transaction('updates', 'readwrite')
        transaction.objectStore('updates').add(Uint8Array.of(9, 9, 9))
        transaction.oncomplete = () => {
          request.result.close()
          resolve()
        }
      }
    })
  }
}
