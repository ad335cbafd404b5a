import { access, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { skipForWant } from './skip-for-want.ts'

/** Where Debian has it; other systems lack it, and the test is skipped. */
const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)

/** A time of day that a test sets, for processes that are started with its environment. Their monotonic clock is the real one. */
export interface FakeTime {
  readonly env: Readonly<Record<string, string>>
  /** Sets the time of day so many seconds ahead of the real one, also of processes that run. */
  set(seconds: number): Promise<void>
}

/** Skips the test where libfaketime is not installed. `directory` is for its file. */
export async function fakeTime(context: TestContext, directory: string, name: string): Promise<FakeTime> {
  const file = join(directory, `time-of-${name}`)
  const found = await Promise.all(
    LIBRARIES.map((path) =>
      access(path).then(
        () => path,
        () => undefined,
      ),
    ),
  )
  const library = found.find((path) => path !== undefined) ?? skipForWant(context, 'libfaketime', 'it is not installed')
  const set = async (seconds: number): Promise<void> => {
    // In one step: a process reads the file at each look at its clock.
    await writeFile(`${file}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`)
    await rename(`${file}.new`, file)
  }
  await set(0)
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
  return { env, set }
}
