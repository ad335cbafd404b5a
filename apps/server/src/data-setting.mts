import { z } from 'zod'
import type { Setting } from './setting.mts'

/** The data directory: one setting for the server and for every command on its data. */
export const dataSetting: Setting<string> = {
  option: 'data',
  variable: 'JOINERY_DATA',
  rule: 'the path of a directory',
  example: './data',
  schema: z.string().min(1).default('./data'),
}
