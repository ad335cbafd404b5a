import type { Random } from '../support/seeded-random.ts'
import type { Answer, Fate } from './store-proxy.ts'

/** One message in ten meets a fault. */
const SHARE = 0.1
/** The share of the others that are held. */
const HELD_SHARE = 0.02
/** Characters that a document loses at its end. */
const LOST = 12

const SLOW: Answer = {
  status: 503,
  headers: { 'content-type': 'application/xml' },
  body: '<Error><Code>SlowDown</Code></Error>',
}

const FAULTS: readonly Fate[] = [
  { cut: 'before' },
  { cut: 'after' },
  { cut: 'within' },
  { isDoubled: true },
  { isDoubled: true, cut: 'after' },
  { answer: SLOW },
  {
    change: ({ body, headers }) =>
      headers['content-type']?.includes('xml') ? { body: body.toString().slice(0, -LOST) } : {},
  },
]

/** Draws the fate of each message. With `heldMsMax` some others are held, up to that time. */
export function drawFates(random: Random, heldMsMax = 0): () => Fate | undefined {
  return () => {
    if (random() < SHARE) return FAULTS[Math.floor(random() * FAULTS.length)]
    return heldMsMax > 0 && random() < HELD_SHARE ? { heldMs: random() * heldMsMax } : undefined
  }
}
