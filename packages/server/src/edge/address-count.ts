import type { Socket } from 'node:net'

/**
 * Counts the TCP connections of each address. A connection beyond the limit may stay until it has been told so, and is marked.
 */
export class AddressCount {
  readonly #max: number
  readonly #counts = new Map<string, number>()
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
    const count = (this.#counts.get(address) ?? 0) + 1
    this.#counts.set(address, count)
    socket.once('close', () => this.#remove(address))
    if (count <= this.#max) return 0
    this.#excess.add(socket)
    return count - this.#max
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

  #remove(address: string): void {
    const count = (this.#counts.get(address) ?? 0) - 1
    if (count > 0) this.#counts.set(address, count)
    else this.#counts.delete(address)
  }
}
