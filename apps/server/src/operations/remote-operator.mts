import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { LogError, type LogErrorCode } from '@joinery/log'
import type { DirectoryReport, StoreInspection } from '@joinery/log/operations'
import { type Control, readControlFile } from './control-file.mts'
import { CONTROL_PATH, line } from './control-line.mts'
import type { Operator, Watched } from './operator.mts'

/** Undefined if no server that has this data directory open can be reached: a file that a killed one left is no obstacle. */
export async function findServer(directory: string): Promise<Operator | undefined> {
  const control = await readControlFile(directory)
  if (control === undefined) return undefined
  try {
    await ask(control, 'ping', {}, {})
  } catch {
    // Nobody listens there, or somebody who does not know the secret: then the database's lock decides.
    return undefined
  }
  // The answers come from the same version of the same program: the shapes are its own.
  return {
    verify: (watched) => ask(control, 'verify', {}, watched) as Promise<DirectoryReport>,
    inspect: (workspace, signal) => ask(control, 'inspect', { workspace }, { signal }) as Promise<StoreInspection>,
    close: () => Promise.resolve(),
  }
}

async function ask(control: Control, what: string, body: object, watched: Watched): Promise<unknown> {
  const answer = await post(control, what, JSON.stringify(body), watched.signal)
  for await (const text of createInterface({ input: answer })) {
    if (text === '') continue
    const said = line.parse(JSON.parse(text))
    if ('progress' in said) watched.onProgress?.(...said.progress)
    else if ('error' in said) throw new LogError(said.error.code as LogErrorCode, said.error.message)
    else return said.result
  }
  watched.signal?.throwIfAborted()
  throw new LogError('closed', `the server at ${control.url} ended before its answer did`)
}

/** Resolves with the answer once it begins; rejects when there is none, or it is a refusal. */
async function post(
  { url, secret }: Control,
  what: string,
  body: string,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const asking = request(`${url}${CONTROL_PATH}${what}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    ...(signal && { signal }),
  })
  asking.end(body)
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  if (answer.statusCode === 200) return answer
  answer.resume()
  throw new LogError('unreadable', `the server at ${url} answers ${answer.statusCode}`)
}
