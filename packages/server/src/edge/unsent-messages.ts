import type { Duplex } from 'node:stream'
import { ENTRY_BYTES, type UnsentBytes, type UnsentHolder } from './unsent-bytes.ts'

/**
 * Bytes that are handed to the socket at once. A slow network takes so many within a heartbeat, so that a client that reads
 * slowly can be told from one that does not read.
 */
export const PIECE_BYTES = 32 * 1024

/** Pieces that are handed to the socket in one turn, while it takes them at once: others wait meanwhile. */
const PIECES_PER_TURN = 8

/**
 * The messages that wait for one connection, in order. It exists only while some wait: a message that the socket takes at once
 * never comes here. The socket itself is handed one piece at a time, so what waits can be counted and freed.
 */
export class UnsentMessages {
  readonly #socket: Duplex
  readonly #total: UnsentBytes
  readonly #holder: UnsentHolder
  readonly #onEmpty: () => void
  #queue: Uint8Array[] = []
  /** Index of the first message that the socket has not been handed completely. The messages before it are on their way. */
  #next = 0
  /** Bytes of message {@link #next} that the socket has been handed. */
  #offset = 0
  #bytes = 0
  #isWaiting = false
  #listeners: (() => void)[] = []
  /** True since a piece went out: see {@link beat}. */
  #hasMoved = false
  #movedAtMs = performance.now()
  /** Heartbeats since then. A server that was busy for long may have had no time to send. */
  #stuckBeats = 0

  /** `onEmpty` is called when everything has been sent, before the listeners of {@link onceEmpty}. */
  constructor(socket: Duplex, total: UnsentBytes, holder: UnsentHolder, onEmpty: () => void) {
    this.#socket = socket
    this.#total = total
    this.#holder = holder
    this.#onEmpty = onEmpty
  }

  /** Bytes that wait, those on their way included, with {@link ENTRY_BYTES} for each message. */
  get bytes(): number {
    return this.#bytes
  }

  /** Time at which bytes last went out, or of the first message, ms of `performance.now()`. */
  get movedAtMs(): number {
    return this.#movedAtMs
  }

  /** Notes a heartbeat. Returns whether bytes have gone out since the last one. */
  beat(): boolean {
    const hasMoved = this.#hasMoved
    this.#hasMoved = false
    this.#stuckBeats = hasMoved ? 0 : this.#stuckBeats + 1
    return hasMoved
  }

  /** Whether nothing has gone out since `sinceMs`, nor for so many heartbeats. */
  isStuck(beats: number, sinceMs: number): boolean {
    return this.#stuckBeats >= beats && this.#movedAtMs <= sinceMs
  }

  /** Adds a message that the socket has been given and has not sent yet. */
  addHanded(message: Uint8Array): void {
    this.#queue.push(message)
    this.#next++
    this.#count(message)
    this.#wait()
  }

  add(message: Uint8Array): void {
    this.#queue.push(message)
    this.#count(message)
    if (!this.#isWaiting) this.#send()
  }

  /** Adds a control frame, which goes out before everything but the message that has begun. */
  addControl(frame: Uint8Array): void {
    this.#queue.splice(this.#offset > 0 ? this.#next + 1 : this.#next, 0, frame)
    this.#count(frame)
    if (!this.#isWaiting) this.#send()
  }

  /** Calls `then` once, when everything has been sent. Never calls it if the connection ends before. */
  onceEmpty(then: () => void): void {
    this.#listeners.push(then)
  }

  /** Hands everything to the socket at once, before a close frame. It is counted until {@link free}. */
  flush(): void {
    for (; this.#next < this.#queue.length; this.#next++) {
      this.#socket.write((this.#queue[this.#next] as Uint8Array).subarray(this.#offset))
      this.#offset = 0
    }
    this.#wait()
  }

  /** Drops the messages that have not begun, before a close frame. */
  drop(): void {
    const kept = this.#offset > 0 ? this.#next + 1 : this.#next
    for (const message of this.#queue.splice(kept)) {
      this.#bytes -= message.length + ENTRY_BYTES
      this.#total.remove(message)
    }
  }

  /** Forgets everything: the connection is over. */
  free(): void {
    for (const message of this.#queue) this.#total.remove(message)
    this.#total.forget(this.#holder)
    this.#queue = []
    this.#listeners = []
    this.#bytes = 0
    this.#next = 0
  }

  #count(message: Uint8Array): void {
    this.#bytes += message.length + ENTRY_BYTES
    this.#total.add(message, this.#holder)
  }

  /** Hands pieces to the socket while it sends them at once. */
  #send(): void {
    for (let pieces = 0; this.#next < this.#queue.length; pieces++) {
      if (pieces === PIECES_PER_TURN) return this.#goOnLater()
      this.#handPiece()
      if (this.#socket.writableLength > 0) return this.#wait()
      this.#dropSent()
    }
    this.#end()
  }

  #handPiece(): void {
    this.#socket.cork()
    let room = PIECE_BYTES
    while (room > 0 && this.#next < this.#queue.length) {
      const message = this.#queue[this.#next] as Uint8Array
      const piece = message.subarray(this.#offset, this.#offset + room)
      this.#socket.write(piece)
      room -= piece.length
      this.#offset += piece.length
      if (this.#offset < message.length) break
      this.#next++
      this.#offset = 0
    }
    this.#socket.uncork()
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#socket.write('', this.#onSent)
  }

  #goOnLater(): void {
    this.#isWaiting = true
    setImmediate(this.#onSent)
  }

  readonly #onSent = (error?: Error | null): void => {
    this.#isWaiting = false
    if (error) return
    this.#hasMoved = true
    this.#movedAtMs = performance.now()
    this.#dropSent()
    this.#send()
  }

  /** Forgets the messages that the socket has sent. */
  #dropSent(): void {
    for (let index = 0; index < this.#next; index++) {
      const message = this.#queue[index] as Uint8Array
      this.#bytes -= message.length + ENTRY_BYTES
      this.#total.remove(message)
    }
    this.#queue.splice(0, this.#next)
    this.#next = 0
  }

  #end(): void {
    this.#total.forget(this.#holder)
    this.#onEmpty()
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }
}
