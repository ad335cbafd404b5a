import { expect, it } from 'vitest'
import { startOldNats } from '../../testing/old-nats.ts'
import { openNatsEngine } from './nats-engine.ts'

// The server is a stand-in: it says the version of an old one, and is none.
it('[Q18] a server of an old version is refused as `unsupported`, with its version and the one that is needed', async () => {
  for (const version of ['2.9.10', '2.11.99', '1.4.1']) {
    const old = await startOldNats(version)
    await expect(openNatsEngine({ servers: [old.url], name: 'n', replicas: 1 })).rejects.toMatchObject({
      code: 'unsupported',
      message: `this is NATS ${version}: the cluster needs 2.12.0 or newer`,
    })
    await old.close()
  }
})
