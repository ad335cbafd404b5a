import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as ws from 'ws'
import { encodeBinaryMessage } from './ws-frame.ts'

// ws exports this from 8.21 on, but its types do not have it yet.
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => NodeJS.WritableStream
}

function receive(bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const receiver = new Receiver({ isServer: false })
    receiver.on('message', (data: Buffer, isBinary: boolean) => (isBinary ? resolve(data) : reject(new Error('text'))))
    receiver.on('error', reject)
    receiver.write(bytes)
  })
}

it('[S5] a framed message is read back by ws when its length takes 1, 2 or 8 bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536, 70_001),
      fc.nat(255),
      async (length, fill) => {
        const payload = new Uint8Array(length).fill(fill)
        expect(Buffer.compare(await receive(encodeBinaryMessage(payload)), payload)).toBe(0)
        const [head, rest] = [payload.subarray(0, length % 7), payload.subarray(length % 7)]
        expect(encodeBinaryMessage(rest, head)).toEqual(encodeBinaryMessage(payload))
      },
    ),
    { numRuns: 50 },
  )
})
