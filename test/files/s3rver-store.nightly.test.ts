import S3rver from '@20minutes/s3rver'
import { tempDirectory } from '../support/temp-directory.ts'
import { openS3Scene } from './s3-scene.ts'
import { CANNOT } from './store-lacks.ts'
import type { StoreScene } from './store-scene.ts'
import { describeStore } from './store-suite.ts'

/** A small server for tests of other programs. It keeps a part of the protocol alone, and leaves one request without an answer: the test takes minutes. */
async function openS3rverScene(): Promise<StoreScene> {
  const directory = await tempDirectory()
  const server = new S3rver({
    ...{ address: '127.0.0.1', port: 0, silent: true, directory: directory.path },
    configureBuckets: [{ name: 'files' }],
  })
  const { port } = await server.run()
  const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
  return openS3Scene({ endpoint: `http://127.0.0.1:${port}`, bucket: 'files', ...keys }, async () => {
    await server.close()
    await directory[Symbol.asyncDispose]()
  })
}

describeStore({ name: 's3rver', open: openS3rverScene, cannot: CANNOT.s3rver })
