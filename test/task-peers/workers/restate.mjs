import * as restate from '@restatedev/restate-sdk'
import { call, EFFECTS, Refused } from './saga.mjs'

const UNDO_OF = (effect) => {
  if (effect === 'charge') return 'refund'
  return effect.startsWith('upload-') ? effect.replace('upload', 'delete') : undefined
}

const saga = restate.workflow({
  name: 'saga',
  handlers: {
    run: async (ctx) => {
      const job = ctx.key
      // Its own documentation's form for sagas: a list of functions that take back.
      const compensations = []
      try {
        for (const effect of EFFECTS) {
          const undo = UNDO_OF(effect)
          if (undo !== undefined) compensations.push(() => ctx.run(undo, () => call(job, undo)))
          await ctx.run(effect, async () => {
            try {
              await call(job, effect)
            } catch (error) {
              if (error instanceof Refused) throw new restate.TerminalError('refused')
              throw error
            }
          })
        }
        return 'done'
      } catch (error) {
        if (!(error instanceof restate.TerminalError)) throw error
        for (const compensate of compensations.reverse()) await compensate()
        return 'failed'
      }
    },
  },
})
await restate.serve({ services: [saga], port: Number(process.env.PORT) })
console.log('ready')
