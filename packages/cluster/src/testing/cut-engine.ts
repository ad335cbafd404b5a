import type { Engine, EngineKeys } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'

/** A connection to an engine that takes no appends while it is cut, and answers nothing about keys while it is away. */
export class CutEngine {
  readonly engine: Engine
  isCut = false
  isAway = false
  /** Appends of records wait for it; those of epochs pass. */
  recordsWaitFor: Promise<void> | undefined

  constructor(link: Engine) {
    const refuse = () => Promise.reject(new EngineError('unavailable', 'the test has cut it off'))
    const keys = (of: EngineKeys): EngineKeys => ({
      ...of,
      get: (...args) => (this.isAway ? refuse() : of.get(...args)),
      create: (...args) => (this.isAway ? refuse() : of.create(...args)),
      update: (...args) => (this.isAway ? refuse() : of.update(...args)),
      delete: (...args) => (this.isAway ? refuse() : of.delete(...args)),
    })
    const log = {
      ...link.log,
      append: async (...args: Parameters<Engine['log']['append']>) => {
        const [, { headers }] = args
        if (headers['Jy-Kind'] === 'records') await this.recordsWaitFor
        if (this.isCut || this.isAway) return refuse()
        return link.log.append(...args)
      },
    }
    this.engine = { ...link, log, meta: keys(link.meta), live: keys(link.live) }
  }
}
