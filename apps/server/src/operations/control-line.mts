import { z } from 'zod'

/** Where on the server's own port operators' questions go. */
export const CONTROL_PATH = '/_control/'

/** One line of an answer: how far it is, any number of times, and then how it ended. Empty lines keep it alive. */
export const line = z.union([
  z.object({ progress: z.tuple([z.number(), z.number()]) }),
  z.object({ result: z.unknown() }),
  z.object({ error: z.object({ code: z.string(), message: z.string() }) }),
])

export type Line = z.infer<typeof line>
