import { z } from 'zod'
import { EngineError } from '../engine-error.ts'

const ANSWER_MS = 5_000
const settings = z.object({
  disabled: z.boolean().optional(),
  config: z.object({ sync_always: z.boolean().optional() }).optional(),
})

/**
 * Asks a NATS server's monitoring port whether each message is on the disk before it is acknowledged: clients can't see
 * that. `url` is as `http://host:8222`. Rejects with `misconfigured` if it is not, with `unavailable` if nobody answers.
 */
export async function checkMonitor(url: string): Promise<void> {
  const { config, disabled } = await settingsAt(url)
  if (disabled === true) throw new EngineError('unsupported', `the NATS server at ${url} has no JetStream`)
  if (config?.sync_always === true) return
  const message = `the NATS server at ${url} syncs its disk every now and then: a power cut would lose saved edits. Set sync_interval: always in its jetstream block`
  throw new EngineError('misconfigured', message)
}

async function settingsAt(url: string): Promise<z.infer<typeof settings>> {
  try {
    const response = await fetch(new URL('/jsz?config=true', url), { signal: AbortSignal.timeout(ANSWER_MS) })
    return settings.parse(await response.json())
  } catch (cause) {
    throw new EngineError('unavailable', `no monitoring port of NATS answers at ${url}`, { cause })
  }
}
