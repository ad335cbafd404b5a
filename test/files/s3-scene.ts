import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { type S3Options, S3Store } from '@joinery/resources'
import type { StoreScene } from './store-scene.ts'

export interface Bucket {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The AWS SDK as somebody who took no part: it sees what is in the bucket. */
export function lookAt({ endpoint, accessKeyId, secretAccessKey }: Bucket): S3Client {
  const credentials = { accessKeyId, secretAccessKey }
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
}

export async function keysIn(client: S3Client, { bucket }: Bucket): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.flatMap(({ Key }) => Key ?? [])
}

export async function openUploadsIn(client: S3Client, { bucket }: Bucket): Promise<number> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  return Uploads.length
}

export function storeIn(bucket: Bucket, options: Pick<S3Options, 'ticketMs' | 'now' | 'pageParts'>): S3Store {
  const { accessKeyId, secretAccessKey } = bucket
  const keys = async () => ({ accessKeyId, secretAccessKey })
  return new S3Store({
    endpoint: bucket.endpoint,
    bucket: bucket.bucket,
    region: 'us-east-1',
    isPathStyle: true,
    keys,
    ...options,
  })
}

/** A store in a bucket that is there. */
export function openS3Scene(bucket: Bucket, close: () => Promise<void>): StoreScene {
  const client = lookAt(bucket)
  return {
    base: bucket.endpoint,
    open: (options) => storeIn(bucket, options),
    files: () => keysIn(client, bucket),
    uploads: () => openUploadsIn(client, bucket),
    async close() {
      client.destroy()
      await close()
    },
  }
}
