import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

interface Mention {
  readonly id: string
  readonly path: string
  readonly line: number
}

const RULE = /^- \*\*([A-Z]+\d+)\*\*/gm
// A title is the first argument of a call, on the call's line or the next: one id or a list of them in brackets.
const TITLE = /([\w.]*)\(\s*['"`]\[([A-Z]+\d+(?:, ?[A-Z]+\d+)*)\]/g

/** Every rule of every SPEC.md has a test that names it, every id in a test's title has a rule, no id is given twice. */
export function checkSpecIds(files: readonly SourceFile[]): Finding[] {
  const rules = files.filter((file) => file.path.endsWith('SPEC.md')).flatMap(rulesOf)
  const titles = files.filter((file) => /\.(ts|tsx|mts)$/.test(file.path)).flatMap(titlesOf)
  const findings: Finding[] = []

  const ruleById = new Map<string, Mention>()
  for (const rule of rules) {
    const first = ruleById.get(rule.id)
    if (first) findings.push(finding(rule, `rule ${rule.id} is already at ${first.path}:${first.line}`))
    else ruleById.set(rule.id, rule)
  }
  const tested = new Set(titles.map((title) => title.id))
  for (const rule of ruleById.values()) {
    if (!tested.has(rule.id)) findings.push(finding(rule, `rule ${rule.id} stands in no test's title`))
  }
  for (const title of titles) {
    if (!ruleById.has(title.id)) findings.push(finding(title, `no SPEC.md has a rule ${title.id}`))
  }
  return findings
}

function rulesOf(file: SourceFile): Mention[] {
  return [...file.text.matchAll(RULE)].map((match) => ({
    id: match[1] ?? '',
    path: file.path,
    line: lineAt(file.text, match.index),
  }))
}

function titlesOf(file: SourceFile): Mention[] {
  return [...file.text.matchAll(TITLE)].flatMap((match) => {
    const [whole, callee = '', ids = ''] = match
    // A test that never runs shows nothing.
    if (/\.(skip|todo)$/.test(callee)) return []
    const line = lineAt(file.text, match.index + whole.length)
    return ids.split(/, ?/).map((id) => ({ id, path: file.path, line }))
  })
}

const finding = ({ path, line }: Mention, message: string): Finding => ({ path, line, message })
