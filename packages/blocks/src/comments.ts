import type { Block } from './block.ts'
import type { FieldClaim } from './field-rules.ts'
import type { Json } from './json.ts'
import { randomBlockId } from './random-id.ts'
import type { Source } from './sources.ts'
import { badArgument, type ClaimAuthor } from './write-arguments.ts'

/** One comment. Its author is the author of its field, which the server has checked. */
export interface BlockComment {
  readonly id: string
  readonly text: string
  /** Names of the people whom the comment addresses. */
  readonly mentions: readonly string[]
  readonly source: Source
  readonly actor: string
  /** Time of writing by the writer's clock, ms since the epoch. */
  readonly at: number
}

/** A comment on a block and the answers to it. */
export interface CommentThread {
  readonly id: string
  /** By time, the oldest first. Never empty. */
  readonly comments: readonly BlockComment[]
  /** The actor who resolved the thread, and when; undefined while it is open. */
  readonly resolved: { readonly actor: string; readonly at: number } | undefined
}

/** A comment before it is written. */
export interface CommentDraft {
  readonly text: string
  readonly mentions?: readonly string[]
  /** The thread that is answered; a new one when left out. */
  readonly thread?: string
}

/** Longest text of a comment, code units, and most people whom it addresses: both fit in a field's value. */
export const COMMENT_LIMITS = { textLengthMax: 4_000, mentionsMax: 20 } as const

const PREFIX = 'comment/'
const keyOf = (thread: string, id = ''): string => `${PREFIX}${thread}${id === '' ? '' : `/${id}`}`

/** Whether a field of this name belongs to the comments of a block: one who copies a block leaves such fields out. */
export const isCommentField = (key: string): boolean => key.startsWith(PREFIX)

/** Threads by the map of their block, with the claims that they were read from. */
const known = new WeakMap<
  object,
  { readonly claims: readonly FieldClaim[]; readonly threads: readonly CommentThread[] }
>()
const NONE: readonly CommentThread[] = Object.freeze([])

/**
 * The threads on a block, by the time of their first comment. Fields of another shape, which any client may have written, are left
 * out. The same list until a comment changes. Never writes.
 */
export function commentThreads(block: Block): readonly CommentThread[] {
  const claims = block.fields.entries().filter(({ key }) => isCommentField(key))
  if (claims.length === 0) return NONE
  const last = known.get(block.map)
  if (last?.claims.length === claims.length && claims.every((claim, at) => claim === last.claims[at])) {
    return last.threads
  }
  const threads = threadsFrom(claims)
  known.set(block.map, { claims, threads })
  return threads
}

/**
 * Writes a comment on a block, or an answer in a thread. Returns the thread's id. One field for each comment, so that nobody writes
 * over another's. Throws `bad_argument` for a text beyond {@link COMMENT_LIMITS}, and `block_missing`.
 */
export function addComment(block: Block, { text, mentions = [], thread }: CommentDraft, author: ClaimAuthor): string {
  const { textLengthMax, mentionsMax } = COMMENT_LIMITS
  if (text.trim() === '' || text.length > textLengthMax) {
    throw badArgument('text', `1 to ${textLengthMax} characters`, text)
  }
  if (mentions.length > mentionsMax) throw badArgument('mentions', `at most ${mentionsMax} names`, mentions)
  const id = randomBlockId()
  const within = thread ?? id
  block.fields.set(keyOf(within, id), { text, mentions: [...mentions] }, author)
  return within
}

/** Removes one comment. Returns false if there was none. */
export function removeComment(block: Block, thread: string, id: string): boolean {
  return block.fields.remove(keyOf(thread, id))
}

/**
 * Resolves a thread with the comments that stand in it here. A comment that was written without having seen this opens it again on
 * every replica. Returns false if there is no such thread.
 */
export function resolveThread(block: Block, thread: string, author: ClaimAuthor): boolean {
  const found = commentThreads(block).find(({ id }) => id === thread)
  if (found === undefined) return false
  block.fields.set(keyOf(thread), { seen: found.comments.map(({ id }) => id.slice(-SEEN_LENGTH)) }, author)
  return true
}

/** Opens a resolved thread again. Returns false if it was not resolved. */
export function reopenThread(block: Block, thread: string): boolean {
  return block.fields.remove(keyOf(thread))
}

/** Length of the part of a comment's random id by which a resolution names it: 700 comments then fit in a value. */
const SEEN_LENGTH = 16

function threadsFrom(claims: readonly FieldClaim[]): readonly CommentThread[] {
  const comments = new Map<string, BlockComment[]>()
  const resolutions = new Map<string, FieldClaim>()
  for (const claim of claims) {
    const [thread = '', id, ...rest] = claim.key.slice(PREFIX.length).split('/')
    if (thread === '' || rest.length > 0) continue
    if (id === undefined) resolutions.set(thread, claim)
    else {
      const comment = commentFrom(id, claim)
      if (comment !== undefined) comments.set(thread, [...(comments.get(thread) ?? []), comment])
    }
  }
  const threads = [...comments].map(([id, list]) => {
    list.sort((a, b) => a.at - b.at || compare(a.id, b.id))
    return { id, comments: list, resolved: resolutionOf(resolutions.get(id), list) }
  })
  const startOf = ({ comments: [first] }: CommentThread): number => first?.at ?? 0
  return threads.sort((a, b) => startOf(a) - startOf(b) || compare(a.id, b.id))
}

function commentFrom(id: string, { value, source, actor, at }: FieldClaim): BlockComment | undefined {
  const { text, mentions } = objectOf(value)
  if (id === '' || typeof text !== 'string' || text.trim() === '') return undefined
  const names = Array.isArray(mentions) ? mentions.filter((name) => typeof name === 'string') : []
  return { id, text, mentions: names, source, actor, at }
}

/** A resolution counts only while it names every comment of its thread. */
function resolutionOf(
  claim: FieldClaim | undefined,
  comments: readonly BlockComment[],
): { readonly actor: string; readonly at: number } | undefined {
  if (claim === undefined) return undefined
  const { seen } = objectOf(claim.value)
  if (!Array.isArray(seen)) return undefined
  const names = new Set<Json>(seen)
  const isSeen = comments.every(({ id }) => names.has(id.slice(-SEEN_LENGTH)))
  return isSeen ? { actor: claim.actor, at: claim.at } : undefined
}

function objectOf(value: Json): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, Json>) : {}
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
