/** A part of a line. `at` is the index of its first shown character in the source. */
export type InlinePiece =
  | { readonly kind: 'text' | 'code'; readonly at: number; readonly text: string }
  | { readonly kind: 'strong' | 'emphasis' | 'strike'; readonly at: number; readonly pieces: readonly InlinePiece[] }
  | { readonly kind: 'link'; readonly at: number; readonly href: string; readonly pieces: readonly InlinePiece[] }
  | { readonly kind: 'image'; readonly at: number; readonly src: string; readonly alt: string }

/** One line of a text as Markdown means it. */
export interface MarkdownLine {
  readonly kind: 'paragraph' | 'heading' | 'item' | 'task' | 'quote' | 'code' | 'rule'
  /** Index of the line's first shown character in the source. */
  readonly at: number
  /** Level of a heading from 1 to 6, or the depth of an item in its list from 0. */
  readonly level: number
  /** Mark of an item: a bullet or a number with its dot. */
  readonly mark?: string
  readonly isDone?: boolean
  readonly pieces: readonly InlinePiece[]
}

/** Signs of Markdown, so that a text without them need not be read. A false alarm costs time only. */
const SIGNS = /^\s{0,3}(#{1,6} |[-*+] |\d{1,9}[.)] |>|```|~~~|-{3,}|\*{3,}|_{3,})|[*_`~[]|https?:\/\//m

export const hasMarkdown = (text: string): boolean => SIGNS.test(text)

const FENCE = /^\s{0,3}(`{3,}|~{3,})/
const HEADING = /^(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/
const RULE = /^\s{0,3}([-*_])(?:\s*\1){2,}\s*$/
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(?:\[([ xX])\]\s+)?/
const QUOTE = /^\s{0,3}>\s?/

/** Reads a text line by line. Line breaks stay, as people who write short texts expect. */
export function markdownLines(text: string): MarkdownLine[] {
  const lines: MarkdownLine[] = []
  let at = 0
  let fence: string | undefined
  for (const line of text.split('\n')) {
    const marks = FENCE.exec(line)?.[1]
    if (fence !== undefined) {
      if (marks?.startsWith(fence)) fence = undefined
      else lines.push({ kind: 'code', at, level: 0, pieces: [{ kind: 'text', at, text: line }] })
    } else if (marks !== undefined) fence = marks
    else lines.push(lineOf(line, at))
    at += line.length + 1
  }
  return lines
}

function lineOf(line: string, at: number): MarkdownLine {
  const heading = HEADING.exec(line)
  if (heading !== null) {
    const [, marks = '', words = ''] = heading
    const start = at + line.indexOf(words, marks.length)
    return { kind: 'heading', at: start, level: marks.length, pieces: inlinePieces(words, start) }
  }
  if (RULE.test(line)) return { kind: 'rule', at, level: 0, pieces: [] }
  const item = ITEM.exec(line)
  if (item !== null) {
    const [all, indent = '', mark = '', box] = item
    const start = at + all.length
    return {
      kind: box === undefined ? 'item' : 'task',
      at: start,
      level: Math.min(6, Math.floor(indent.replaceAll('\t', '  ').length / 2)),
      mark: /\d/.test(mark) ? mark : '•',
      isDone: box !== undefined && box !== ' ',
      pieces: inlinePieces(line.slice(all.length), start),
    }
  }
  const quote = QUOTE.exec(line)?.[0].length ?? 0
  const kind = quote > 0 ? 'quote' : 'paragraph'
  return { kind, at: at + quote, level: 0, pieces: inlinePieces(line.slice(quote), at + quote) }
}

/** Longest line that is searched for marks, characters: a mark without an end makes the search look at the whole line again. */
const LINE_LENGTH_MAX = 5_000

const INLINE = new RegExp(
  [
    String.raw`(?<code>\x60+)(?<codeText>[^\x60]+?)\k<code>(?!\x60)`,
    String.raw`(?<image>!?)\[(?<label>[^\][]*)\]\((?<target>[^\s()]+)\)`,
    String.raw`(?<bare>https?:\/\/[^\s<>()]*[^\s<>().,;:!?'"])`,
    String.raw`(?<strong>\*\*|__)(?=\S)(?<strongText>.+?)(?<=\S)\k<strong>`,
    String.raw`~~(?=\S)(?<strikeText>.+?)(?<=\S)~~`,
    String.raw`\*(?=[^\s*])(?<starText>[^*]+?)(?<=\S)\*`,
    String.raw`(?<![\p{L}\p{N}_])_(?=[^\s_])(?<scoreText>[^_]+?)(?<=\S)_(?![\p{L}\p{N}_])`,
  ].join('|'),
  'gu',
)

/** Reads the marks within a line. `at` is the index of `text` in the source. */
export function inlinePieces(text: string, at: number): InlinePiece[] {
  if (text.length > LINE_LENGTH_MAX) return [{ kind: 'text', at, text }]
  const pieces: InlinePiece[] = []
  let end = 0
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) pieces.push({ kind: 'text', at: at + end, text: text.slice(end, match.index) })
    pieces.push(pieceOf(match, at + match.index))
    end = match.index + match[0].length
  }
  if (end < text.length) pieces.push({ kind: 'text', at: at + end, text: text.slice(end) })
  return pieces
}

function pieceOf({ groups = {}, 0: all }: RegExpMatchArray, at: number): InlinePiece {
  const { code, codeText, image, label, target, bare, strong, strongText, strikeText, starText, scoreText } = groups
  if (codeText !== undefined) return { kind: 'code', at: at + (code?.length ?? 0), text: codeText }
  if (target !== undefined) {
    if (image === '!') return { kind: 'image', at, src: target, alt: label ?? '' }
    return { kind: 'link', at: at + 1, href: target, pieces: inlinePieces(label ?? '', at + 1) }
  }
  if (bare !== undefined) return { kind: 'link', at, href: bare, pieces: [{ kind: 'text', at, text: bare }] }
  const mark = strong?.length ?? (strikeText === undefined ? 1 : 2)
  const inner = strongText ?? strikeText ?? starText ?? scoreText ?? all
  const kind = strong !== undefined ? 'strong' : strikeText !== undefined ? 'strike' : 'emphasis'
  return { kind, at: at + mark, pieces: inlinePieces(inner, at + mark) }
}
