import { createHash, randomUUID } from 'node:crypto'
import type { EngineMessage, StoredMessage } from '../engine/engine.ts'
import { HistoryError } from './history-error.ts'

/**
 * Kinds of messages in a workspace's history: an owner begins (`epoch`), records (`records`), the beginning of a log whose first
 * records were dropped, with its first record (`origin`), bytes of records that are too
 * large for one message, which count with the next `records` or `origin` (`part`), and the deletion of the workspace (`tombstone`), which the next
 * epoch takes back. Every version reads these.
 */
const FIRST_KINDS = ['epoch', 'records', 'origin', 'part', 'tombstone'] as const
/**
 * Kinds that came later: the purge of a deleted workspace has begun, which nothing takes back (`purging`), and nothing before is anybody's
 * any more (`purge`). Such a kind is written only where all living nodes read it: `appendBehind` alone writes them.
 */
export const LATER_KINDS = ['purging', 'purge'] as const
const KINDS = [...FIRST_KINDS, ...LATER_KINDS] as const
export type Kind = (typeof KINDS)[number]
export type FirstKind = (typeof FIRST_KINDS)[number]
export type LaterKind = (typeof LATER_KINDS)[number]

/** True if an earlier version may not read messages of this kind. */
export function isLaterKind(kind: Kind): kind is LaterKind {
  return LATER_KINDS.some((later) => later === kind)
}

/** True if a message of this kind is the last one of a deleted workspace. */
export function isDeletion(kind: string | undefined): boolean {
  return kind === 'tombstone' || kind === 'purging'
}

/** The headers of a message, read. */
export interface Facts {
  readonly kind: Kind
  readonly epoch: number
  /** Node that wrote it, and the run of that node. */
  readonly node: string
  readonly session: string
  /** LSN of its first record and of its last; for a message without records both are the last LSN before it, the first plus 1. */
  readonly first: number
  readonly last: number
  /** Generation of the history; of a `purge`, that of the history which it ends. */
  readonly generation: string | undefined
  readonly chain: string
}

const NONE = '-'
/** End of the body of an `epoch` whose owner found that the engine had lost records. Other epochs have other bodies, which say nothing. */
const SET_BACK = ' set-back'
const LSN_RANGE = /^(\d{1,15})-(\d{1,15})$/
const CHAIN = /^[0-9a-f]{16}$/
const NUMBER = /^\d{1,15}$/

/** Makes the message that follows one with the chain value `before`. */
export function messageOf(
  workspace: string,
  before: string,
  facts: Omit<Facts, 'chain'>,
  body: Uint8Array,
): EngineMessage {
  const chain = chainAfter(before, facts, body)
  const { kind, epoch, node, session, first, last, generation = NONE } = facts
  const headers = {
    'Jy-Kind': kind,
    'Jy-Epoch': String(epoch),
    'Jy-Node': node,
    'Jy-Session': session,
    'Jy-Lsn': `${first}-${last}`,
    'Jy-Generation': generation,
    'Jy-Chain': chain,
  }
  // The chain value stands for everything before and in this message: no other message has this id.
  return { id: `${workspace}/${epoch}/${session}/${chain}`, headers, body }
}

/** The body of an epoch: none is like another. */
export function epochBody(isSetBack: boolean): Uint8Array {
  return Buffer.from(`${randomUUID()}${isSetBack ? SET_BACK : ''}`)
}

/** True if the owner who wrote this epoch found that the engine had lost records that it had acknowledged. */
export function saysSetBack(kind: Kind, body: Uint8Array): boolean {
  return kind === 'epoch' && Buffer.from(body).toString('latin1').endsWith(SET_BACK)
}

/** Reads the headers of a message. Throws `corrupted`, with the sequence. */
export function factsOf(workspace: string, { headers, sequence }: StoredMessage): Facts {
  const field = (name: string, pattern: RegExp): RegExpExecArray => {
    const match = pattern.exec(headers[name] ?? '')
    if (match !== null) return match
    throw new HistoryError('corrupted', workspace, sequence, `its header ${name} is ${JSON.stringify(headers[name])}`)
  }
  const kind = KINDS.find((known) => known === headers['Jy-Kind'])
  if (kind === undefined) {
    const message = `it is of the kind ${JSON.stringify(headers['Jy-Kind'])}, which this version does not know`
    throw new HistoryError('unknown_format', workspace, sequence, message)
  }
  const [, first = '', last = ''] = field('Jy-Lsn', LSN_RANGE)
  const generation = field('Jy-Generation', /^\S+$/)[0]
  return {
    kind,
    epoch: Number(field('Jy-Epoch', NUMBER)[0]),
    node: field('Jy-Node', /^\S+$/)[0],
    session: field('Jy-Session', /^\S+$/)[0],
    first: Number(first),
    last: Number(last),
    generation: generation === NONE ? undefined : generation,
    chain: field('Jy-Chain', CHAIN)[0],
  }
}

/** First 8 bytes of SHA-256 over the chain value before, all facts, and the body. */
export function chainAfter(before: string, facts: Omit<Facts, 'chain'>, body: Uint8Array): string {
  const { kind, epoch, node, session, first, last, generation = NONE } = facts
  const hash = createHash('sha256')
  hash.update(`${before}\n${kind}\n${epoch}\n${node}\n${session}\n${first}-${last}\n${generation}\n`)
  return hash.update(body).digest('hex').slice(0, 16)
}
