import { describe, expect, it } from 'vitest'
import { type ColumnFigures, formatRow } from './cluster-table.ts'

const row = { title: 'work', lines: [{ title: 'edits per second', figure: 'editsPerSecond' }] }

describe('the table of a cluster’s row', () => {
  it('[T140] each figure is shown with its ratio to the first column, and a column that failed without any', () => {
    const columns: ColumnFigures[] = [
      { title: 'single', figures: { editsPerSecond: 200 } },
      { title: '3 nodes', figures: { editsPerSecond: 50 } },
      { title: 'peer', figures: {} },
    ]
    const [head, rule, line] = formatRow(row, columns).split('\n')
    expect(head).toMatch(/^\| work +\| single \| +3 nodes \| peer \|$/)
    expect(rule).toMatch(/^\| -+ \| -+: \| -+: \| -+: \|$/)
    expect(line).toMatch(/^\| edits per second \| +200 \| 50\.0 \(0\.25 ×\) \| +– \|$/)
  })

  it('[T140] a figure has no ratio where the first column has none, or 0', () => {
    const shown = (first: Record<string, number>): string =>
      formatRow(row, [
        { title: 'single', figures: first },
        { title: '3 nodes', figures: { editsPerSecond: 50 } },
      ])
    expect(shown({})).toMatch(/\| +– \| +50\.0 \|/)
    expect(shown({ editsPerSecond: 0 })).toMatch(/\| +0\.00 \| +50\.0 \|/)
  })
})
