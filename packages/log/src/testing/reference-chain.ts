import { createHash } from 'node:crypto'
import type { LogRecord } from '../event-store.ts'

/** A link that is no record, as SPEC.md ("Chain") has it. */
export type ReferenceMark = { readonly after: number; readonly generation: string } | ReferenceGround
interface ReferenceGround {
  readonly after: number
  readonly groundLsn: number
  readonly state: Uint8Array
  readonly annex: Uint8Array
}

/** The chain as SPEC.md says it, written without the code that the log has for it. */
export function referenceChain(
  records: readonly LogRecord[],
  marks: readonly ReferenceMark[],
  before: string = '0'.repeat(64),
): string {
  const link = (value: string, kind: number, ...body: Uint8Array[]): string =>
    digest(Buffer.from(value, 'hex'), Buffer.from([kind]), ...body).toString('hex')
  let value = before
  for (const record of records) {
    for (const mark of marks.filter(({ after }) => after === record.lsn - 1)) {
      value =
        'generation' in mark
          ? link(value, 0, u48(mark.after), text(mark.generation))
          : link(value, 2, u48(mark.after), u48(mark.groundLsn), digest(mark.state), digest(mark.annex))
    }
    const { actor, source, connection, idempotencyKey, touched, update } = record
    const key = idempotencyKey === undefined ? [Buffer.from([0])] : [Buffer.from([1]), text(idempotencyKey)]
    const body = [u48(record.lsn), u48(record.at), text(actor), text(source), text(connection), ...key]
    value = link(value, 1, ...body, varuint(touched.length), ...touched.map(text), varuint(update.byteLength), update)
  }
  return value
}

function digest(...parts: Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

function u48(value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(value, 0, 6)
  return bytes
}

function varuint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push(128 | (rest % 128))
  return Buffer.from([...bytes, rest])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([varuint(bytes.length), bytes])
}
