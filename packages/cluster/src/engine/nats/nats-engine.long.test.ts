import { jetstreamManager, StoreCompression } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { describe, expect, it, vi } from 'vitest'
import { describeEngine } from '../../testing/engine-contract.ts'
import { describeInterfaces } from '../../testing/interfaces-contract.ts'
import { NatsServer, natsServerPath } from '../../testing/nats-servers.ts'
import { describeNodes } from '../../testing/nodes-contract.ts'
import { clusterScene, natsScene } from '../../testing/scenes.ts'
import { openNatsEngine } from './nats-engine.ts'

const path = await natsServerPath()
if (path === undefined)
  console.warn('without nats-server on PATH or in NATS_SERVER the tests of the NATS engine do not run')

describe.skipIf(path === undefined)('NATS JetStream', () => {
  describeEngine('one server', () => natsScene(path ?? ''))
  describeNodes('one server', () => natsScene(path ?? ''))
  describeInterfaces('one NATS server', () => clusterScene(() => natsScene(path ?? '')))

  const open = (url: string, options = {}) => openNatsEngine({ servers: [url], name: 'n', replicas: 1, ...options })

  it('[Q18] a server that is not there, has no JetStream or has other streams is refused by a code that says what to do', async () => {
    await expect(open('nats://127.0.0.1:1')).rejects.toMatchObject({ code: 'unavailable' })
    const plain = await NatsServer.start(path ?? '', { hasJetStream: false })
    await expect(open(plain.url)).rejects.toMatchObject({ code: 'unsupported' })
    await plain.stop()
    const server = await NatsServer.start(path ?? '')
    await expect(open(server.url, { replicas: 3 })).rejects.toMatchObject({ code: 'misconfigured' })
    const engine = await open(server.url, { shards: 2 })
    await expect(open(server.url, { shards: 3 })).rejects.toMatchObject({ code: 'misconfigured' })
    await engine.close()
    await server.stop()
  })

  it('[Q86] a server that was gone is found again by a client whose clock was set back meanwhile', async () => {
    const server = await NatsServer.start(path ?? '')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    const engine = await open(server.url)
    await engine.meta.create('before', Uint8Array.of(1))
    vi.useRealTimers()
    await server.kill()
    await server.startAgain()
    const answered = async () => (await engine.meta.get('before').catch(() => undefined))?.value
    await expect.poll(answered).toEqual(Uint8Array.of(1))
    await engine.close()
    await server.stop()
  })

  it('[Q74] streams of an earlier version compress no more once they are opened', async () => {
    const server = await NatsServer.start(path ?? '')
    const sizes = { servers: [server.url], name: 'n', replicas: 1 }
    await (await openNatsEngine(sizes)).close()
    const connection = await connect({ servers: server.url })
    const { streams } = await jetstreamManager(connection)
    const compressionOf = async () => (await streams.info('JY_LOG_0')).config.compression
    await streams.update('JY_LOG_0', { compression: StoreCompression.S2 })
    expect(await compressionOf()).toBe(StoreCompression.S2)
    await (await openNatsEngine(sizes)).close()
    expect(await compressionOf()).toBe(StoreCompression.None)
    await connection.close()
    await server.stop()
  })
})
