import { execFileSync } from 'node:child_process'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { WAIT_MS } from '../support/patience.ts'

function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim()
    } catch {
      // `which` exits with 1: not under this name.
    }
  }
  return undefined
}

/**
 * Where Debian's chromium is, for a suite that needs it: undefined on a machine without, said out loud; where all tools
 * are said to be (`JOINERY_HAS_TOOLS` set) that is an error, since a skipped browser test would pass for a run one.
 */
export function requireChromium(): string | undefined {
  const executable = findChromium()
  if (executable !== undefined) return executable
  const reason = 'no chromium on this machine (apt-get install chromium): the browser tests did NOT run'
  if (process.env.JOINERY_HAS_TOOLS) throw new Error(reason)
  console.warn(reason)
  return undefined
}

/** A container has no sandbox to offer and no GPU. */
const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu']
/** How tests start it: without a window. */
export const chromiumAt = (executablePath: string) => ({ executablePath, args: CHROMIUM_ARGS, timeout: WAIT_MS })

/** Starts a browser of the caller's own. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch(chromiumAt(executablePath))
}

/** A page in a context of its own, as `options` describe it. Each step waits for {@link WAIT_MS}, as everything in tests does. */
export async function newPage(browser: Browser, options?: BrowserContextOptions): Promise<Page> {
  const page = await browser.newPage(options)
  page.setDefaultTimeout(WAIT_MS)
  return page
}
