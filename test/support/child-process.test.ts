import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'

const MODULE = new URL('./child-process.ts', import.meta.url).href
const PARENT = `
  import { startReadyChild } from ${JSON.stringify(MODULE)}
  const child = await startReadyChild({ args: ['-e', "setInterval(() => {}, 1000); console.log('ready')"] }, /ready/)
  console.log(child.pid)`

const isThere = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it.skipIf(!existsSync('/usr/bin/setpriv'))('a child of a test ends when the test’s process is killed', async () => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [pid] = (await once(parent.stdout, 'data')).map((line) => Number(String(line)))
  expect(isThere(pid ?? 0)).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => isThere(pid ?? 0)).toBe(false)
})
