import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { ClientOwners } from './client-owners.ts'
import { isStoredSkeleton } from './stored-skeleton.ts'
import { isBefore, structIn } from './typed-neighbours.ts'
import { UPDATE_LIMITS } from './update-limits.ts'

/** The first byte of a text behind a left neighbour, without and with a right neighbour. */
const BEHIND = 0x84
const BETWEEN = 0xc4
const ASCII_MAX = 0x7f

/**
 * The item of an update that certainly is nothing but typing: one text beside what stands in the document, by the only owner of its
 * client id, at the first clock that the document lacks. It is not integrated, and all that it builds on is there. Undefined says
 * nothing about an update.
 *
 * This runs on nearly every keystroke of every client. It reads the bytes for the inspection and for the document at once: Yjs takes
 * several times as long to read them alone.
 *
 * @param owners the owners of client ids; undefined where client ids have none
 */
export function readTypedItem(
  doc: Y.Doc,
  update: Uint8Array,
  owners: ClientOwners | undefined,
  actor: string,
): Y.Item | undefined {
  // The numbers of clients, of structs, and at the end that of deletions.
  if (update[0] !== 1 || update[1] !== 1 || update[update.length - 1] !== 0) return undefined
  const decoder = decoding.createDecoder(update)
  decoder.pos = 2
  try {
    return readItem(decoder, doc, owners, actor)
  } catch {
    // The bytes end early, or the text is none. The full inspection finds the reason.
    return undefined
  }
}

function readItem(
  decoder: decoding.Decoder,
  doc: Y.Doc,
  owners: ClientOwners | undefined,
  actor: string,
): Y.Item | undefined {
  const { store } = doc
  const client = decoding.readVarUint(decoder)
  const structs = store.clients.get(client)
  const last = structs?.[structs.length - 1]
  const clock = decoding.readVarUint(decoder)
  // A writer's first struct gets the full inspection, and so does one that is known, or whose earlier structs are missing.
  if (structs === undefined || last === undefined || clock !== last.id.clock + last.length) return undefined
  if (owners !== undefined) {
    if (!owners.isOnlyOwner(client, actor)) return undefined
    // Skeletons never type. A client id with an owner is a writer's.
  } else if (isStoredSkeleton(doc, client) === true) return undefined
  const info = decoding.readUint8(decoder)
  if (info !== BEHIND && info !== BETWEEN) return undefined
  const leftClient = decoding.readVarUint(decoder)
  const leftClock = decoding.readVarUint(decoder)
  const others = leftClient === client ? structs : store.clients.get(leftClient)
  const left = others && structIn(others, leftClock)
  if (!(left instanceof Y.Item)) return undefined
  let right: Y.ID | null = null
  if (info === BETWEEN) {
    right = Y.createID(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
    if (!isBefore(store, left, leftClock, right.client, right.clock)) return undefined
  }
  const text = readText(decoder)
  if (text === undefined || decoder.pos !== decoder.arr.length - 1) return undefined
  if (text.length > 1 && left.parentSub !== null) return undefined
  if (clock + text.length > UPDATE_LIMITS.clockMax) return undefined
  const content = new Y.ContentString(text)
  return new Y.Item(
    Y.createID(client, clock),
    null,
    Y.createID(leftClient, leftClock),
    null,
    right,
    null,
    null,
    content,
  )
}

/** Reads a text as Yjs does; undefined for an empty one. Throws on bytes that are none. */
function readText(decoder: decoding.Decoder): string | undefined {
  const { arr, pos } = decoder
  if (arr[pos] === 0) return undefined
  const letter = arr[pos + 1]
  if (arr[pos] !== 1 || letter === undefined || letter > ASCII_MAX) return decoding.readVarString(decoder)
  decoder.pos = pos + 2
  return String.fromCharCode(letter)
}
