import * as encoding from 'lib0/encoding'
import { STRUCT_REFS, type StructId } from '../document-rules/update-reader.ts'

/** Content of a struct as a forger writes it, of any kind that Yjs reads. */
export type WrittenContent =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'deleted'; readonly length: number }
  | { readonly kind: 'any'; readonly values: readonly (string | number | null | { readonly a: number })[] }
  | { readonly kind: 'json'; readonly values: readonly number[] }
  | { readonly kind: 'type'; readonly typeRef: number }
  | { readonly kind: 'format'; readonly key: string; readonly value: boolean | null }
  | { readonly kind: 'embed' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'doc'; readonly guid: string }

export type WrittenStruct =
  | { readonly kind: 'gc' | 'skip'; readonly length: number }
  | {
      readonly kind: 'item'
      readonly origin?: StructId | undefined
      readonly rightOrigin?: StructId | undefined
      /** Written where there are no neighbours. */
      readonly parent?: string | StructId
      readonly parentSub?: string | undefined
      readonly content: WrittenContent
    }

export interface WrittenUpdate {
  readonly clients: readonly {
    readonly client: number
    readonly clock: number
    readonly structs: readonly WrittenStruct[]
  }[]
  readonly deletions?: readonly {
    readonly client: number
    readonly ranges: readonly (readonly [clock: number, length: number])[]
  }[]
}

/** Writes one Yjs V1 update as it is given, whether or not a client could make it. */
export function writeUpdate({ clients, deletions = [] }: WrittenUpdate): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, clients.length)
  for (const { client, clock, structs } of clients) {
    for (const number of [structs.length, client, clock]) encoding.writeVarUint(encoder, number)
    for (const struct of structs) writeStruct(encoder, struct)
  }
  encoding.writeVarUint(encoder, deletions.length)
  for (const { client, ranges } of deletions) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length)
    for (const range of ranges) for (const number of range) encoding.writeVarUint(encoder, number)
  }
  return encoding.toUint8Array(encoder)
}

/** Number of clocks that a struct takes. */
export function lengthOf(struct: WrittenStruct): number {
  if (struct.kind !== 'item') return struct.length
  const { content } = struct
  if (content.kind === 'string') return content.text.length
  if (content.kind === 'deleted') return content.length
  return content.kind === 'any' || content.kind === 'json' ? content.values.length : 1
}

function writeStruct(encoder: encoding.Encoder, struct: WrittenStruct): void {
  if (struct.kind !== 'item') {
    encoding.writeUint8(encoder, STRUCT_REFS[struct.kind])
    encoding.writeVarUint(encoder, struct.length)
    return
  }
  const { origin, rightOrigin, parent = 'root', parentSub, content } = struct
  const flags =
    (origin === undefined ? 0 : 0x80) | (rightOrigin === undefined ? 0 : 0x40) | (parentSub === undefined ? 0 : 0x20)
  encoding.writeUint8(encoder, flags | STRUCT_REFS[content.kind])
  if (origin !== undefined) writeId(encoder, origin)
  if (rightOrigin !== undefined) writeId(encoder, rightOrigin)
  if (origin === undefined && rightOrigin === undefined) {
    encoding.writeVarUint(encoder, typeof parent === 'string' ? 1 : 0)
    if (typeof parent === 'string') encoding.writeVarString(encoder, parent)
    else writeId(encoder, parent)
    if (parentSub !== undefined) encoding.writeVarString(encoder, parentSub)
  }
  writeContent(encoder, content)
}

function writeContent(encoder: encoding.Encoder, content: WrittenContent): void {
  switch (content.kind) {
    case 'string':
      return encoding.writeVarString(encoder, content.text)
    case 'deleted':
      return encoding.writeVarUint(encoder, content.length)
    case 'any':
      encoding.writeVarUint(encoder, content.values.length)
      for (const value of content.values) encoding.writeAny(encoder, value)
      return
    case 'json':
      encoding.writeVarUint(encoder, content.values.length)
      for (const value of content.values) encoding.writeVarString(encoder, JSON.stringify(value))
      return
    case 'type':
      encoding.writeVarUint(encoder, content.typeRef)
      if (content.typeRef === 3 || content.typeRef === 5) encoding.writeVarString(encoder, 'p')
      return
    case 'format':
      encoding.writeVarString(encoder, content.key)
      encoding.writeVarString(encoder, JSON.stringify(content.value))
      return
    case 'embed':
      return encoding.writeVarString(encoder, '{"image":1}')
    case 'binary':
      return encoding.writeVarUint8Array(encoder, Uint8Array.of(1, 2))
    case 'doc':
      encoding.writeVarString(encoder, content.guid)
      return encoding.writeAny(encoder, {})
  }
}

function writeId(encoder: encoding.Encoder, { client, clock }: StructId): void {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
}
