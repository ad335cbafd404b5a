import { PEER_NAMES, PEERS, type PeerName } from './peers.ts'
import type { FigureLine, Row } from './rows.ts'
import { judge, type PeerFigures, type Verdict } from './verdict.ts'

/** One line of the table before it is laid out. */
export interface TableLine {
  readonly row: Row
  readonly line: FigureLine
  readonly figures: PeerFigures
}

/** Three significant digits, as many as one run is good for. */
export function formatFigure(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function formatVerdict({ bound, state, actual }: Verdict): string {
  const limit = 'times' in bound ? `${bound.atMost} × ${PEERS[bound.times].title}` : String(bound.atMost)
  const isRatio = 'times' in bound
  if (actual === undefined) return `? ≤ ${limit}`
  return `${state === 'holds' ? 'holds' : 'MISSED'} ${formatFigure(actual)}${isRatio ? ' ×' : ''} ≤ ${limit}`
}

/** The table as Markdown, columns padded so that it reads in a terminal as well. */
export function formatTable(lines: readonly TableLine[]): string {
  const peers = PEER_NAMES.filter((name) => lines.some(({ figures }) => figures.has(name)))
  const header = ['work', 'figure', ...peers.map((name) => PEERS[name].title), 'bounds']
  const body = lines.map(({ row, line, figures }) => [
    row.title,
    `${line.title}, ${line.unit}`,
    ...peers.map((name) => cell(figures, name)),
    judge(line.bounds, figures).map(formatVerdict).join('; ') || '–',
  ])
  const widths = header.map((title, column) =>
    Math.max(...[header, ...body].map((cells) => cells[column]?.length ?? 0), title.length),
  )
  const layOut = (cells: readonly string[]) =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [layOut(header), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(layOut)].join('\n')
}

function cell(figures: PeerFigures, name: PeerName): string {
  const figure = figures.get(name)
  return figure === undefined ? '–' : formatFigure(figure)
}
