import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Server } from '@joinery/server'

/** Changes (a connection or a room opened or closed) that make a collection worthwhile: each leaves a few kilobytes. */
const WORTH_CHANGES = 2_000
/** Time between two looks at the counters, ms. */
const LOOK_MS = 1_000
/** Changes between two looks up to which a look counts as quiet. */
const QUIET_CHANGES = 20
/** Quiet looks in a row before a collection: by then rooms have freed what they read for new connections. */
const QUIET_LOOKS = 3
/**
 * Heap size up to which a collection is forced. It stops the process for about 1 ms per MB (measured), and a larger heap
 * grows often enough to be collected anyway. One of the kind "last-resort" goes through the heap up to seven times.
 */
const HEAP_BYTES_MAX = 128 * 1024 * 1024

/**
 * Gives memory back after many connections have opened or closed. V8 collects when the heap grows and hardly ever when it
 * does not: the garbage of ten thousand handshakes would stay for as long as the server is quiet.
 */
export class MemoryRelief {
  readonly #changes: () => number
  readonly #release: () => void
  #seen: number
  #released: number
  #quietLooks = 0

  /** `changes` returns the number of changes since the start. */
  constructor(changes: () => number, release: () => void) {
    this.#changes = changes
    this.#release = release
    this.#seen = this.#released = changes()
  }

  /** Calls `release` if many changes are over. To be called about once a second. */
  look(): void {
    const changes = this.#changes()
    this.#quietLooks = changes - this.#seen <= QUIET_CHANGES ? this.#quietLooks + 1 : 0
    this.#seen = changes
    if (this.#quietLooks < QUIET_LOOKS || changes - this.#released < WORTH_CHANGES) return
    this.#released = changes
    this.#release()
  }
}

/** Starts a {@link MemoryRelief} that looks every second; `clearInterval` ends it. Does not keep the process alive. */
export function startMemoryRelief({ counters }: Server): NodeJS.Timeout {
  const changes = () =>
    counters.connectionsOpened + counters.connectionsClosed + counters.roomsOpened + counters.roomsClosed
  const relief = new MemoryRelief(changes, makeCollector())
  return setInterval(() => relief.look(), LOOK_MS).unref()
}

/** Makes a function that collects garbage and gives free pages back to the system, unless the heap is large. */
export function makeCollector(): () => void {
  const collect = collectorOf()
  return () => {
    if (getHeapStatistics().used_heap_size <= HEAP_BYTES_MAX) collect()
  }
}

let collector: (() => void) | undefined

/** Collects garbage, however long that stops the process. */
export function collectGarbage(): void {
  collector ??= collectorOf()
  collector()
}

function collectorOf(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: NodeJS.GCFunction = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return () => void collect({ type: 'major', flavor: 'regular', execution: 'sync' })
}
