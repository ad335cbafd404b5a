import { randomBytes } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** Name of the control file, which is in the data directory while a server runs on it. */
const FILE = 'CONTROL'
const DRAFT = 'CONTROL.draft'

const contents = z.object({
  /** URL of the server: `http://host:port`. */
  url: z.url({ protocol: /^http$/ }),
  secret: z.string().min(32),
})

/** Address and secret by which a command on the same machine reaches the server that has a data directory open. */
export type Control = z.infer<typeof contents>

export function makeControl(url: string): Control {
  const reachable = new URL(url)
  // Nothing can connect to an address that stands for all of the machine's addresses.
  if (reachable.hostname === '0.0.0.0') reachable.hostname = '127.0.0.1'
  if (reachable.hostname === '[::]') reachable.hostname = '[::1]'
  return { url: reachable.origin, secret: randomBytes(32).toString('base64url') }
}

/** Writes the file so that only the server's own user may read it. */
export async function writeControlFile(directory: string, control: Control): Promise<void> {
  const draft = join(directory, DRAFT)
  await rm(draft, { force: true })
  await writeFile(draft, `${JSON.stringify(control)}\n`, { mode: 0o600, flag: 'wx' })
  // The umask may have changed the mode.
  await chmod(draft, 0o600)
  await rename(draft, join(directory, FILE))
}

export async function removeControlFile(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true })
}

/** Reads the control file; undefined if it is missing or unreadable. The file of a killed server names a URL where nothing listens. */
export async function readControlFile(directory: string): Promise<Control | undefined> {
  let text: string
  try {
    text = await readFile(join(directory, FILE), 'utf8')
  } catch {
    // The file is missing or not readable for this user: then the database's lock tells whether a server runs.
    return undefined
  }
  try {
    return contents.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
