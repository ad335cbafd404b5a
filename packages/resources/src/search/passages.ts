/** A piece of a block's text that a search finds as a whole. */
export interface Passage {
  /** Id of its block. */
  readonly block: string
  /** Position in the block's text at the time of the indexing, code units. */
  readonly start: number
  readonly text: string
}

/** Longest passage, code units. About three sentences: enough to show the topic, short enough to read as a result. */
export const PASSAGE_CHARS_MAX = 320

/** Splits a text into passages at paragraphs, then sentences, then words, never inside a surrogate pair. Leaves blank ones out. */
export function splitPassages(block: string, text: string): Passage[] {
  const passages: Passage[] = []
  const add = (start: number, end: number): void => {
    const piece = text.slice(start, end)
    const trimmed = piece.trim()
    if (trimmed !== '') passages.push({ block, start: start + piece.indexOf(trimmed), text: trimmed })
  }
  for (const paragraph of text.matchAll(/[^\n]+/g)) {
    let start = paragraph.index
    const end = start + paragraph[0].length
    while (end - start > PASSAGE_CHARS_MAX) {
      const cut = start + cutOf(text.slice(start, start + PASSAGE_CHARS_MAX))
      add(start, cut)
      start = cut
    }
    add(start, end)
  }
  return passages
}

/** Position at which to cut a piece that is too long: after its last sentence, else its last word, else at its end. */
function cutOf(piece: string): number {
  const sentence = Math.max(...['. ', '! ', '? ', '; '].map((mark) => piece.lastIndexOf(mark)))
  if (sentence > 0) return sentence + 1
  const word = piece.lastIndexOf(' ')
  if (word > 0) return word
  return /[\uD800-\uDBFF]$/.test(piece) ? piece.length - 1 : piece.length
}
