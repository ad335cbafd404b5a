import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

/** One comment, or one paragraph, list item or rule of a page. */
interface Prose {
  /** Its characters. Markup and code are blanked out, so that positions stay those of the file. */
  readonly text: string
  /** Position of the first character in the file. */
  readonly offset: number
  readonly isDocstring: boolean
}

/** A wording that needs a second reading. */
interface Riddle {
  readonly pattern: RegExp
  readonly advice: string
}

/** Wordings that are riddles anywhere. A question may begin with "what" or "who", and a list of instructions with "what to". */
const RIDDLES: readonly Riddle[] = [
  {
    pattern: /(?<=^\s*|[.!?]["”’)]*\s+)(?:What(?! to )|Who|Whoever|Whatever|Whichever|That which)\b(?![^.!?]*\?)/g,
    advice: 'begins a sentence: name the thing or the person',
  },
  { pattern: /\b(?:whoever|whomever|that which)\b/g, advice: 'has no noun: name the thing or the person' },
  {
    pattern: /\b(?:to|for|from|by|with|without|than|like|does|so is|but) who\b/g,
    advice: 'has no noun before "who": name the person',
  },
]

/** Wordings that are riddles at the start of a docstring, whose first sentence has to stand alone. */
const DOCSTRING_RIDDLES: readonly Riddle[] = [
  {
    pattern: /^\s*(?:Of|Those|These|Such|And|But|Nor|Whose|It|They|Them)\b/g,
    advice: 'begins a docstring and refers to something outside it: name the thing',
  },
]

// Strings and templates are matched so that what looks like a comment inside them is passed over.
const TOKEN =
  /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|\/\*[\s\S]*?\*\/|\/\/.*(?:\n[ \t]*\/\/.*)*/g
const FENCE = /^([ \t]*)```[\s\S]*?^\1```/gm

/** Comments and paragraphs whose wording needs a second reading, as far as a pattern can tell. */
export function checkPlainSentences(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => proseOf(file).flatMap((prose) => riddlesIn(file, prose)))
}

function riddlesIn(file: SourceFile, { text, offset, isDocstring }: Prose): Finding[] {
  const riddles = isDocstring ? [...DOCSTRING_RIDDLES, ...RIDDLES] : RIDDLES
  return riddles.flatMap(({ pattern, advice }) =>
    [...text.matchAll(pattern)].map((match) => {
      const words = match[0].trim()
      const at = offset + match.index + match[0].length - words.length
      return { path: file.path, line: lineAt(file.text, at), message: `"${words}" ${advice}` }
    }),
  )
}

function proseOf(file: SourceFile): Prose[] {
  if (/\.(ts|tsx|mts|cts)$/.test(file.path)) return commentsOf(file.text)
  return file.path.endsWith('.md') ? paragraphsOf(file.text) : []
}

function commentsOf(text: string): Prose[] {
  return [...text.matchAll(TOKEN)]
    .filter(([token]) => token.startsWith('/'))
    .map(({ 0: token, index }) => ({
      text: withoutCode(token.replace(/^\/\*+|\*\/$|^[ \t]*(?:\*|\/\/)/gm, blank)),
      offset: index,
      isDocstring: token.startsWith('/**'),
    }))
}

function paragraphsOf(text: string): Prose[] {
  // Headings, tables and pictures are no sentences.
  const sentences = text.replace(FENCE, blank).replace(/^[ \t]*(?:#|\||<).*$/gm, blank)
  const items = sentences.matchAll(
    /(?:^[ \t]*(?:[-*]|\d+\.)[ \t]+)?(?:(?!^[ \t]*(?:[-*]|\d+\.)[ \t])[^\n]*\S[^\n]*\n?)+/gm,
  )
  return [...items].map(({ 0: item, index }) => ({
    text: withoutCode(item.replace(/^[ \t]*(?:[-*]|\d+\.)[ \t]+(?:\*\*[A-Z]+\d+\*\*)?/, blank).replace(/\*\*/g, blank)),
    offset: index,
    isDocstring: false,
  }))
}

function withoutCode(text: string): string {
  return text.replace(/`[^`]*`/g, (code) => code.replace(/\S/g, 'x'))
}

/** As many blanks as characters, so that positions stay those of the file. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
