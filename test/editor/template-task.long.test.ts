import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

interface Shown {
  readonly demonstration: {
    readonly state: string
    readonly reason?: string
    readonly findings: readonly { readonly holds: boolean; readonly text: string }[]
  }
}

it('[D17] a template is used whole although its worker was killed half-way', () => plays('template_killed'))

it('[D18] a template that fails takes its blocks back, and keeps the one that somebody typed in', () =>
  plays('template_taken_back'))

/** Plays a scenario, and fails unless all its findings hold. */
async function plays(scenario: string): Promise<void> {
  await using directory = await tempDirectory()
  await using server = await startJoinery({ directory: join(directory.path, 'data'), env: { TMPDIR: directory.path } })
  const ask = async (path: string, body?: object): Promise<Shown> => {
    const init = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${server.url.replace('ws', 'http')}${path}`, init ?? {})
    return (await response.json()) as Shown
  }
  await ask('/demo/start', { workspace: 'w', scenario, pace: 0.2 })
  const look = async () => (await ask('/demo/status?workspace=w')).demonstration
  await expect.poll(async () => (await look()).state).not.toBe('running')
  const { state, reason, findings } = await look()
  expect([state, reason]).toEqual(['finished', undefined])
  expect(findings.filter(({ holds }) => !holds)).toEqual([])
  expect(findings).toHaveLength(3)
}
