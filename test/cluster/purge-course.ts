import { expect } from 'vitest'
import { joinery } from '../support/command.ts'

export interface PurgedNodes {
  /** `http://host:port` of each node, the one that goes away last. */
  readonly urls: readonly string[]
  /** Directory of the last node. */
  readonly directory: string
  /** Kills the last node. */
  kill(): Promise<void>
  /** Starts it again. Resolves with its address. */
  start(): Promise<string>
  /** Called when the last node is away and the workspace is about to be deleted. */
  readonly beforePurge?: () => Promise<void>
  /** Called when the name has its new history, and the last node is still away. */
  readonly afterPurge?: () => Promise<void>
}

/** Writes, deletes and purges a workspace through several nodes while one of them is away, and writes under its name again. */
export async function purgeCourse({
  urls,
  directory,
  kill,
  start,
  beforePurge,
  afterPurge,
}: PurgedNodes): Promise<void> {
  const first = urls[0] ?? ''
  const second = urls.at(-2) ?? first
  const away = urls.at(-1) ?? ''
  const ask = async (url: string, method: string, route: string, body?: unknown) => {
    const headers = { 'content-type': 'application/json', 'x-joinery-source': 'user_action' }
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(`${url}/v1/workspaces/demo${route}`, { method, headers, ...content })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? {} : JSON.parse(text) }
  }
  const put = (url: string, block: string) => ask(url, 'PUT', `/blocks/${block}`, { type: 'text', content: block })
  const untilStatus = async (url: string, method: string, route: string, status: number) =>
    await expect.poll(async () => (await ask(url, method, route)).status).toBe(status)
  /** A request whose answer was an error may have been carried out. */
  const untilWritten = async (block: string) =>
    await expect.poll(async () => (await put(second, block).catch(() => undefined))?.status).toBeOneOf([200, 201])

  expect((await put(first, 'secret')).status).toBe(201)
  await untilStatus(away, 'GET', '/blocks/secret', 200)
  // That may have been answered by the owner.
  const copies = async () => (await joinery('inspect', '--data', directory, '--json')).stdout
  await expect.poll(copies).toContain('"demo"')
  const { generation } = (await ask(first, 'GET', '')).json
  await kill()
  // The other node asks the engine before it takes over from one that is away.
  await untilStatus(second, 'POST', '/purge', 409)
  await beforePurge?.()
  await expect.poll(async () => (await ask(second, 'DELETE', '')).status).toBeOneOf([204, 410])
  // An entry of the node that was killed stands for 10 s, and says that it reads a purge.
  await untilStatus(second, 'POST', '/purge', 204)
  await untilStatus(first, 'GET', '/blocks/secret', 404)
  await untilWritten('new')
  await afterPurge?.()
  // Its owner may have to take it over again.
  await untilWritten('later')
  const back = await start()
  for (const block of ['new', 'later']) await untilStatus(back, 'GET', `/blocks/${block}`, 200)
  for (const url of [...urls.slice(0, -1), back]) {
    expect((await ask(url, 'GET', '/blocks/secret')).status).toBe(404)
    const found = (await ask(url, 'GET', '')).json
    expect([typeof found.generation, found.generation === generation]).toEqual(['string', false])
  }
}
