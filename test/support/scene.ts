import { Bystander } from './bystander.ts'
import { type JoineryOptions, type JoineryProcess, startJoinery } from './joinery-process.ts'
import { tempDirectory } from './temp-directory.ts'

/** A server in a process of its own on a fresh directory, with bystanders at work on it. */
export interface Scene extends AsyncDisposable {
  readonly directory: string
  readonly joinery: JoineryProcess
  readonly bystander: Bystander
  readonly url: string
}

/** Starts the server and the bystanders. `token` is the bystanders' token for a server with keys. */
export async function setScene(options: Omit<JoineryOptions, 'directory'> & { token?: string } = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await tempDirectory()).path
  const joinery = stack.use(await startJoinery({ ...options, directory }))
  const { token } = options
  const bystander = stack.use(await Bystander.open({ url: joinery.url, ...(token !== undefined && { token }) }))
  const owned = stack.move()
  return {
    directory,
    joinery,
    bystander,
    url: joinery.url,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
