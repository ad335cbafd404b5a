import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scheduleByAuthor } from './schedule.mts'
import type { Trace, Transaction } from './trace.mts'

const traceOf = (authorCount: number, transactions: Transaction[]): Trace => ({
  startContent: '',
  endContent: '',
  authorCount,
  transactions,
})

describe('scheduleByAuthor', () => {
  it('[A14] says how much of each author’s line a transaction had seen when two wrote at once', () => {
    const [ada, bob] = scheduleByAuthor(
      traceOf(2, [
        { author: 0, parents: [], patches: [] },
        { author: 1, parents: [0], patches: [] },
        { author: 0, parents: [0], patches: [] },
        { author: 1, parents: [1], patches: [] },
        { author: 0, parents: [2, 3], patches: [] },
      ]),
    )
    expect(ada?.map(({ index, seen }) => [index, seen])).toEqual([
      [0, [0, 0]],
      [2, [1, 0]],
      [4, [2, 2]],
    ])
    expect(bob?.map(({ index, seen }) => [index, seen])).toEqual([
      [1, [1, 0]],
      [3, [1, 1]],
    ])
  })

  it('[A14] refuses a history in which an author has forgotten its own last transaction', () => {
    const forgetful = [0, 0].map((author) => ({ author, parents: [], patches: [] }))
    expect(() => scheduleByAuthor(traceOf(1, forgetful))).toThrow('txns.1: author 0 has not seen')
  })

  it('[A14] counts exactly the transactions in the causal past, whatever the history', () => {
    const histories = fc.integer({ min: 1, max: 4 }).chain((authorCount) =>
      fc
        .array(fc.record({ author: fc.nat(authorCount - 1), seen: fc.array(fc.nat(1000), { maxLength: 3 }) }), {
          maxLength: 60,
        })
        .map((drafts) => {
          const last = new Map<number, number>()
          return traceOf(
            authorCount,
            drafts.map(({ author, seen }, index) => {
              const own = last.get(author)
              last.set(author, index)
              const others = index === 0 ? [] : seen.map((draw) => draw % index)
              return { author, parents: own === undefined ? others : [own, ...others], patches: [] }
            }),
          )
        }),
    )
    fc.assert(
      fc.property(histories, (trace) => {
        for (const step of scheduleByAuthor(trace).flat()) {
          const past = new Set<number>()
          const visit = (index: number): void => {
            if (past.has(index)) return
            past.add(index)
            trace.transactions[index]?.parents.forEach(visit)
          }
          trace.transactions[step.index]?.parents.forEach(visit)
          const counts = new Array<number>(trace.authorCount).fill(0)
          for (const index of past) {
            const author = trace.transactions[index]?.author ?? -1
            counts[author] = (counts[author] ?? 0) + 1
          }
          expect(step.seen).toEqual(counts)
        }
      }),
    )
  })
})
