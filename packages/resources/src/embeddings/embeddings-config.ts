import { z } from 'zod'
import { secretName } from '../config/secret-name.ts'
import { DIMENSIONS_MAX } from './embedding-answer.ts'

/** The configuration of an embedding service: the address before `/v1/embeddings`, and what its calls may be. */
export const embeddingsSchema = z.strictObject({
  kind: z.literal('embeddings'),
  base: z
    .string()
    .refine(isBase, 'must be an http or https address without a user, a query and a fragment')
    .refine((text) => !/\/v1(?:\/embeddings)?\/*$/.test(text), 'ends before /v1/embeddings, which is added'),
  model: z.string().min(1).max(256),
  secret: secretName.optional(),
  /** Asked for, and checked in each answer; without it, those of the first answer stand. */
  dimensions: z.int().min(1).max(DIMENSIONS_MAX).optional(),
  encoding: z.enum(['float', 'base64']).default('float'),
  itemsMax: z.int().min(1).max(2_048).default(96),
  bytesMax: z
    .int()
    .min(2_048)
    .max(4 * 1024 * 1024)
    .default(256 * 1024),
  timeoutMs: z.int().min(100).max(110_000).default(30_000),
})

export type EmbeddingsConfig = z.infer<typeof embeddingsSchema>

function isBase(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && [username, password, search, hash].every((part) => part === '')
}
