import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'

const ORIGIN = 0x80
const RIGHT_ORIGIN = 0x40
const NONE = -1

/**
 * Reads the neighbours of one client's typed structs, and tells whether they certainly are neighbours of each other. This decides
 * nearly all of what people type without a look at more than two structs. NeighbourOrder decides the rest.
 */
export class TypedNeighbours {
  #client = NONE
  /** The client's first clock that the document lacks. */
  #state = NONE
  /** The right neighbour of the struct before. */
  #rightClient = NONE
  #rightClock = NONE
  #leftClient = NONE
  #leftClock = NONE
  #isInText = false

  /**
   * Begins with the structs of another client. One object reads all updates: a new one for each took more time than what it reads.
   *
   * @param state the client's first clock that the document lacks; undefined if the first struct is known in part: the full inspection
   * then decides
   */
  begin(client: number, state: number | undefined): void {
    this.#client = client
    this.#state = state ?? NONE
    this.#rightClient = NONE
    this.#rightClock = NONE
    this.#leftClient = NONE
    this.#leftClock = NONE
    this.#isInText = false
  }

  /** Reads the neighbours of the struct at `clock`. False: they may not be neighbours. */
  read(decoder: decoding.Decoder, info: number, clock: number, store: Y.Doc['store']): boolean {
    const hasLeft = (info & ORIGIN) !== 0
    const leftClient = hasLeft ? decoding.readVarUint(decoder) : NONE
    const leftClock = hasLeft ? decoding.readVarUint(decoder) : NONE
    if (leftClient === this.#client && leftClock >= clock) return false
    this.#leftClient = leftClient
    this.#leftClock = leftClock
    // A struct stands where its left neighbour does, of which only the struct just before is remembered.
    this.#isInText &&= leftClient === this.#client && leftClock === clock - 1
    if ((info & RIGHT_ORIGIN) === 0) {
      this.#rightClient = NONE
      return this.#state !== NONE
    }
    const rightClient = decoding.readVarUint(decoder)
    const rightClock = decoding.readVarUint(decoder)
    if (this.#state === NONE || (rightClient === this.#client && rightClock >= clock)) return false
    const goesOn =
      leftClient === this.#client &&
      leftClock >= this.#state &&
      leftClock === clock - 1 &&
      rightClient === this.#rightClient &&
      rightClock === this.#rightClock
    this.#rightClient = rightClient
    this.#rightClock = rightClock
    return goesOn || (hasLeft && areNeighbours(store, leftClient, leftClock, rightClient, rightClock))
  }

  /** Whether the struct that was read last certainly stands in a text, and not under a key of a map. */
  isInText(store: Y.Doc['store']): boolean {
    this.#isInText ||= isInList(store, this.#leftClient, this.#leftClock)
    return this.#isInText
  }
}

function isInList(store: Y.Doc['store'], client: number, clock: number): boolean {
  const item = clock === NONE ? undefined : structAt(store, client, clock)
  return item instanceof Y.Item && item.parentSub === null
}

/** The struct of the document at a clock; undefined where the document has none. Looks the client up once. */
function structAt({ clients }: Y.Doc['store'], client: number, clock: number): Y.Item | Y.GC | undefined {
  const structs = clients.get(client)
  return structs === undefined ? undefined : structIn(structs, clock)
}

/** The struct at a clock among those of one client; undefined behind the last. */
export function structIn(structs: readonly (Y.Item | Y.GC)[], clock: number): Y.Item | Y.GC | undefined {
  const last = structs[structs.length - 1]
  if (last === undefined || clock >= last.id.clock + last.length) return undefined
  // Most of what is typed stands behind what was typed last.
  return clock >= last.id.clock ? last : structs[Y.findIndexSS(structs as (Y.Item | Y.GC)[], clock)]
}

function areNeighbours(
  store: Y.Doc['store'],
  leftClient: number,
  leftClock: number,
  rightClient: number,
  rightClock: number,
): boolean {
  const left = structAt(store, leftClient, leftClock)
  return left instanceof Y.Item && isBefore(store, left, leftClock, rightClient, rightClock)
}

/**
 * Whether the later of two characters of the document was put beside the earlier one, which stands at `leftClock` in `left`. False
 * where the later one is not there.
 */
export function isBefore(
  store: Y.Doc['store'],
  left: Y.Item,
  leftClock: number,
  rightClient: number,
  rightClock: number,
): boolean {
  const leftClient = left.id.client
  const end = left.id.clock + left.length
  const isNextClock = leftClient === rightClient && leftClock === rightClock - 1
  // Most of what is typed stands within an item, or between two that stand beside each other: one search tells.
  if (isNextClock && rightClock < end) return true
  if (left.rightOrigin?.client === rightClient && left.rightOrigin.clock === rightClock) return true
  const next = left.right
  if (next !== null && next.id.client === rightClient && next.id.clock === rightClock) return end === leftClock + 1
  const right = structAt(store, rightClient, rightClock)
  if (!(right instanceof Y.Item)) return false
  if (right.id.clock < rightClock) return isNextClock
  return right.left === left && end === leftClock + 1
}
