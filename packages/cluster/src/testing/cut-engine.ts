import type { Engine } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'

/** A connection to an engine that takes no appends while it is cut. */
export class CutEngine {
  readonly engine: Engine
  isCut = false

  constructor(link: Engine) {
    const log = {
      ...link.log,
      append: (...args: Parameters<Engine['log']['append']>) => {
        if (this.isCut) return Promise.reject(new EngineError('unavailable', 'the test has cut it off'))
        return link.log.append(...args)
      },
    }
    this.engine = { ...link, log }
  }
}
