import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** A file system in memory, where the machine has one: for what asks how files look, and not what becomes of them on a disk. */
export function inMemory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

/** Gives a function that makes fresh directories, on a real disk unless told otherwise, all gone when the test file is done. */
export function testDirectories(parent = tmpdir()): () => Promise<string> {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(parent, 'joinery-log-'))
  })
  afterAll(() => rm(root, { recursive: true }))
  return () => mkdtemp(join(root, 'data-'))
}
