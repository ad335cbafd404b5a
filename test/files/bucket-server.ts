import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import type { Bucket } from './s3-scene.ts'

export interface BucketServerOptions {
  /** Folder of the configuration and the data. */
  readonly directory: string
  readonly bucket: Bucket
  /** `JOINERY_LIMITS`. */
  readonly limits?: string
  readonly port?: number
}

/** Starts a server whose files are in a bucket, below `joinery/`. */
export async function serveFilesIn({ directory, bucket, limits, port }: BucketServerOptions): Promise<JoineryProcess> {
  const { endpoint, bucket: name, accessKeyId, secretAccessKey } = bucket
  const names = { accessKeyId: 's3_id', secretAccessKey: 's3_key' }
  const files = { kind: 's3', endpoint, bucket: name, region: 'us-east-1', prefix: 'joinery/', ...names }
  const resources = join(directory, 'resources.json')
  await writeFile(resources, JSON.stringify({ files }))
  return startJoinery({
    directory: join(directory, 'data'),
    env: {
      JOINERY_RESOURCES: resources,
      JOINERY_SECRET_S3_ID: accessKeyId,
      JOINERY_SECRET_S3_KEY: secretAccessKey,
      ...(limits !== undefined && { JOINERY_LIMITS: limits }),
    },
    ...(port !== undefined && { port }),
  })
}
