import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { ClientOwners } from './client-owners.ts'
import { isDeleteSet } from './delete-set-scan.ts'
import { UPDATE_LIMITS } from './update-limits.ts'

const STRING = 4
const DELETED = 1
const ORIGINS = 0xc0
const ASCII_MAX = 0x7f
/** More clients than this in one update is no typing; the full look is right for it. */
const CLIENTS_MAX = 4

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * True when an update is certainly plain typing: text inside existing text and deletions, by writers the document knows
 * already, continuing right where they were. False says nothing: the update then gets the full look.
 *
 * This runs on every keystroke of everybody, so it reads the bytes once and builds no struct.
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
    return isDeleteSet(decoder) && !decoding.hasContent(decoder)
  } catch {
    // Bytes that end early: the full look says what is wrong with them.
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
  if (owners !== undefined && owners.ownerOf(client) !== actor) return false
  // A writer whose first struct this is, or whose earlier ones are missing, is looked at in full. Skeletons' writers never type.
  if (clock === 0 || clock > Y.getState(doc.store, client) || client > 0xffffffff) return false
  for (let i = 0; i < structs; i++) {
    const info = decoding.readUint8(decoder)
    if ((info & ORIGINS) === 0) return false
    if ((info & 0x80) !== 0 && !isBehind(decoder, client, clock)) return false
    if ((info & 0x40) !== 0 && !isBehind(decoder, client, clock)) return false
    const ref = info & 0x1f
    const length = ref === STRING ? stringLength(decoder) : ref === DELETED ? 1 : 0
    if (length === 0) return false
    if (ref === DELETED && decoding.readVarUint(decoder) !== 1) return false
    clock += length
    if (clock > UPDATE_LIMITS.clockMax) return false
  }
  return true
}

function isBehind(decoder: decoding.Decoder, ownClient: number, ownClock: number): boolean {
  const client = decoding.readVarUint(decoder)
  return decoding.readVarUint(decoder) < ownClock || client !== ownClient
}

/** UTF-16 code units of the string that comes, which must be valid UTF-8; 0 for an empty one. */
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
