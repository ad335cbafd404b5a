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
