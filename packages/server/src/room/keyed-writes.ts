import { buildsOnItself } from '../content/apply-update.ts'
import type { Refusal } from '../content/document-rules.ts'
import { EMPTY_UPDATE } from '../content/empty-update.ts'
import { relaying } from '../content/relayed-record.ts'
import type { Member } from './member.ts'
import { authorOf, type Held, type RecordWriter, type Write } from './record-writer.ts'
import type { KeyedUpdate, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'

/**
 * Makes writes under an idempotency key. Each is a record of its own, and nobody sees it before it is durable. If
 * others saw a write that a crash then loses, they would send it again without its key, and a repeat would be made
 * twice.
 */
export class KeyedWrites {
  readonly #records: RecordWriter
  #held: Held | undefined
  /** Members that sent the held writes. */
  readonly #senders = new Set<Member>()

  constructor(records: RecordWriter) {
    this.#records = records
  }

  /** The keyed writes that the document has, but that nobody may see yet; undefined when there are none. */
  get held(): Held | undefined {
    return this.#held
  }

  /** Makes an edit of a program inside the server. Throws the error of `run`: the document is then spoilt. */
  edit<T>(
    { writer, principal, via, idempotencyKey, sync, run, beside }: RoomEdit<T>,
    place: WritePlace,
  ): RoomEdited<T> {
    const { value, applied } = place.document.edit(writer.actor, run)
    const author = { ...authorOf(writer, via), ...(idempotencyKey !== undefined && { idempotencyKey }) }
    return { value, ...this.write({ applied, author, principal, sync, beside }, place) }
  }

  /** Makes an update of a member, which lacks nothing. Returns the refusal of a refused update, of which nothing is done. */
  update(
    { member, key, update, isTried }: KeyedUpdate,
    place: WritePlace,
  ): Pick<RoomEdited<never>, 'lsn' | 'durable'> | Refusal {
    const { identity } = member
    // Only the SDK sends keyed updates. It makes each in a document of its own, so the announced client id says nothing.
    const applied = place.document.apply([update], { ...identity, isTried })
    if (applied.refused !== undefined) return applied.refused.refusal
    if (applied.waitsFor !== undefined) throw buildsOnItself()
    const connection = applied.mayBeOthers ? relaying(member.wire.id) : member.wire.id
    const author = { ...authorOf(identity, connection), idempotencyKey: key }
    this.#senders.add(member)
    return this.write({ applied, author, principal: member.owner }, place)
  }

  /** Logs a write that the document has. It has a record even if it changes nothing. */
  write(write: Write, place: WritePlace): Omit<RoomEdited<never>, 'value'> {
    const writes = [{ ...write, applied: keptEvenIfEmpty(write.applied) }]
    this.#records.prune(place.document, writes, this.#held !== undefined)
    const updates = writes.flatMap(({ applied }) => applied.forward ?? [])
    const { appended, stored } = this.#records.logUnshown(writes, updates, place)
    const durable = stored.finally(() => {
      if (this.#held?.shown !== durable) return
      this.#held = undefined
      this.#senders.clear()
    })
    const mayPrecede = (member: Member | undefined): boolean => member === undefined || this.#senders.has(member)
    this.#held = { shown: durable, mayPrecede }
    return { record: appended?.record, lsn: appended?.record?.lsn ?? place.log.head, durable }
  }
}

/** Gives the write a record even if it changes nothing: its key stands for it for good. */
function keptEvenIfEmpty(applied: Write['applied']): Write['applied'] {
  return applied.record === undefined ? { ...applied, record: EMPTY_UPDATE } : applied
}
