/** A block as the search reads it. */
export interface SearchedBlock {
  readonly id: string
  readonly title: string
  readonly text: string
}

/** A block that has all words of a search. */
export interface FoundBlock {
  readonly id: string
  readonly title: string
  /** The part of the text around its first match; empty if only the title has the words. */
  readonly excerpt: string
  /** The first match in the text, as it stands there; empty if only the title has the words. */
  readonly passage: string
}

/** Characters of an excerpt before the match and behind it. */
const BEFORE = 24
const BEHIND = 60

/**
 * The blocks that have every word of `query` in their title or text, whatever its case: first those whose title begins with
 * the query, then those with a match in the title, then the others, each in the order of `blocks`. At most `max`.
 */
export function searchBlocks(blocks: Iterable<SearchedBlock>, query: string, max: number): FoundBlock[] {
  const words = fold(query).split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const ranks: [FoundBlock[], FoundBlock[], FoundBlock[]] = [[], [], []]
  for (const { id, title, text } of blocks) {
    const [name, content] = [fold(title), fold(text)]
    if (!words.every((word) => name.includes(word) || content.includes(word))) continue
    const found = { id, title, ...passageIn(text, content, words) }
    const isName = words.every((word) => name.includes(word))
    ranks[name.startsWith(words.join(' ')) ? 0 : isName ? 1 : 2].push(found)
  }
  return ranks.flat().slice(0, max)
}

function passageIn(text: string, content: string, words: readonly string[]): Pick<FoundBlock, 'excerpt' | 'passage'> {
  // All words as they were typed, or the first of them that is there.
  const sought = [words.join(' '), ...words].find((it) => content.includes(it))
  if (sought === undefined) return { excerpt: '', passage: '' }
  const at = content.indexOf(sought)
  const [from, to] = [Math.max(0, at - BEFORE), Math.min(text.length, at + sought.length + BEHIND)]
  const cut = text.slice(from, to).toWellFormed().replaceAll('\uFFFD', '').replaceAll(/\s+/g, ' ').trim()
  return {
    excerpt: `${from > 0 ? '…' : ''}${cut}${to < text.length ? '…' : ''}`,
    passage: text.slice(at, at + sought.length),
  }
}

/** Lower case, with the length of the text: a place in one is the same place in the other. */
function fold(text: string): string {
  const lower = text.toLowerCase()
  return lower.length === text.length ? lower : [...text].map(foldLetter).join('')
}

function foldLetter(letter: string): string {
  const lower = letter.toLowerCase()
  return lower.length === letter.length ? lower : letter
}
