import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** References of structs in Yjs's V1 encoding, with the bits for a missing origin left out: see `readClientsStructRefs` of Yjs. */
const GC = 0
const ANY = 8
/** First byte of an object in lib0's encoding of values. */
const EMPTY_OBJECT = 118

function update(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  write(encoder)
  return encoding.toUint8Array(encoder)
}

const numbers = (encoder: encoding.Encoder, ...values: number[]): void => {
  for (const value of values) encoding.writeVarUint(encoder, value)
}

/** The header of one item with the value 1 under a root, without neighbours. */
function rootItem(encoder: encoding.Encoder, root: string): void {
  encoding.writeUint8(encoder, ANY)
  numbers(encoder, 1)
  encoding.writeVarString(encoder, root)
  numbers(encoder, 1)
  encoding.writeAny(encoder, 1)
}

/** One item of each of `count` clients, all at the beginning of one list. */
export const itemsAtOnePlace = (first: number, count: number): Uint8Array =>
  update((encoder) => {
    numbers(encoder, count)
    for (let client = first + count - 1; client >= first; client--) {
      numbers(encoder, 1, client, 0)
      rootItem(encoder, 'a')
    }
    numbers(encoder, 0)
  })

/** One item in each of `count` root types. */
export const rootNames = (client: number, count: number): Uint8Array =>
  update((encoder) => {
    numbers(encoder, 1, count, client, 0)
    for (let index = 0; index < count; index++) rootItem(encoder, `root ${index}`)
    numbers(encoder, 0)
  })

/** One garbage struct of each of `count` clients. */
export const manyClients = (first: number, count: number): Uint8Array =>
  update((encoder) => {
    numbers(encoder, count)
    for (let client = first; client < first + count; client++) numbers(encoder, 1, client, 0, GC, 1)
    numbers(encoder, 0)
  })

/** `count` garbage structs of one client: three bytes each, and an object each in the server. */
export const manyStructs = (client: number, clock: number, count: number): Uint8Array =>
  update((encoder) => {
    numbers(encoder, 1, count, client, clock)
    for (let index = 0; index < count; index++) numbers(encoder, GC, 1)
    numbers(encoder, 0)
  })

/** One struct of so many empty objects, two bytes each. */
export const manyValues = (client: number, count: number): Uint8Array =>
  update((encoder) => {
    numbers(encoder, 1, 1, client, 0)
    encoding.writeUint8(encoder, ANY)
    numbers(encoder, 1)
    encoding.writeVarString(encoder, 'list')
    numbers(encoder, count)
    const objects = new Uint8Array(2 * count)
    for (let index = 0; index < count; index++) objects[2 * index] = EMPTY_OBJECT
    encoding.writeUint8Array(encoder, objects)
    numbers(encoder, 0)
  })

/** A V2 update of some forty bytes that stands for a million million garbage structs: the encoding repeats by a number. */
export function endlessV2(client: number): Uint8Array {
  const encoder = new Y.UpdateEncoderV2()
  numbers(encoder.restEncoder, 1, 10 ** 12)
  encoder.writeClient(client)
  numbers(encoder.restEncoder, 0)
  encoder.writeInfo(GC)
  encoder.writeLen(1)
  numbers(encoder.restEncoder, 0)
  return encoder.toUint8Array()
}

/** Deletes every second clock of a client, `count` times. */
export const manyDeletions = (client: number, count: number): Uint8Array =>
  update((encoder) => {
    numbers(encoder, 0, 1, client, count)
    for (let index = 0; index < count; index++) numbers(encoder, 2 * index, 1)
  })

/** A state vector of `count` clients that nobody has met. */
export const stateVector = (first: number, count: number): Uint8Array =>
  update((encoder) => {
    numbers(encoder, count)
    for (let client = first; client < first + count; client++) numbers(encoder, client, 1)
  })
