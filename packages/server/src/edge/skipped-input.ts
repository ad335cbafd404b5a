import type { Socket } from 'node:net'

/** Node's parser, as far as it is known. It is used again by another connection after the end of its own. */
interface Parser {
  readonly constructor: { readonly [name in (typeof SKIPPED)[number] | 'kOnHeadersComplete' | 'kOnExecute']?: number }
  [event: number]: unknown
}

/** Calls of the parser, each with what it has read of a request. */
const SKIPPED = ['kOnMessageBegin', 'kOnHeaders', 'kOnBody', 'kOnMessageComplete'] as const
/** The answer that what follows the headers is no HTTP: the parser reads no further. */
const IS_UPGRADE = 2

/**
 * Has the parser of a connection that is to end skip what is left of a packet, and stops reading. Node makes objects of all that a packet
 * holds, which are thousands of parts or hundreds of requests and take some ms, also once nobody wants them.
 */
export function skipRest(socket: Socket): void {
  const { parser } = socket as { parser?: Parser | null }
  if (!parser) return
  const events = parser.constructor
  const before: [event: number, call: unknown][] = []
  const replace = (event: number | undefined, call: unknown): void => {
    if (event === undefined) return
    before.push([event, parser[event]])
    parser[event] = call
  }
  for (const name of SKIPPED) replace(events[name], undefined)
  // Reading on is work, too: 0.4 ms for a packet of hundreds of requests, and a thousand packets are read in one turn.
  replace(events.kOnHeadersComplete, () => IS_UPGRADE)
  // Called after each packet. Answers that are under way have the connection read again.
  replace(events.kOnExecute, (read: unknown) => void (read instanceof Error ? socket.destroy() : socket.pause()))
  socket.once('close', () => {
    for (const [event, call] of before) parser[event] = call
  })
}
