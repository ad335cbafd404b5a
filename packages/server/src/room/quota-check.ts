import type { WorkspaceLog } from '@joinery/log'
import type { RoomDocument } from '../content/room-document.ts'
import type { QuotaRefusal, Quotas } from '../quotas.ts'
import { ServerError } from '../server-error.ts'
import type { Member } from './member.ts'

/** The log and the document that an edit is made in. */
interface Place {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
}

/** The part of a room's context that quotas need. */
export interface QuotaContext {
  readonly quotas: Quotas
}

/** An edit of a program inside the server, as quotas see it. */
interface ProgramEdit {
  readonly principal?: string
  readonly idempotencyKey?: string
  /** Undefined if the edit is not known yet: its bytes are counted when it is made. */
  readonly update?: Uint8Array
}

/** Logs whose workspace is being created for somebody: it is counted once. */
const creating = new WeakSet<WorkspaceLog>()

/** Throws the refusal of an edit beyond a quota. An update that brings nothing new passes. */
export function assertWithinQuotas(edit: ProgramEdit, { log, document }: Place, quotas: Quotas): void {
  const { principal, idempotencyKey, update } = edit
  if (principal === undefined || quotas.areOff) return
  const hasKey = idempotencyKey !== undefined
  if (!hasKey && update !== undefined && document.includes(update)) return
  const makesWorkspace = log.generation === undefined
  throwRefusal(quotas.refusalOf(principal, { makesWorkspace, hasKey, bytes: update?.length ?? 0 }))
}

/** Counts a workspace that is created without an edit. Throws the refusal of one beyond the quota. */
export function countCreation(principal: string, log: WorkspaceLog, quotas: Quotas): void {
  throwRefusal(tryToCount(principal, log, quotas))
}

/** Whether a member may create its workspace, which is then counted. One that may not is refused. */
export function mayCreate(member: Member, log: WorkspaceLog, { quotas }: QuotaContext): boolean {
  const refusal = tryToCount(member.owner, log, quotas)
  if (refusal === undefined) return true
  member.refuse(new ServerError(refusal.code, refusal.reason))
  return false
}

function tryToCount(principal: string, log: WorkspaceLog, quotas: Quotas): QuotaRefusal | undefined {
  if (log.generation !== undefined || creating.has(log)) return undefined
  const need = { makesWorkspace: true, hasKey: false, bytes: 0 }
  const refusal = quotas.refusalOf(principal, need)
  if (refusal !== undefined) return refusal
  creating.add(log)
  quotas.count(principal, need)
  return undefined
}

/** The updates of a member before the first that goes beyond a quota and brings something new, and why that one is refused. */
export function withinQuotas(
  member: Member,
  updates: readonly Uint8Array[],
  { log }: Pick<Place, 'log'>,
  { quotas, isKnown }: QuotaContext & { readonly isKnown: (update: Uint8Array) => boolean },
): { readonly updates: readonly Uint8Array[]; readonly refused?: QuotaRefusal } {
  if (quotas.areOff || member.identity.access !== 'write') return { updates }
  const makesWorkspace = log.generation === undefined
  let bytes = 0
  for (const [index, update] of updates.entries()) {
    const refused = quotas.refusalOf(member.owner, { makesWorkspace, hasKey: false, bytes: bytes + update.length })
    if (refused !== undefined && !isKnown(update)) return { updates: updates.slice(0, index), refused }
    if (refused === undefined) bytes += update.length
  }
  return { updates }
}

function throwRefusal(refusal: QuotaRefusal | undefined): void {
  if (refusal !== undefined) throw new ServerError(refusal.code, refusal.reason)
}
