import { z } from 'zod'

/** Path below which the server answers operators' commands, on its own port. */
export const CONTROL_PATH = '/_control/'

/** An error: a `LogError`'s code and message. */
export const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** One line of an answer: progress, any number of times, and then a result or an error. Empty lines keep the connection alive. */
export const line = z.union([
  z.object({ progress: z.tuple([z.number(), z.number()]) }),
  z.object({ result: z.unknown() }),
  failure,
])

export type Line = z.infer<typeof line>
