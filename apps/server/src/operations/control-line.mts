import { z } from 'zod'

/** Where on the server's own port operators' questions go. */
export const CONTROL_PATH = '/_control/'

/** What went wrong: a `LogError`'s code and message. */
export const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** One line of an answer: how far it is, any number of times, and then how it ended. Empty lines keep it alive. */
export const line = z.union([
  z.object({ progress: z.tuple([z.number(), z.number()]) }),
  z.object({ result: z.unknown() }),
  failure,
])

export type Line = z.infer<typeof line>
