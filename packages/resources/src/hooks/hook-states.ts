import { type Codec, readVersioned, unreadable, versioned } from '@joinery/log'
import { z } from 'zod'
import { HookFold, savedEntry, savedId } from './hook-fold.ts'

const WHAT = 'the state of the webhook inbox'
const savedState = z.object({ entries: z.array(savedEntry), ids: z.array(savedId) })
/** Entries that are written or read between two turns of other work: a few milliseconds. */
const LINES_PER_TURN = 250
/** Lines of the text before the events, before the ids, and behind these. */
const [BEFORE_EVENTS, BEFORE_IDS, END] = ['{"entries":[', '],"ids":[', ']}']

/**
 * Writes and reads the whole state of the inbox. The JSON has each event and each id in a line of its own, so that both go in turns: an
 * inbox of thirty thousand events takes a third of a second.
 */
export const inboxStates: Codec<HookFold> = {
  encode: (fold) => versioned([...piecesOf(fold)]),
  decode: (bytes) =>
    readVersioned(bytes, WHAT, (text) => {
      const read: unknown = JSON.parse(text)
      // Before ids of services were kept, the state was the list of events.
      const { entries, ids } = savedState.parse(Array.isArray(read) ? { entries: read, ids: [] } : read)
      const fold = new HookFold()
      for (const [, event] of entries) fold.put(event)
      for (const [key, place] of ids) fold.learn(key, place)
      return fold
    }),
  async encodeInTurns(fold) {
    const pieces: string[] = []
    for (const piece of piecesOf(fold)) {
      pieces.push(piece)
      await otherWork()
    }
    return versioned(pieces)
  },
  async verifyInTurns(bytes) {
    const text = readVersioned(bytes, WHAT, (whole) => whole)
    // An earlier version wrote one line.
    if (!text.includes('\n')) return void inboxStates.decode(bytes)
    try {
      let read = 0
      for (const check of checksOf(text)) {
        check()
        if (++read % LINES_PER_TURN === 0) await otherWork()
      }
    } catch (cause) {
      throw unreadable(WHAT, cause)
    }
  },
}

function otherWork(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The text of a state as it is when the first piece is taken: events and places are replaced, and never changed. */
function* piecesOf(fold: HookFold): Generator<string> {
  const { entries, ids } = fold.saved
  yield BEFORE_EVENTS
  yield* linesOf(entries)
  yield `\n${BEFORE_IDS}`
  yield* linesOf(ids)
  yield `\n${END}`
}

function* linesOf(values: readonly unknown[]): Generator<string> {
  for (let n = 0; n < values.length; n += LINES_PER_TURN) {
    const lines = values.slice(n, n + LINES_PER_TURN).map((value) => JSON.stringify(value))
    yield `${n === 0 ? '' : ','}\n${lines.join(',\n')}`
  }
}

/** Checks of the lines of a text, one after the other. Each throws for a line that does not fit. */
function* checksOf(text: string): Generator<() => void> {
  let part: z.ZodType | undefined
  for (let start = 0, isOver = false; start <= text.length; ) {
    const next = text.indexOf('\n', start)
    const end = next < 0 ? text.length : next
    const line = text.slice(start, end)
    start = end + 1
    const marks = part === undefined ? [BEFORE_EVENTS] : part === savedEntry ? [BEFORE_IDS] : [END]
    if (isOver) throw new Error('the text goes on behind its end')
    if (marks.includes(line)) {
      isOver = line === END
      part = part === undefined ? savedEntry : savedId
    } else {
      const shape = part
      if (shape === undefined || next < 0) throw new Error('the text is cut off')
      yield () => void shape.parse(JSON.parse(line.endsWith(',') ? line.slice(0, -1) : line))
    }
  }
}
