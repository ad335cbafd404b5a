import type { KeepHistory } from '@joinery/log'
import { z } from 'zod'
import type { Setting } from './setting.mts'

/** The amount of history that stays readable, for `compact` and for `serve`. */
export const keepHistorySetting: Setting<KeepHistory> = {
  option: 'keepHistory',
  rule: 'forever, a number of days such as 90d, or a number of records',
  example: '90d',
  schema: z
    .string()
    .regex(/^(forever|\d{1,9}d?)$/)
    .default('forever')
    .transform((text): KeepHistory => {
      if (text === 'forever') return text
      return text.endsWith('d') ? { days: Number(text.slice(0, -1)) } : { events: Number(text) }
    }),
}
