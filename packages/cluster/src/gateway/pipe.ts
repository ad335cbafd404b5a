import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { FrameEdge } from './frame-edge.ts'

/** Close code of a restart: clients connect again. */
const RESTART = 1012
const REASON = 'moved: another process serves this workspace now: connect again'
/** Time that a client has to answer a close, ms. */
const CLOSE_MS = 5_000

/** A client's socket whose bytes go to the owner of its workspace, and the owner's bytes to it. Neither side is read faster than the other takes. */
export class Pipe {
  readonly #socket: Duplex
  readonly #owner: Socket
  readonly #edge = new FrameEdge()
  readonly #onClosed: (pipe: Pipe) => void
  #isCut = false
  #isClosed = false

  /** `head` is what the owner is sent first. */
  constructor(socket: Duplex, owner: Socket, head: Buffer, onClosed: (pipe: Pipe) => void) {
    this.#socket = socket
    this.#owner = owner
    this.#onClosed = onClosed
    socket.on('error', () => socket.destroy())
    owner.on('error', () => owner.destroy())
    socket.on('close', () => this.#end())
    owner.on('close', () => this.cut())
    owner.on('data', (chunk: Buffer) => {
      this.#edge.take(chunk)
      if (!socket.write(chunk)) owner.pause()
    })
    socket.on('drain', () => owner.resume())
    owner.on('end', () => (this.#edge.isOver ? socket.end() : this.cut()))
    owner.write(head)
    socket.pipe(owner)
  }

  /** Bytes in both directions. */
  get bytes(): number {
    return this.#owner.bytesRead + this.#owner.bytesWritten
  }

  /** Ends the pipe. The client is told to connect again where that is possible between two frames. */
  cut(): void {
    if (this.#isCut) return
    this.#isCut = true
    const { isBetweenFrames, isOver } = this.#edge
    this.#socket.unpipe(this.#owner)
    this.#owner.destroy()
    // The client must not wait for what is in the middle of a frame, and has heard why if that was the last one.
    if (!isBetweenFrames && !isOver) return void this.#socket.destroy()
    if (isBetweenFrames) this.#socket.write(closeFrame())
    this.#socket.resume()
    this.#socket.end()
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MS)
    timer.unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }

  #end(): void {
    this.#isCut = true
    this.#owner.destroy()
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClosed(this)
  }
}

function closeFrame(): Buffer {
  const reason = Buffer.from(REASON)
  const frame = Buffer.alloc(4 + reason.length)
  frame[0] = 0x88
  frame[1] = 2 + reason.length
  frame.writeUInt16BE(RESTART, 2)
  reason.copy(frame, 4)
  return frame
}
