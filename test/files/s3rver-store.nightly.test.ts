import { fileURLToPath } from 'node:url'
import { startReadyChild } from '../support/child-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { openS3Scene } from './s3-scene.ts'
import { CANNOT } from './store-lacks.ts'
import type { StoreScene } from './store-scene.ts'
import { describeStore } from './store-suite.ts'

const PROGRAM = fileURLToPath(new URL('s3rver-program.ts', import.meta.url))
const AT = /s3rver is at (\d+)\./

/** A small server for tests of other programs. It keeps a part of the protocol alone, and leaves one request without an answer: the test takes minutes. It has a process of its own (`s3rver-program.ts`). */
async function openS3rverScene(): Promise<StoreScene> {
  const directory = await tempDirectory()
  const child = await startReadyChild({ args: [PROGRAM, directory.path] }, AT)
  const [, port] = AT.exec(child.stdout()) ?? []
  const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
  return openS3Scene({ endpoint: `http://127.0.0.1:${port}`, bucket: 'files', ...keys }, async () => {
    await child.end('SIGKILL')
    await directory[Symbol.asyncDispose]()
  })
}

describeStore({ name: 's3rver', open: openS3rverScene, cannot: CANNOT.s3rver })
