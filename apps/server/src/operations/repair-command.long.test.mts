import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError, openLevelStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { repairStore } from './repair-store.mts'
import { makeData, startServer } from './testing/running-server.mts'
import { loadWithin } from './testing/trial-repair.mts'

describe('joinery repair', () => {
  it('[A49, A31] says that nothing is damaged, and disturbs nobody, with a server and without', async () => {
    const directory = await makeData()
    const alone = await runCommand(['repair', 'acme/plan', '--data', directory, '--yes'])
    expect(alone).toEqual({ code: 0, stdout: 'acme/plan is intact: nothing to repair\n', stderr: '' })
    const server = await startServer(directory)
    const reader = server.connect('acme/plan')
    await reader.whenSynced
    expect(await runCommand(['repair', 'acme/plan', '--data', directory, '--yes'])).toEqual(alone)
    const json = await runCommand(['repair', 'acme/plan', '--data', directory, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ repaired: false, problemCount: 0, workspace: 'acme/plan' })
    expect(reader.saveStatus.get().state).toBe('saved')
    await reader.close()
    const none = await runCommand(['repair', 'none', '--data', directory])
    expect(none).toEqual({ code: 1, stdout: '', stderr: 'joinery: there is no workspace none\n' })
    expect(await readdir(directory)).not.toContain('repaired')
    await server.stop()
  })

  it('[A49] keeps nobody out of what is not damaged', async () => {
    const directory = await makeData()
    const store = await openLevelStore({ directory, durability: 'async' })
    const alone = () => Promise.reject(new LogError('locked', 'nobody was to be kept out'))
    const repaired = repairStore(store, 'demo', {
      directory,
      isMeant: true,
      signal: undefined,
      load: loadWithin,
      alone,
    })
    expect(await repaired).toMatchObject({ problemCount: 0 })
    await store.close()
    expect(await readdir(join(directory))).not.toContain('repaired')
  })
})
