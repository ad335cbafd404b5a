import { existsSync, globSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Where Debian's package `faketime` has its library for programs with threads. */
const LIBRARIES = ['/usr/lib/*/faketime/libfaketimeMT.so.1', '/usr/lib*/faketime/libfaketimeMT.so.1']
const PRELOAD = pathToFileURL(join(import.meta.dirname, 'wrong-clock-preload.ts')).href

/**
 * A time of day for child processes that is wrong, and that a test moves while they run. Their monotonic clocks stay right.
 *
 * With Debian's `faketime`, each call of the process for the time of day is answered by libfaketime. Without it, `Date.now` alone is
 * wrong, from which Joinery's server and log read the time of day.
 */
export class WrongClock {
  readonly #file: string
  /** The environment of a child with this clock. */
  readonly env: Readonly<Record<string, string>>
  /** The means by which the clock is wrong. */
  readonly means: 'libfaketime' | 'Date.now'

  private constructor(file: string) {
    this.#file = file
    const library = LIBRARIES.flatMap((glob) => globSync(glob)).find((path) => existsSync(path))
    this.means = library === undefined ? 'Date.now' : 'libfaketime'
    this.env =
      library === undefined
        ? { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${PRELOAD}`, JOINERY_TEST_CLOCK: file }
        : {
            LD_PRELOAD: library,
            FAKETIME_TIMESTAMP_FILE: file,
            FAKETIME_NO_CACHE: '1',
            DONT_FAKE_MONOTONIC: '1',
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
          }
  }

  /** A clock that is right until {@link step}, with a file of its own in `directory`. */
  static async open(directory: string): Promise<WrongClock> {
    const clock = new WrongClock(join(directory, 'time-of-day'))
    await clock.step(0)
    return clock
  }

  /** Sets the time of day so many ms ahead of the machine's, or behind it if negative. Children see it from their next look on. */
  async step(aheadMs: number): Promise<void> {
    const seconds = Math.trunc(aheadMs / 1_000)
    await writeFile(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`)
    await rename(`${this.#file}.new`, this.#file)
  }
}
