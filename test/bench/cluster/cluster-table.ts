import { formatFigure } from '../table.ts'
import type { ClusterFigures } from './cluster-job.ts'
import type { ClusterRow } from './cluster-row.ts'

/** The figures of one column; none if it failed. */
export interface ColumnFigures {
  readonly title: string
  readonly figures: ClusterFigures
}

/** A row as a Markdown table: each figure, and what multiple it is of that of the first column if the columns do the same work. */
export function formatRow(
  { title, lines, isCompared = true }: Pick<ClusterRow, 'title' | 'lines' | 'isCompared'>,
  columns: readonly ColumnFigures[],
): string {
  const header = [title, ...columns.map((column) => column.title)]
  const body = lines.map((line) => {
    const first = isCompared ? columns[0]?.figures[line.figure] : undefined
    return [line.title, ...columns.map(({ figures }, n) => cell(figures[line.figure], n === 0 ? undefined : first))]
  })
  const widths = header.map((text, n) => Math.max(text.length, ...body.map((cells) => cells[n]?.length ?? 0)))
  const layOut = (cells: readonly string[]): string =>
    `| ${cells.map((text, n) => (n === 0 ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0))).join(' | ')} |`
  const rule = widths.map((width, n) => (n === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [layOut(header), layOut(rule), ...body.map(layOut)].join('\n')
}

function cell(value: number | undefined, base: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  if (base === undefined || !(base > 0)) return formatFigure(value)
  return `${formatFigure(value)} (${formatFigure(value / base)} ×)`
}
