import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunContext, UndoContext } from '@joinery/worker'
import { z } from 'zod'

export const templateInput = z.object({
  prefix: z.string(),
  outside: z.string(),
  directory: z.string(),
  /** Number of files of the plan. */
  files: z.int().default(8),
  /** Whether the last step fails for good. */
  fails: z.boolean().default(false),
})
export type TemplateInput = z.infer<typeof templateInput>

/** The variable of a worker's environment that has the `RealOutside` of its templates as JSON. Without it, files are in a directory and charges in memory. */
export const REAL_OUTSIDE = 'TEST_REAL_OUTSIDE'

/** The things that the steps of a template do outside of the document. Each may be called again, and takes back what may have happened. */
export interface TemplateEffects {
  upload(context: RunContext<TemplateInput, string>): Promise<object>
  removeUpload(context: UndoContext<TemplateInput, string>): Promise<void>
  charge(context: RunContext<TemplateInput>): Promise<object>
  refund(context: UndoContext<TemplateInput>): Promise<void>
}

/** Files in a directory, and charges of the ledger that a test has in its own process. */
export const SIMPLE_EFFECTS: TemplateEffects = {
  async upload({ input: { directory, prefix }, item }) {
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, item), `${prefix} ${item}`)
    return { path: item }
  },
  async removeUpload({ input: { directory }, item }) {
    await rm(join(directory, item), { force: true })
  },
  async charge({ input: { outside, prefix }, http }) {
    const { body } = await http.post(`${outside}/charges`, { body: { reference: prefix, amount: 5 } })
    return { charge: body.charge }
  },
  async refund({ input: { outside }, result, runKey, http }) {
    await http.post(`${outside}/refunds`, { body: { charge: result?.charge ?? runKey } })
  },
}
