import { get } from 'node:http'
import { makeToken, type TestClaims } from '../../support/tokens.ts'
import type { Attack, AttackScene } from '../attack-scene.ts'

/** Writes so many blocks, each with so many characters, that the past is costly to read. */
async function makePast(scene: AttackScene, blocks: number, characters: number): Promise<void> {
  for (let index = 0; index < blocks && !scene.isOver; index++) {
    const body = { type: 'text', content: 'x'.repeat(characters) }
    await scene.call('PUT', `/v1/workspaces/${scene.workspace}/blocks/b-${index}`, { body })
  }
}

/** Asks without a pause on so many connections. */
async function askAll(scene: AttackScene, connections: number, path: () => string): Promise<void> {
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (!scene.isOver) await scene.call('GET', path())
    }),
  )
}

/** Reads a stream at about `bytesPerSecond`, until the server ends it or the attack is over. */
async function readSlowly(scene: AttackScene, path: string, bytesPerSecond: number, claims: TestClaims): Promise<void> {
  const token = await makeToken({ sub: 'mallory', ...claims })
  await new Promise<void>((resolve) => {
    const asked = get({ host: '127.0.0.1', port: scene.port, path, headers: { authorization: `Bearer ${token}` } })
    const over = setInterval(() => scene.isOver && asked.destroy(), 100)
    asked.on('response', (response) => {
      scene.tell(`http ${response.statusCode}`)
      response.on('data', (chunk: Buffer) => {
        response.pause()
        setTimeout(() => response.resume(), (chunk.length / bytesPerSecond) * 1_000)
      })
    })
    asked.on('error', (error: NodeJS.ErrnoException) => scene.isOver || scene.tell(`http ${error.code}`))
    asked.on('close', () => {
      clearInterval(over)
      resolve()
    })
  })
}

export const requestAttacks = {
  'many-fields': {
    title: 'PUT of one block with 60,000 fields, again and again',
    run: async (scene) => {
      const fields = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`f${index}`, index]))
      for (let round = 0; !scene.isOver; round++) {
        await scene.call('PUT', `/v1/workspaces/${scene.workspace}/blocks/b-${round}`, { body: { fields } })
        await scene.pause(10)
      }
    },
  },
  'past-reads': {
    title: '30 connections read the past of a workspace of 10 MB without a pause',
    run: async (scene) => {
      await makePast(scene, 20, 500_000)
      let at = 1
      await askAll(scene, 30, () => `/v1/workspaces/${scene.workspace}/blocks?at=${1 + (at++ % 20)}`)
    },
  },
  'slow-events': {
    title: '20 consumers of the feed read 1 MB/s from the beginning of a long history, while the past is read as well',
    run: async (scene) => {
      await makePast(scene, 40, 500_000)
      const events = `/v1/workspaces/${scene.workspace}/events?after=0`
      const consumers = Array.from({ length: 20 }, async (_, index) => {
        while (!scene.isOver) {
          await readSlowly(scene, events, 1_000_000, { sub: `mallory-${index % 4}` })
          await scene.pause(50)
        }
      })
      await Promise.all([...consumers, askAll(scene, 2, () => `/v1/workspaces/${scene.workspace}/blocks?at=20`)])
    },
  },
  'unread-history': {
    title: '800 connections ask for the history of large records with its changes, and read nothing',
    run: async (scene) => {
      await makePast(scene, 20, 490_000)
      const token = await makeToken({ sub: 'mallory' })
      const path = `/v1/workspaces/${scene.workspace}/history?as=changes`
      for (let opened = 0; opened < 800 && !scene.isOver; opened++) {
        const socket = scene.tcp()
        socket.once('data', () => socket.pause())
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
        if (opened % 20 === 0) await scene.pause(20)
      }
      while (!scene.isOver) await scene.pause(1_000)
    },
  },
  'request-flood': {
    title: '50 connections ask for the list of workspaces, histories and differences without a pause',
    run: async (scene) => {
      await makePast(scene, 10, 50_000)
      const workspace = `/v1/workspaces/${scene.workspace}`
      const paths = [
        '/v1/workspaces',
        `${workspace}/history?as=changes`,
        `${workspace}/diff?from=1&to=10`,
        `${workspace}/blocks`,
      ]
      let next = 0
      await askAll(scene, 50, () => paths[next++ % paths.length] as string)
    },
  },
  'workspace-flood': {
    title: '20 connections of one writer make workspaces without a pause',
    run: async (scene) => {
      let next = 0
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          while (!scene.isOver) {
            await scene.call('PUT', `/v1/workspaces/${scene.workspace}-${next++}/blocks/b`, {
              body: { type: 'text', content: 'x' },
            })
          }
        }),
      )
    },
  },
  'run-numbers': {
    title: 'a writer counts run numbers up in the greatest steps, and then starts a run',
    run: async (scene) => {
      const block = `/v1/workspaces/${scene.workspace}/blocks/b`
      await scene.call('PUT', block, { body: { type: 'text', content: 'x' } })
      for (let round = 1; !scene.isOver; round++) {
        await scene.call('POST', `${block}/indexing/main/runs`, { body: { runId: `r${round}` } })
        await scene.call('PATCH', block, { body: { fields: { n: round } } })
      }
    },
  },
} satisfies Record<string, Attack>
