import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startChild } from '../support/child-process.ts'
import { within } from '../support/until.ts'

const PEERS = fileURLToPath(new URL('peers.ts', import.meta.url))

async function runPeers(args: readonly string[]) {
  const child = startChild({ args: [PEERS, ...args] })
  const { code } = await within('the kills end by themselves', child.exited)
  return { code, stdout: child.stdout(), output: child.output() }
}

describe('the kills beside peers', () => {
  it('[T22] every server gets the same kills, and a table says what each had shown and lost', async () => {
    const { code, stdout, output } = await runPeers(['--kills', '1', '--quick', '--seed', '7'])
    expect(code, output).toBe(0)
    const rows = stdout.trim().split('\n').slice(2)
    expect(rows).toHaveLength(4)
    for (const row of rows) {
      const [, title, typed, seen] = row.split('|').map((cell) => cell.trim())
      expect(Number(typed), title).toBeGreaterThan(0)
      expect(Number(seen), title).toBeGreaterThan(0)
    }
    expect(rows[0]).toMatch(/^\| Joinery, `async` \|.*\| [1-9]\d* \| 0 \| 0 \|$/)
  })

  it('[T22] the command exits 2 with its usage when it is used wrongly', async () => {
    const { code, output } = await runPeers(['--only', 'nobody'])
    expect(code).toBe(2)
    expect(output).toContain('usage: node test/crash/peers.ts')
  })
})
