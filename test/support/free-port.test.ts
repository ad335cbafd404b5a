import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { freePort } from './free-port.ts'

const MODULE = new URL('./free-port.ts', import.meta.url).href
/** A process that sees a few ports alone: a choice among all of them would hide a port that two have got. */
const PROCESS = `
  const { freePort } = await import(${JSON.stringify(MODULE)})
  const random = Math.random
  Math.random = () => random() * 24 / 22768
  console.log(JSON.stringify(await Promise.all(Array.from({ length: 4 }, freePort))))
  process.stdin.resume()
  process.stdin.on('end', () => process.exit())`

it('[T145] ports that several runs choose at once are different, also before a server listens at them', async () => {
  const runs = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '-e', PROCESS], { stdio: 'pipe' }))
  try {
    const chosen = await Promise.all(
      runs.map(async ({ stdout, stderr }) => {
        const said = text(stderr)
        for await (const line of stdout) return JSON.parse(String(line)) as number[]
        throw new Error(await said)
      }),
    )
    const ports = [...chosen.flat(), await freePort()]
    expect(new Set(ports).size).toBe(13)
  } finally {
    for (const run of runs) run.stdin.end()
  }
})
