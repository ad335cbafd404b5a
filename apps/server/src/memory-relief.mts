import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Server } from '@joinery/server'

/** Comings and goings after which there is something to give back: each leaves a few kilobytes. */
const WORTH_CHANGES = 2_000
/** How often it looks, ms. */
const LOOK_MS = 1_000
/** More than so many between two looks and the rush is not over. */
const QUIET_CHANGES = 20
/** Quiet looks before it acts: by then rooms have let go what they read for those who came. */
const QUIET_LOOKS = 3
/** A collection stops everything, 2 to 3 ms for each MB (measured); a larger heap grows often enough to be collected anyway. */
const HEAP_BYTES_MAX = 192 * 1024 * 1024

/**
 * Gives memory back after many have come or gone. V8 collects when the heap grows and hardly when it does not: what ten
 * thousand handshakes leave would stay for as long as nothing happens, which is just when it is not needed.
 */
export class MemoryRelief {
  readonly #changes: () => number
  readonly #release: () => void
  #seen: number
  #released: number
  #quietLooks = 0

  /** `changes` counts comings and goings since the start. */
  constructor(changes: () => number, release: () => void) {
    this.#changes = changes
    this.#release = release
    this.#seen = this.#released = changes()
  }

  /** To be called about once a second: releases once a rush is over. */
  look(): void {
    const changes = this.#changes()
    this.#quietLooks = changes - this.#seen <= QUIET_CHANGES ? this.#quietLooks + 1 : 0
    this.#seen = changes
    if (this.#quietLooks < QUIET_LOOKS || changes - this.#released < WORTH_CHANGES) return
    this.#released = changes
    this.#release()
  }
}

/** Looks every second at how many came and went; `clearInterval` ends it. Does not keep the process alive. */
export function startMemoryRelief({ counters }: Server): NodeJS.Timeout {
  const changes = () =>
    counters.connectionsOpened + counters.connectionsClosed + counters.roomsOpened + counters.roomsClosed
  const relief = new MemoryRelief(changes, makeCollector())
  return setInterval(() => relief.look(), LOOK_MS).unref()
}

/** Makes a function that collects garbage and gives free pages back to the system, unless the heap is large. */
export function makeCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: NodeJS.GCFunction = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return () => {
    if (getHeapStatistics().used_heap_size > HEAP_BYTES_MAX) return
    void collect({ type: 'major', flavor: 'last-resort', execution: 'sync' })
  }
}
