import type { Refusal } from '../content/document-rules.ts'
import { EMPTY_UPDATE } from '../content/empty-update.ts'
import type { RoomDocument } from '../content/room-document.ts'
import type { Member } from './member.ts'
import { authorOf, type Held, type RecordWriter, type Write } from './record-writer.ts'
import type { KeyedUpdate, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'

/**
 * Writes under an idempotency key: each is a record of its own, and nobody sees it before it is durable. If a crash lost it
 * after others had seen it, they would bring it again without its key, and a repeat would count twice.
 */
export class KeyedWrites {
  readonly #records: RecordWriter
  #held: Held | undefined
  /** Members that brought what is held. */
  readonly #senders = new Set<Member>()

  constructor(records: RecordWriter) {
    this.#records = records
  }

  /** The keyed writes that the document holds and nobody may see yet; undefined when there are none. */
  get held(): Held | undefined {
    return this.#held
  }

  /** Makes an edit of a program inside the server. Throws what `run` throws, which has spoilt the document. */
  edit<T>({ writer, via, idempotencyKey, sync, run }: RoomEdit<T>, place: WritePlace): RoomEdited<T> {
    const { value, applied } = place.document.edit(writer.actor, run)
    const author = { ...authorOf(writer, via), ...(idempotencyKey !== undefined && { idempotencyKey }) }
    return { value, ...this.#write({ applied: keptEvenIfEmpty(applied), author, sync }, place) }
  }

  /** Makes an update that a member brought. Returns why it may not be made, and then has done nothing. */
  update(
    { member, key, update }: KeyedUpdate,
    place: WritePlace,
    check: (document: RoomDocument) => void,
  ): Pick<RoomEdited<never>, 'lsn' | 'durable'> | Refusal {
    const { identity } = member
    const applied = place.document.apply([update], identity)
    check(place.document)
    if (applied.refused !== undefined) return applied.refused.refusal
    const author = { ...authorOf(identity, member.wire.id), idempotencyKey: key }
    this.#senders.add(member)
    return this.#write({ applied: keptEvenIfEmpty(applied), author }, place)
  }

  #write(write: Write, place: WritePlace): Omit<RoomEdited<never>, 'value'> {
    const writes = [write]
    // Until an earlier keyed write is shown, the values it beat stand on everybody's screen and are not pruned.
    if (this.#held === undefined) this.#records.prune(place.document, writes)
    const updates = writes.flatMap(({ applied }) => applied.forward ?? [])
    const [appended] = this.#records.log(writes, place)
    const stored = appended?.durable ?? this.#records.lastDurable
    this.#records.forwardAfter(stored, updates, place)
    const durable = stored.finally(() => {
      if (this.#held?.shown !== durable) return
      this.#held = undefined
      this.#senders.clear()
    })
    const mayPrecede = (member: Member | undefined): boolean => member === undefined || this.#senders.has(member)
    this.#held = { shown: durable, mayPrecede }
    return { record: appended?.record, lsn: appended?.record.lsn ?? place.log.head, durable }
  }
}

/** A key stands for its write for good, so the write has a record even if it changes nothing. */
function keptEvenIfEmpty(applied: Write['applied']): Write['applied'] {
  return applied.record === undefined ? { ...applied, record: EMPTY_UPDATE } : applied
}
