const CLOSE_OPCODE = 8
const HEAD_END = Buffer.from('\r\n\r\n')
/** `HTTP/1.1 101` */
const STATUS_AT = 9

/**
 * Follows the bytes that a WebSocket server sends, and tells where a frame ends: only there may another process write a frame of
 * its own.
 */
export class FrameEdge {
  #state: 'head' | 'frames' | 'refused' = 'head'
  /** Bytes of the answer's head, or of a frame's head, that have come so far. */
  #part: Buffer = Buffer.alloc(0)
  /** Bytes of a frame's payload that are still to come. */
  #payload = 0
  #hasClosed = false

  /** True between two frames, before any close frame. */
  get isBetweenFrames(): boolean {
    return this.#state === 'frames' && !this.#hasClosed && this.#payload === 0 && this.#part.length === 0
  }

  /** True if nothing but the end of the connection is to come: after a close frame, and in an answer that refuses. */
  get isOver(): boolean {
    return this.#hasClosed || this.#state === 'refused'
  }

  take(chunk: Buffer): void {
    let rest = chunk
    if (this.#state === 'head') rest = this.#takeHead(chunk)
    if (this.#state === 'frames') this.#takeFrames(rest)
  }

  #takeHead(chunk: Buffer): Buffer {
    const head = Buffer.concat([this.#part, chunk])
    const end = head.indexOf(HEAD_END)
    this.#part = end < 0 ? head : Buffer.alloc(0)
    if (end < 0) return Buffer.alloc(0)
    this.#state = head.toString('latin1', STATUS_AT, STATUS_AT + 3) === '101' ? 'frames' : 'refused'
    return head.subarray(end + HEAD_END.length)
  }

  #takeFrames(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const taken = Math.min(this.#payload, chunk.length - at)
        this.#payload -= taken
        at += taken
        continue
      }
      const before = this.#part.length
      const head = before === 0 ? chunk.subarray(at, at + 10) : Buffer.concat([this.#part, chunk.subarray(at, at + 10)])
      const length = headLength(head)
      if (head.length < length) {
        this.#part = Buffer.from(head)
        return
      }
      this.#part = Buffer.alloc(0)
      this.#payload = payloadLength(head)
      if (((head[0] ?? 0) & 0x0f) === CLOSE_OPCODE) this.#hasClosed = true
      at += length - before
    }
  }
}

/** Bytes of a frame's head; frames of a server have no mask. */
function headLength(head: Buffer): number {
  if (head.length < 2) return 2
  const length = (head[1] ?? 0) & 0x7f
  return length === 126 ? 4 : length === 127 ? 10 : 2
}

function payloadLength(head: Buffer): number {
  const length = (head[1] ?? 0) & 0x7f
  if (length < 126) return length
  return length === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2))
}
