/** A piece of a comment's text. */
export interface TextPiece {
  readonly text: string
  /** Whether the piece addresses somebody. */
  readonly isMention: boolean
}

/** The names among `names` that a text addresses as `@name`. Of two names that begin alike, the longer one counts. */
export function mentionsIn(text: string, names: readonly string[]): string[] {
  return [...new Set(piecesOf(text, names).flatMap(({ text: piece, isMention }) => (isMention ? piece.slice(1) : [])))]
}

/** Cuts a text at its mentions of `names`. */
export function piecesOf(text: string, names: readonly string[]): TextPiece[] {
  const longestFirst = [...names].filter((name) => name !== '').sort((a, b) => b.length - a.length)
  const pieces: TextPiece[] = []
  let plain = ''
  const endPlain = (): void => {
    if (plain !== '') pieces.push({ text: plain, isMention: false })
    plain = ''
  }
  for (let at = 0; at < text.length; ) {
    const name = text[at] === '@' ? longestFirst.find((it) => isNamed(text, at + 1, it)) : undefined
    if (name === undefined) {
      plain += text[at]
      at += 1
    } else {
      endPlain()
      pieces.push({ text: `@${name}`, isMention: true })
      at += 1 + name.length
    }
  }
  endPlain()
  return pieces
}

/** Whether `name` stands at `at` and no longer word goes on there: `@Ann` is not in `@Anna`. */
function isNamed(text: string, at: number, name: string): boolean {
  return text.startsWith(name, at) && !/^[\p{L}\p{N}_]/u.test(text.slice(at + name.length))
}

/** Names whose beginning may stand before a caret. */
export interface NameOffer {
  /** Index of the @. */
  readonly from: number
  readonly names: readonly string[]
}

/** Names of one list: more are found by another letter. */
const OFFERED_MAX = 6

/**
 * The names of which a word begins with what stands between an @ and the end of `before`, the text before the caret, whatever its
 * case and accents: first those that begin with it themselves. Undefined if there are none, and within a mail address.
 */
export function nameOffer(before: string, names: readonly string[]): NameOffer | undefined {
  const from = before.lastIndexOf('@')
  if (from === -1 || /[\p{L}\p{N}_.]$/u.test(before.slice(0, from))) return undefined
  const typed = fold(before.slice(from + 1))
  const isBegun = (name: string): boolean => fold(name).startsWith(typed)
  const inWord = names.filter((name) => !isBegun(name) && fold(name).includes(` ${typed}`))
  const offered = typed === '' ? names : [...names.filter(isBegun), ...inWord]
  return offered.length === 0 ? undefined : { from, names: offered.slice(0, OFFERED_MAX) }
}

const fold = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
