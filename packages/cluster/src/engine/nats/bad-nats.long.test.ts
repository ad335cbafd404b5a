import { randomBytes } from 'node:crypto'
import { systemSteadyClock as clock, encodePortableRecord } from '@joinery/log'
import { afterEach, describe, expect, it } from 'vitest'
import { catchUp } from '../../history/catch-up.ts'
import { takeOver } from '../../history/takeover.ts'
import { SimulatedReplica } from '../../simulation/simulated-replica.ts'
import { NatsServer, type NatsServerOptions, natsServerPath } from '../../testing/nats-servers.ts'
import type { Engine } from '../engine.ts'
import { openNatsEngine } from './nats-engine.ts'

const path = await natsServerPath()
const MIB = 1024 * 1024

describe.skipIf(path === undefined)('a NATS that is not as it should be', () => {
  const ends: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  const start = async (options?: NatsServerOptions): Promise<NatsServer> => {
    const server = await NatsServer.start(path ?? '', options)
    ends.push(() => server.stop())
    return server
  }
  const open = async (server: NatsServer, monitors: string[] = []): Promise<Engine> => {
    const engine = await openNatsEngine({ servers: [server.url], name: 'n', replicas: 1, monitors })
    ends.push(() => engine.close())
    return engine
  }
  const ownerOn = async ({ log }: Engine) => {
    const local = new SimulatedReplica('a')
    const place = { log, workspace: 'w', subject: 'w', local, assertReadable: () => undefined }
    const { publisher } = await takeOver({ ...place, clock, node: 'a', session: 's1' })
    const write = (id: string): Promise<void> => {
      const record = local.append(id)
      local.sync()
      return publisher.publish(record, local.generation ?? '')
    }
    return { local, place, publisher, write }
  }

  it('[Q59] a server that syncs its disk now and then is told from its monitoring port, and so is one without JetStream', async () => {
    const unsynced = await start({ isSynced: false })
    await expect(open(unsynced, [await unsynced.monitor()])).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('sync_interval: always'),
    })
    const plain = await start({ hasJetStream: false })
    const good = await start()
    await expect(open(good, [await plain.monitor()])).rejects.toMatchObject({ code: 'unsupported' })
    await expect(open(good, ['http://127.0.0.1:1'])).rejects.toMatchObject({ code: 'unavailable' })
    await open(good, [await good.monitor()])
  })

  it('[Q60] edits wait while NATS has no room, nothing of them is lost, and they are stored once there is room', async () => {
    const server = await start({ storeBytesMax: 6 * MIB })
    const engine = await open(server)
    const { local, place, write } = await ownerOn(engine)
    const fill = (n: number) => ({ id: `fill-${n}`, headers: {}, body: randomBytes(800 * 1024) })
    let code: unknown
    for (let n = 0, last = 0; code === undefined && n < 30; n++) {
      const appended = await engine.log.append('filler', fill(n), last).catch((error) => error)
      if (appended instanceof Error) code = (appended as { code?: unknown }).code
      else if (appended !== 'refused') last = appended.sequence
    }
    expect(code).toBe('full')
    const written = Promise.all(Array.from({ length: 5 }, (_, n) => write(`edit ${n} ${'x'.repeat(300_000)}${n}`)))
    let isWritten = false
    const told = written.then(() => {
      isWritten = true
    })
    await expect
      .poll(async () => await engine.log.append('filler-2', fill(99), 0).catch(({ code }) => code))
      .toBe('full')
    expect(isWritten).toBe(false)
    await server.kill()
    await server.startAgain({ storeBytesMax: 64 * MIB })
    await told
    const copy = new SimulatedReplica('b')
    await catchUp({ ...place, local: copy })
    expect(copy.records.map(encodePortableRecord)).toEqual(local.records.map(encodePortableRecord))
  })

  it('[Q60] edits wait while NATS is down, and the answers of that time say that nothing is known', async () => {
    const server = await start()
    const engine = await open(server)
    const { local, place, publisher, write } = await ownerOn(engine)
    await write('before')
    await server.kill()
    const written = write('meanwhile')
    await expect(engine.meta.get('k')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(engine.live.create('k', new Uint8Array(), 1_000)).rejects.toMatchObject({ code: 'unavailable' })
    expect(publisher.fenced.aborted).toBe(false)
    await server.startAgain()
    await written
    const copy = new SimulatedReplica('b')
    await catchUp({ ...place, local: copy })
    expect(copy.records.map(encodePortableRecord)).toEqual(local.records.map(encodePortableRecord))
  })
})
