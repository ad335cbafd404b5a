import type { Socket } from 'node:net'

/**
 * Counts the TCP connections of each address. A connection beyond the limit may stay until it has been told so, and is marked.
 */
export class AddressCount {
  readonly #max: number
  readonly #counts = new Map<string, number>()
  readonly #addresses = new WeakMap<Socket, string>()
  readonly #excess = new WeakSet<object>()

  constructor(connectionsPerAddressMax: number) {
    this.#max = connectionsPerAddressMax
  }

  /** Number of connections of all addresses, without those that were released. */
  count = 0

  get max(): number {
    return this.#max
  }

  /** Counts a connection until it is closed or released. Returns how many its address has beyond the limit; 0 within it. */
  add(socket: Socket): number {
    this.count++
    socket.on('close', this.#onClose)
    const address = socket.remoteAddress
    if (this.#max === Number.POSITIVE_INFINITY || address === undefined) return 0
    socket.once('close', () => this.#leave(socket))
    return this.#enter(socket, address)
  }

  /** Counts a connection under another address: that of the client that it was made for. */
  move(socket: Socket, address: string): void {
    const before = this.#addresses.get(socket)
    if (before === undefined || before === address) return
    this.#leave(socket)
    this.#enter(socket, address)
  }

  /** Leaves a connection out of {@link count}: somebody else counts it. Its address still counts it until it is closed. */
  release(socket: Socket): void {
    socket.off('close', this.#onClose)
    this.count--
  }

  readonly #onClose = (): void => {
    this.count--
  }

  isExcess(socket: object): boolean {
    return this.#excess.has(socket)
  }

  #enter(socket: Socket, address: string): number {
    const count = (this.#counts.get(address) ?? 0) + 1
    this.#counts.set(address, count)
    this.#addresses.set(socket, address)
    if (count <= this.#max) return 0
    this.#excess.add(socket)
    return count - this.#max
  }

  #leave(socket: Socket): void {
    const address = this.#addresses.get(socket)
    if (address === undefined) return
    this.#addresses.delete(socket)
    this.#excess.delete(socket)
    const count = (this.#counts.get(address) ?? 0) - 1
    if (count > 0) this.#counts.set(address, count)
    else this.#counts.delete(address)
  }
}
