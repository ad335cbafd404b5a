import { expect, it } from 'vitest'
import { runCommand } from '../testing/command-process.mts'
import { makeCostlyData } from './testing/costly-data.mts'
import { readNote, startServer } from './testing/running-server.mts'
import { LOAD_MS_MAX, loadWithin, openLog, repairDemo } from './testing/trial-repair.mts'

it('[L122] snapshots at and behind the costly record are dropped, and those before it stay', async () => {
  const { directory, costlyLsn, head } = await makeCostlyData({ snapshots: [1, 4] })
  expect(costlyLsn).toBeLessThanOrEqual(4)
  const store = await openLog(directory)
  expect(await repairDemo(store, directory)).toMatchObject({
    kept: { firstLsn: 1, head: costlyLsn - 1, snapshots: 1 },
    droppedBehind: head - costlyLsn + 1,
  })
  const log = await store.open('demo')
  expect(log.snapshotLsn).toBe(1)
  await log.close()
})

it('[L123] a workspace whose only state takes too long to load is not_loadable, and stays as it was', async () => {
  const { directory, costlyLsn, head } = await makeCostlyData({ snapshots: [4], isCompacted: true })
  expect(costlyLsn).toBeLessThanOrEqual(4)
  const store = await openLog(directory)
  const refusal = expect.objectContaining({
    ...{ name: 'LogError', code: 'not_loadable' },
    message: expect.stringMatching(/^no state of workspace demo can be loaded.*snapshot at 4 .*400 ms of CPU/),
  })
  await expect(repairDemo(store, directory, { isMeant: false })).rejects.toEqual(refusal)
  await expect(repairDemo(store, directory)).rejects.toEqual(refusal)
  const log = await store.open('demo')
  expect([log.head, log.snapshotLsn]).toEqual([head, 4])
  await log.close()
})

it('[L122] a repair that is cut short at any load leaves the workspace as it was, and can be done again', async () => {
  const { directory, costlyLsn, head } = await makeCostlyData({ snapshots: [1] })
  const store = await openLog(directory)
  for (let cutAt = 1; ; cutAt++) {
    const stop = new AbortController()
    let loads = 0
    const load = () => {
      if (++loads === cutAt) stop.abort(new Error('cut short'))
      return loadWithin()
    }
    const outcome = await repairDemo(store, directory, { signal: stop.signal, load }).catch((error: unknown) => error)
    const log = await store.open('demo')
    const found = log.head
    await log.close()
    if (!stop.signal.aborted) {
      expect(cutAt).toBeGreaterThan(5)
      expect(outcome).toMatchObject({ kept: { head: costlyLsn - 1 }, head: costlyLsn })
      expect(found).toBe(costlyLsn)
      return
    }
    expect([outcome, found]).toEqual([expect.objectContaining({ message: 'cut short' }), head])
  }
})

it('[A71] joinery repair brings a workspace back that a server does not serve, with a server and without', async () => {
  const env = { JOINERY_LIMITS: `loadMsMax=${LOAD_MS_MAX}` }
  const { directory, costlyLsn, head } = await makeCostlyData()
  const command = (...args: string[]) => runCommand([...args, '--data', directory], { env })
  const unserved = await startServer(directory, env)
  const reader = unserved.connect('demo')
  await expect.poll(async () => (await command('inspect')).stdout).toContain('with `joinery repair`')
  await reader.close()
  const looked = await command('repair', 'demo')
  expect(looked.code).toBe(1)
  expect(looked.stdout).toMatch(new RegExp(`^not_loadable: .*LSN ${costlyLsn}, with `))
  expect(looked.stdout).toMatch(new RegExp(`would keep: records 1 to ${costlyLsn - 1}, 0 snapshots, as of \\d{4}-`))
  const drops = `records ${costlyLsn} to ${head} (${head - costlyLsn + 1} records)`
  expect(looked.stdout).toContain(`would drop: what was written in ${drops}`)
  await unserved.stop()
  // Without a server it says the same.
  const alone = await command('repair', 'demo')
  expect([alone.code, alone.stdout.includes(drops)]).toEqual([1, true])

  const server = await startServer(directory, env)
  const repaired = await command('repair', 'demo', '--yes')
  expect(repaired, repaired.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`dropped: what was written in ${drops}`),
  })
  expect(await readNote(server, 'demo')).toBe('before')
  expect(await command('verify')).toMatchObject({ code: 0 })
  await server.stop()
  expect(await command('verify')).toMatchObject({ code: 0 })
  expect((await command('repair', 'demo', '--yes')).stdout).toBe('demo is intact: nothing to repair\n')
})
