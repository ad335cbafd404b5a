import { execFileSync } from 'node:child_process'
import { type Browser, chromium } from 'playwright-core'

/** Where Debian's chromium is; undefined when it is not installed. */
export function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim()
    } catch {
      // `which` exits with 1: not under this name.
    }
  }
  return undefined
}

/** Starts it without a window. A container has no sandbox to offer and no GPU. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
}
