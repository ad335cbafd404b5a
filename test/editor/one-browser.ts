import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import { ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { chromiumAt, requireChromium } from '../browser/chromium.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { SCAN } from './scan-machine.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the one browser of the run takes orders; undefined on a machine without. */
    browser: string | undefined
    /** The one server of the run, for sockets. */
    joinery: string
  }
}

/** Builds the editor, and starts one server and one browser for all files of the run: each test has a workspace of its own, each person a context. */
export default async function startOnce({ provide }: TestProject): Promise<() => Promise<void>> {
  await ensureEditorBuilt()
  const executablePath = requireChromium()
  const directory = await tempDirectory()
  const machines = join(directory.path, 'machines.json')
  await writeFile(machines, JSON.stringify([SCAN]))
  const [server, browser] = await Promise.all([
    // Index files are removed with the directory, too.
    startJoinery({
      directory: join(directory.path, 'data'),
      env: { TMPDIR: directory.path, JOINERY_MACHINES: machines },
    }),
    executablePath === undefined ? undefined : chromium.launchServer(chromiumAt(executablePath)),
  ])
  provide('browser', browser?.wsEndpoint())
  provide('joinery', server.url)
  return async () => {
    await browser?.close()
    await server[Symbol.asyncDispose]()
    await directory[Symbol.asyncDispose]()
  }
}
