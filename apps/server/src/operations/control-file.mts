import { randomBytes } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** Stands in the data directory while a server runs on it. */
const FILE = 'CONTROL'
const DRAFT = 'CONTROL.draft'

const contents = z.object({
  /** Where the server listens: `http://host:port`. */
  url: z.url({ protocol: /^http$/ }),
  secret: z.string().min(32),
})

/** How a command on the same machine reaches the server that has a data directory open. */
export type Control = z.infer<typeof contents>

export function makeControl(url: string): Control {
  const reachable = new URL(url)
  // An address that stands for all of the machine's is none to connect to.
  if (reachable.hostname === '0.0.0.0') reachable.hostname = '127.0.0.1'
  if (reachable.hostname === '[::]') reachable.hostname = '[::1]'
  return { url: reachable.origin, secret: randomBytes(32).toString('base64url') }
}

/** Writes the file so that only the server's own user may read it. */
export async function writeControlFile(directory: string, control: Control): Promise<void> {
  const draft = join(directory, DRAFT)
  await rm(draft, { force: true })
  await writeFile(draft, `${JSON.stringify(control)}\n`, { mode: 0o600, flag: 'wx' })
  // Whatever the umask says.
  await chmod(draft, 0o600)
  await rename(draft, join(directory, FILE))
}

export async function removeControlFile(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true })
}

/** Undefined if there is none, or one that can't be made sense of; a server that was killed leaves one that leads nowhere. */
export async function readControlFile(directory: string): Promise<Control | undefined> {
  let text: string
  try {
    text = await readFile(join(directory, FILE), 'utf8')
  } catch {
    // Not there, or not ours to read: then the lock of the database says whether a server runs.
    return undefined
  }
  try {
    return contents.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
