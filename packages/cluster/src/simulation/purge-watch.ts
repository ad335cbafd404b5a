import type { MemoryEngine } from '../engine/memory/memory-engine.ts'

/** The generations that the purges of a log have ended, from the moment on in which the engine has the purge. */
export class PurgeWatch {
  readonly generations = new Set<string>()
  /** Number of purges. */
  count = 0

  /** @param onPurge called in the turn of each purge */
  constructor(engine: MemoryEngine, subject: string, onPurge: () => void = () => undefined) {
    engine.log.onAppend((appended) => {
      if (appended !== subject) return
      const { headers } = engine.log.last(subject) ?? {}
      if (headers?.['Jy-Kind'] !== 'purge') return
      this.generations.add(headers['Jy-Generation'] ?? '')
      this.count++
      onPurge()
    })
  }
}
