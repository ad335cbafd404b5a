import { z } from 'zod'
import { secretName } from '../config/secret-name.ts'

/** The section `hooks` of a configuration: endpoints at `POST /v1/hooks/<name>`. */
export const hooksSchema = z
  .record(
    z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be a name of an endpoint: 1 to 64 of a-z, 0-9, _ and -'),
    z.strictObject({
      scheme: z.enum(['stripe', 'standard', 'github']),
      /** All that are current: while a secret rotates there are two. */
      secrets: z.array(secretName).min(1).max(4),
      /** The machine whose adapter knows the events. */
      machine: z.string(),
    }),
  )
  .default({})

export type HookEndpoints = z.infer<typeof hooksSchema>
