import * as Y from 'yjs'

/** Writers of a board: the visitor, and background jobs. Each has a replica of its own, as if it ran on another machine. */
export const PARTIES = ['you', 'rewriter', 'indexer', 'poller'] as const
export type Party = (typeof PARTIES)[number]

/** Time that an update needs to the other replicas, ms: that of a usual network. */
export const LAG_MS = 120

/** Replicas of one document, which exchange their updates after {@link LAG_MS}. All begin with what `fill` wrote. */
export function connectParties(fill: (doc: Y.Doc) => void): { docs: Record<Party, Y.Doc>; close: () => void } {
  const first = new Y.Doc()
  fill(first)
  const start = Y.encodeStateAsUpdate(first)
  const docs = Object.fromEntries(
    PARTIES.map((party) => {
      const doc = new Y.Doc()
      Y.applyUpdate(doc, start, 'start')
      return [party, doc]
    }),
  ) as Record<Party, Y.Doc>
  const timers = new Set<ReturnType<typeof setTimeout>>()
  for (const party of PARTIES) {
    docs[party].on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === 'network') return
      const timer = setTimeout(() => {
        timers.delete(timer)
        for (const other of PARTIES) if (other !== party) Y.applyUpdate(docs[other], update, 'network')
      }, LAG_MS)
      timers.add(timer)
    })
  }
  return {
    docs,
    close: () => {
      for (const timer of timers) clearTimeout(timer)
      for (const party of PARTIES) docs[party].destroy()
    },
  }
}
