import { encodeSyncStep1, encodeUpdate } from '@joinery/protocol'
import * as Y from 'yjs'
import type { Attack } from '../attack-scene.ts'

export const tokenAttacks = {
  'reader-workspaces': {
    title: '20 connections with a token that may read connect to workspaces that do not exist',
    run: async (scene) => {
      let next = 0
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          while (!scene.isOver) {
            const workspace = `${scene.workspace}-${next++}`
            const socket = await scene.enter({ workspace, claims: { sub: 'eve', access: 'read' } })
            if (socket !== undefined) await scene.send(socket, encodeSyncStep1(Uint8Array.of(0)))
            socket?.terminate()
          }
        }),
      )
      const status = await scene.call('GET', `/v1/workspaces/${scene.workspace}-0`)
      scene.tell(status === 404 ? 'none was made' : 'a workspace was made')
    },
  },
  'expired-tokens': {
    title: 'writers go on with tokens that expire while they write',
    run: async (scene) => {
      const doc = new Y.Doc()
      const sent: Uint8Array[] = []
      doc.on('update', (update: Uint8Array) => sent.push(update))
      while (!scene.isOver) {
        const socket = await scene.enter({ claims: { expiresIn: -3 }, isJoinery: true })
        if (socket === undefined) {
          await scene.pause(100)
          continue
        }
        do {
          doc.getText('text').insert(0, 'x')
          await scene.pause(5)
        } while (await scene.send(socket, encodeUpdate(sent.pop() as Uint8Array)))
      }
    },
  },
} satisfies Record<string, Attack>
