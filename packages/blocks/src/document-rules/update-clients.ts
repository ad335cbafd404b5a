import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { LongWork } from '../long-work.ts'
import { type BlocksRefusal, refuse } from './refusal.ts'
import { Refused, UPDATE_LIMITS } from './update-limits.ts'
import { type ReadUpdate, readingUpdate, readUpdate } from './update-reader.ts'

type Read = ReadUpdate | BlocksRefusal

/** Updates that were read in steps, until their inspection is over: see {@link preparing}. */
const prepared = new WeakMap<Uint8Array, Read>()

/** Reads one V1 update, or says why it can't be read. */
export function readOrRefusal(update: Uint8Array, bounds?: Parameters<typeof readUpdate>[1]): Read {
  const read = bounds === undefined ? prepared.get(update) : undefined
  if (read !== undefined) return read
  try {
    return readUpdate(update, bounds)
  } catch (error) {
    return refusalOf(error)
  }
}

/**
 * The steps of {@link readOrRefusal}, which then knows the update until the returned function is called. An inspection reads an update
 * three times: to read a large one takes longer than a turn.
 */
export function* preparing(update: Uint8Array, isOver: () => boolean): LongWork<() => void> {
  let read: Read
  try {
    read = yield* readingUpdate(update, UPDATE_LIMITS, isOver)
  } catch (error) {
    read = refusalOf(error)
  }
  prepared.set(update, read)
  return () => void prepared.delete(update)
}

function refusalOf(error: unknown): BlocksRefusal {
  if (error instanceof Refused) return error.refusal
  // lib0 throws plain errors on bytes that end early and on numbers out of range. Nothing else throws here.
  return refuse(
    'bad_update',
    `The update is no Yjs V1 update: ${error instanceof Error ? error.message : 'it is unreadable'}`,
  )
}

/** The client id of an update that has the structs of one client, `none` for an update without structs; undefined otherwise. */
export function soleClient(update: Uint8Array): number | 'none' | undefined {
  try {
    const decoder = decoding.createDecoder(update)
    const clients = decoding.readVarUint(decoder)
    if (clients === 0) return 'none'
    if (clients > 1) return undefined
    decoding.readVarUint(decoder)
    return decoding.readVarUint(decoder)
  } catch {
    // The bytes end early. The reader of the whole update says so.
    return undefined
  }
}

/** The client ids under which the update brings structs that the document lacks. */
export function newClients(doc: Y.Doc, update: ReadUpdate): number[] {
  const clients: number[] = []
  for (const [client, structs] of update.structs) {
    const last = structs.at(-1)
    const brings = last !== undefined && last.clock + last.length > Y.getState(doc.store, client)
    if (brings) clients.push(client)
  }
  return clients
}
