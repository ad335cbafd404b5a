import { z } from 'zod'
import { secretName } from '../config/secret-name.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { S3Store } from './s3-store.ts'

/** The section `files` of a configuration: the bucket that holds uploaded files. Without it they are on the disk of the server. */
export const filesSchema = z.strictObject({
  kind: z.literal('s3', 'must be "s3"'),
  endpoint: z
    .string()
    .refine(isEndpoint, 'must be an http or https address without a user, a query and a fragment')
    .meta({ description: 'browsers reach the store there, too' }),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  region: z.string().regex(/^[a-z0-9-]{1,64}$/i, 'must be a region, such as "eu-central-1"'),
  /** Begins the keys of all objects, so that several servers can share a bucket. */
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9._-]{1,100}\/){1,8}$/, 'must be names that end with a slash, such as "joinery/"')
    .optional(),
  /** Whether the bucket stands in the path, and not in the name of the host. */
  pathStyle: z.boolean().default(true),
  accessKeyId: secretName,
  secretAccessKey: secretName,
})

export type FilesConfig = z.infer<typeof filesSchema>

/** The names of the secrets of a section. */
export function secretsOfFiles({ accessKeyId, secretAccessKey }: FilesConfig): string[] {
  return [accessKeyId, secretAccessKey]
}

/** The store of a section. Its keys are read at each use. `ticketMs` is the time for which its URLs are good. */
export function storeOf(config: FilesConfig, secrets: Secrets, ticketMs: number): S3Store {
  const { endpoint, bucket, region, prefix, pathStyle, accessKeyId, secretAccessKey } = config
  return new S3Store({
    ...{ endpoint, bucket, region, ticketMs },
    ...(prefix !== undefined && { prefix }),
    isPathStyle: pathStyle,
    keys: async () => ({
      accessKeyId: secrets.read(accessKeyId),
      secretAccessKey: secrets.read(secretAccessKey),
    }),
  })
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && [username, password, search, hash].every((part) => part === '')
}
