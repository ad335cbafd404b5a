import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { type BlocksRefusal, refuse } from './refusal.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import { type ReadUpdate, structAt } from './update-reader.ts'

/**
 * Counts how many entries of its lists of structs Yjs has to move for an update. Yjs keeps the structs of each client in one list. To cut a
 * struct in two, it moves all that stand behind it, and it moves them again where it joins both parts after the transaction.
 */
class SplitCost {
  readonly #doc: Y.Doc
  readonly #update: ReadUpdate
  readonly #movesMax: number
  /** Cuts so far, by client: each makes the list longer. */
  readonly #cuts = new Map<number, number>()
  #moves = 0

  constructor(doc: Y.Doc, update: ReadUpdate, movesMax: number) {
    this.#doc = doc
    this.#update = update
    this.#movesMax = movesMax
  }

  get isExceeded(): boolean {
    return this.#moves > this.#movesMax
  }

  /** Counts the cut before a clock. Where a struct begins, or has not arrived, there is none. */
  cutAt(client: number, clock: number, isDeletion: boolean): void {
    const behind = this.#behind(client, clock, isDeletion)
    if (behind === 0) return
    const cuts = this.#cuts.get(client) ?? 0
    this.#cuts.set(client, cuts + 1)
    this.#moves += behind + cuts
  }

  #behind(client: number, clock: number, isDeletion: boolean): number {
    const { store } = this.#doc
    const brought = this.#update.structs.get(client)
    if (clock >= Y.getState(store, client)) {
      const struct = structAt(brought ?? [], clock)
      return struct?.kind !== 'item' || struct.clock === clock ? 0 : (brought?.length ?? 0)
    }
    const structs = store.clients.get(client) ?? []
    const index = Y.findIndexSS(structs, clock)
    const struct = structs[index]
    if (struct === undefined || struct instanceof Y.GC || struct.id.clock === clock) return 0
    // Yjs leaves what is deleted as it is.
    if (isDeletion && struct.deleted) return 0
    return structs.length - index + (brought?.length ?? 0)
  }
}

/** The refusal, by estimate, of an update that has Yjs move more than `movesMax` structs; undefined for any other. */
export function checkSplits(
  doc: Y.Doc,
  bytes: Uint8Array,
  update: ReadUpdate,
  movesMax: number = UPDATE_LIMITS.movesMax,
): BlocksRefusal | undefined {
  const cost = new SplitCost(doc, update, movesMax)
  for (const structs of update.structs.values()) {
    for (const struct of structs) {
      if (struct.kind !== 'item') continue
      const { origin, rightOrigin } = struct
      if (origin !== undefined) cost.cutAt(origin.client, origin.clock + 1, false)
      if (rightOrigin !== undefined) cost.cutAt(rightOrigin.client, rightOrigin.clock, false)
    }
    if (cost.isExceeded) return tooManyMoves(movesMax)
  }
  const decoder = decoding.createDecoder(bytes)
  decoder.pos = update.deletionsAt
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const client = decoding.readVarUint(decoder)
    for (let left = decoding.readVarUint(decoder); left > 0 && !cost.isExceeded; left--) {
      const clock = decoding.readVarUint(decoder)
      const length = decoding.readVarUint(decoder)
      cost.cutAt(client, clock, true)
      cost.cutAt(client, clock + length, true)
    }
    if (cost.isExceeded) return tooManyMoves(movesMax)
  }
  return undefined
}

function tooManyMoves(movesMax: number): BlocksRefusal {
  const reason = `The update cuts the contents of clients with many structs in so many places that Yjs has to move more than ${movesMax} of them: send the edits in smaller updates`
  return { ...refuse('too_costly', reason), isEstimate: true }
}
