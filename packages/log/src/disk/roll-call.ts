import { crc32 } from 'node:zlib'
import type { Lsn } from '../lsn.ts'
import { ByteReader } from '../records/bytes.ts'
import { KIND, lsnOfRecordKey, numberOfKey, SYNC_MARK_KEY } from '../records/key.ts'
import type { Put, Write } from '../records/write.ts'

/**
 * Block size of LevelDB's write-ahead log. One flipped bit makes LevelDB drop the rest of a block silently; a list of
 * heads in a later block outlives that.
 */
const BLOCK_BYTES = 32 * 1024
/** Slots of the ring, one byte. The ring then spans more than LevelDB keeps in its write-ahead log (4 MiB). */
const SLOTS = 256
const NO_BYTES = 6
const ENTRY_BYTES = 10
const CRC_BYTES = 4

/**
 * Writes down once per block which LSN each recently written workspace has reached. A workspace that is found with a
 * lower head has lost its end: no gap in its records would show that.
 */
export class RollCall {
  #no: number
  #bytes = 0
  /** Heads reached since the last call, and between the last two: a call has to outlive the block that it follows. */
  #current = new Map<number, Lsn>()
  #previous = new Map<number, Lsn>()

  /** `no` is the number of the next call: one more than the latest in the store. */
  constructor(no: number) {
    this.#no = no
  }

  /** Notes the heads of a batch that is about to be written, and adds a call to the batch when one is due. */
  attend(writes: Write[]): void {
    for (const write of writes) {
      this.#bytes += write.key.byteLength
      if (write.type === 'del') continue
      this.#bytes += write.value.byteLength
      if (write.key[0] === KIND.record) this.#current.set(numberOfKey(write.key), lsnOfRecordKey(write.key))
    }
    if (this.#bytes >= BLOCK_BYTES) writes.push(this.#call())
  }

  /**
   * Forgets that a workspace has reached more than `lsn`, since the records behind it are cut off. Returns the number of the next
   * call: none from that on tells of them.
   */
  cutBack(number: number, lsn: Lsn): number {
    for (const heads of [this.#current, this.#previous]) {
      const head = heads.get(number)
      if (head !== undefined && head > lsn) heads.set(number, lsn)
    }
    return this.#no
  }

  /** The last batches of a store that closes. The call stands a block behind everything that it vouches for. */
  farewell(): Put[][] {
    // A call in the same block as the last batch would be lost with it: such a call does not count.
    if (this.#current.size === 0 && this.#previous.size === 0) return []
    const padding: Put = { type: 'put', key: SYNC_MARK_KEY, value: new Uint8Array(BLOCK_BYTES) }
    return [[padding], [this.#call()]]
  }

  #call(): Put {
    const put = encodeRollCall(this.#no++, new Map([...this.#previous, ...this.#current]))
    this.#bytes = 0
    this.#previous = this.#current
    this.#current = new Map()
    return put
  }
}

function encodeRollCall(no: number, heads: ReadonlyMap<number, Lsn>): Put {
  const key = Buffer.from([KIND.rollCall, no % SLOTS])
  const value = Buffer.allocUnsafe(NO_BYTES + heads.size * ENTRY_BYTES + CRC_BYTES)
  let offset = value.writeUIntBE(no, 0, NO_BYTES)
  for (const [number, lsn] of heads) {
    offset = value.writeUInt32BE(number, offset)
    offset = value.writeUIntBE(lsn, offset, 6)
  }
  value.writeUInt32BE(crc32(value.subarray(0, offset), crc32(key)), offset)
  return { type: 'put', key, value }
}

/** Undefined if the call is damaged: it is a second witness, and the records speak for themselves. */
export function decodeRollCall(
  key: Uint8Array,
  value: Uint8Array,
): { no: number; heads: Map<number, Lsn> } | undefined {
  const end = value.byteLength - CRC_BYTES
  if (end < NO_BYTES || (end - NO_BYTES) % ENTRY_BYTES !== 0) return undefined
  if (crc32(value.subarray(0, end), crc32(key)) !== new ByteReader(value, end, end + CRC_BYTES).u32()) return undefined
  const heads = new Map<number, Lsn>()
  const reader = new ByteReader(value, 0, end)
  const no = reader.u48()
  while (reader.offset < end) heads.set(reader.u32(), reader.u48() as Lsn)
  return { no, heads }
}
