import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/**
 * A file system in memory, where the machine has one: for tests of what files contain, not of what a disk does to them.
 */
export function inMemory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

/**
 * Returns a function that makes fresh directories, by default on a real disk. All are removed when the test file is
 * done.
 */
export function testDirectories(parent = tmpdir()): () => Promise<string> {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(parent, 'joinery-log-'))
  })
  afterAll(() => rm(root, { recursive: true }))
  return () => mkdtemp(join(root, 'data-'))
}
