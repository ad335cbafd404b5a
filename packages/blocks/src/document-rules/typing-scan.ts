import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { ClientOwners } from './client-owners.ts'
import { isDeleteSet } from './delete-set-scan.ts'
import { isStoredSkeleton } from './stored-skeleton.ts'
import { TypedNeighbours } from './typed-neighbours.ts'
import { UPDATE_LIMITS } from './update-limits.ts'

const STRING = 4
const DELETED = 1
const ORIGINS = 0xc0
const ASCII_MAX = 0x7f
/** Greatest number of clients in an update of plain typing. An update of more gets the full inspection. */
const CLIENTS_MAX = 2
/** Greatest number of structs of one client, and of deletions, in it: more may take Yjs long, which the full inspection counts. */
const STRUCTS_MAX = 8
const DELETIONS_MAX = 8

/** Shared by all updates: reading one calls nothing that reads another. */
const beside = new TypedNeighbours()

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Returns true if an update is certainly plain typing: text inside existing text and deletions, by known writers that continue at
 * their last clock. False says nothing about the update, which then gets the full inspection.
 *
 * This runs on every keystroke of every client, so it reads the bytes once and builds no struct.
 */
export function isPlainTyping(
  doc: Y.Doc,
  update: Uint8Array,
  owners: ClientOwners | undefined,
  actor: string,
): boolean {
  const decoder = decoding.createDecoder(update)
  try {
    const clients = decoding.readVarUint(decoder)
    if (clients > CLIENTS_MAX) return false
    for (let i = 0; i < clients; i++) {
      if (!isPlainTypingOfClient(decoder, doc, owners, actor)) return false
    }
    return isDeleteSet(decoder, DELETIONS_MAX) && !decoding.hasContent(decoder)
  } catch {
    // The bytes end early, or there are too many deletions. The full inspection finds the reason.
    return false
  }
}

function isPlainTypingOfClient(
  decoder: decoding.Decoder,
  doc: Y.Doc,
  owners: ClientOwners | undefined,
  actor: string,
): boolean {
  const structs = decoding.readVarUint(decoder)
  const client = decoding.readVarUint(decoder)
  let clock = decoding.readVarUint(decoder)
  if (structs > STRUCTS_MAX) return false
  if (owners !== undefined && !owners.isOwner(client, actor)) return false
  // A writer's first struct gets the full inspection, and so does one whose earlier structs are missing.
  const state = Y.getState(doc.store, client)
  if (clock === 0 || clock > state) return false
  // Skeletons never type. A client id with an owner is a writer's.
  if (owners === undefined && isStoredSkeleton(doc, client) === true) return false
  beside.begin(client, clock === state ? state : undefined)
  for (let i = 0; i < structs; i++) {
    const info = decoding.readUint8(decoder)
    if ((info & ORIGINS) === 0) return false
    if (!beside.read(decoder, info, clock, doc.store)) return false
    const ref = info & 0x1f
    const length = ref === STRING ? stringLength(decoder) : ref === DELETED ? 1 : 0
    if (length === 0 || (length > 1 && !beside.isInText(doc.store))) return false
    if (ref === DELETED && decoding.readVarUint(decoder) !== 1) return false
    clock += length
    if (clock > UPDATE_LIMITS.clockMax) return false
  }
  return true
}

/** Length of the next string in UTF-16 code units; 0 for an empty string. Throws on bytes that are no valid UTF-8. */
function stringLength(decoder: decoding.Decoder): number {
  const bytes = decoding.readVarUint(decoder)
  const start = decoder.pos
  const end = start + bytes
  if (end > decoder.arr.length) return 0
  decoder.pos = end
  for (let at = start; at < end; at++) {
    if ((decoder.arr[at] ?? 0) > ASCII_MAX) return utf8.decode(decoder.arr.subarray(start, end)).length
  }
  return bytes
}
