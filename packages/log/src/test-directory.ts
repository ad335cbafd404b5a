import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** Gives a function that makes fresh directories on a real disk, all gone when the test file is done. */
export function testDirectories(): () => Promise<string> {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'joinery-log-'))
  })
  afterAll(() => rm(root, { recursive: true }))
  return () => mkdtemp(join(root, 'data-'))
}
