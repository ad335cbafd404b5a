import { SERVER_LIMITS, type ServerLimits } from '@joinery/server'
import { z } from 'zod'
import type { Setting } from './setting.mts'

const NAMES = Object.keys(SERVER_LIMITS)
const isShare = (name: string): boolean => name.endsWith('Share')

/** Limits by their names, as `NAME=NUMBER` joined by commas; undefined for text that is none. */
function parseLimits(text: string): Partial<ServerLimits> | undefined {
  const limits: Record<string, number> = {}
  for (const part of text.split(',')) {
    const [, name = '', digits = ''] = /^ *([A-Za-z]+)=(\d{1,15}(?:\.\d{1,6})?) *$/.exec(part) ?? []
    const value = Number(digits)
    if (!NAMES.includes(name) || Object.hasOwn(limits, name) || !(value > 0)) return undefined
    if (isShare(name) ? value > 1 : !Number.isInteger(value)) return undefined
    limits[name] = value
  }
  return limits
}

/** Any limit of the server, by the name that it has in the table of `packages/server/SPEC.md`. */
export const limitsSetting: Setting<Partial<ServerLimits>> = {
  option: 'limits',
  variable: 'JOINERY_LIMITS',
  rule: `limits as NAME=NUMBER joined by commas, each once: ${NAMES.join(', ')} (bytes, ms and numbers are whole, shares are above 0 and at most 1)`,
  example: 'unsentBytesMax=134217728,messagesPerSecond=2000',
  schema: z
    .string()
    .default('')
    .transform((text, context) => {
      const limits = text === '' ? {} : parseLimits(text)
      if (limits !== undefined) return limits
      context.addIssue({ code: 'custom', message: 'no list of limits' })
      return z.NEVER
    }),
}
