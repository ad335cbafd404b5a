import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameEdge } from './frame-edge.ts'

const HEAD = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n')

function frameOf(length: number, opcode: number): Buffer {
  const large = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8)
  if (large.length === 2) large.writeUInt16BE(length)
  if (large.length === 8) large.writeBigUInt64BE(BigInt(length))
  const code = large.length === 0 ? length : large.length === 2 ? 126 : 127
  return Buffer.concat([Buffer.from([0x80 | opcode, code]), large, Buffer.alloc(length, 0x88)])
}

it('[Q44] the end of a frame is found in any frames, however they are cut into chunks', () => {
  const length = fc.oneof(fc.nat(3), fc.integer({ min: 120, max: 130 }), fc.integer({ min: 65_530, max: 65_540 }))
  fc.assert(
    fc.property(fc.array(length, { maxLength: 6 }), fc.array(fc.nat(140_000)), (lengths, cuts) => {
      const frames = lengths.map((each) => frameOf(each, 2))
      const bytes = Buffer.concat([HEAD, ...frames])
      const ends = new Set([HEAD.length])
      for (const frame of frames) ends.add(Math.max(...ends) + frame.length)
      const edge = new FrameEdge()
      let at = 0
      for (const cut of [...cuts.filter((each) => each < bytes.length).sort((a, b) => a - b), bytes.length]) {
        edge.take(bytes.subarray(at, cut))
        at = cut
        expect(edge.isBetweenFrames).toBe(ends.has(at))
        expect(edge.isOver).toBe(false)
      }
      edge.take(frameOf(2, 8))
      expect([edge.isBetweenFrames, edge.isOver]).toEqual([false, true])
    }),
  )
})

it('[Q44] an answer that refuses the upgrade has no frames', () => {
  const edge = new FrameEdge()
  edge.take(Buffer.from('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n{"error":{}}'))
  expect([edge.isBetweenFrames, edge.isOver]).toEqual([false, true])
})
