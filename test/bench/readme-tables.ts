import type { PeerName } from './peers.ts'
import { ROWS, type RowName } from './rows.ts'
import { formatFigure, type TableLine } from './table.ts'

/** Figures of one row, joined by commas: the lines of `ROWS[row]` with these titles. */
type Entry = readonly [label: string, row: RowName, ...lines: string[]]

interface ReadmeTable {
  readonly file: string
  readonly title: string
  readonly peers: readonly (readonly [PeerName, string])[]
  readonly entries: readonly Entry[]
}

const JOINERY = ['joinery', 'Joinery'] as const
const RELAY = ['relay', 'bare `ws` relay'] as const
const HOCUSPOCUS = ['hocuspocus', 'Hocuspocus 4.7 + SQLite'] as const

/** The tables that README.md and this folder's README.md show, as they stand there. */
export const README_TABLES: readonly ReadmeTable[] = [
  {
    file: 'README.md',
    title: 'work',
    peers: [JOINERY, RELAY, ['y-websocket', 'y-websocket-server 0.1.1 + LevelDB'], HOCUSPOCUS],
    entries: [
      ['2 rooms of 100, 4 writers: µs per delivery', 'large-rooms', 'CPU per delivery'],
      ['200 rooms of 3, 1 writer: µs per edit', 'small-rooms', 'CPU per edit'],
      ['a history of 259,778 edits through one socket: µs per edit', 'history', 'CPU per edit'],
      [
        '3,000 connections to 1,000 rooms: µs, KiB per connection',
        'connections',
        'CPU per connection',
        'memory per connection',
      ],
      [
        '10 rooms of 20, 2 write 40 edits/s each: median, 99 of 100 (ms)',
        'steady',
        'latency, median',
        'latency, 99 of 100',
      ],
    ],
  },
  {
    file: 'test/bench/README.md',
    title: 'the 259,778-edit document from the disk after a restart',
    peers: [JOINERY, ['finished', 'bare `ws` server with finished bytes'], HOCUSPOCUS],
    entries: [
      ['to 1 client: ms, ms of CPU', 'cold-sync', 'time to all content', 'CPU'],
      ['to 20 clients at once: ms, ms of CPU', 'cold-sync-20', 'time to all content', 'CPU'],
    ],
  },
  {
    file: 'test/bench/README.md',
    title: '10,000 stored workspaces, one idle connection each',
    peers: [JOINERY, RELAY],
    entries: [
      ['before anybody comes, MiB', 'idle', 'memory before'],
      ['memory for each, KiB', 'idle', 'memory per workspace'],
      ['kept 45 s after all have left, MiB', 'idle', 'memory kept after all have left'],
    ],
  },
  {
    file: 'test/bench/README.md',
    title: '1,000 workspaces of 64 edits, then a client back in each at once',
    peers: [JOINERY, ['stored', 'bare `ws` server on LevelDB']],
    entries: [
      ["after a stop, from snapshots: ms to the last one's content", 'recovery', 'then to all content, everywhere'],
      ['after a kill, from records alone', 'recovery-killed', 'then to all content, everywhere'],
    ],
  },
]

/** The READMEs' tables with these figures, Markdown; those of which no row was run are left out. */
export function formatReadmeTables(lines: readonly TableLine[]): string {
  return README_TABLES.map((table) => formatTableOf(table, lines))
    .filter((text) => text !== undefined)
    .join('\n\n')
}

function formatTableOf({ file, title, peers, entries }: ReadmeTable, lines: readonly TableLine[]): string | undefined {
  const run = entries.filter(([, row]) => lines.some((line) => line.row === ROWS[row]))
  if (run.length === 0) return undefined
  const body = run.map(([label, row, ...titles]) => [
    label,
    ...peers.map(([peer]) => titles.flatMap((of) => figureOf(lines, row, of, peer) ?? []).join(', ')),
  ])
  const layOut = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const header = layOut([title, ...peers.map(([, name]) => name)])
  const rule = layOut(['---', ...peers.map(() => '---')])
  return [`${file}:`, header, rule, ...body.map(layOut)].join('\n')
}

function figureOf(lines: readonly TableLine[], row: RowName, title: string, peer: PeerName): string | undefined {
  const found = lines.find((candidate) => candidate.row === ROWS[row] && candidate.line.title === title)
  if (found === undefined) throw new Error(`the row ${row} has no line "${title}"`)
  const figure = found.figures.get(peer)
  return figure === undefined ? undefined : formatFigure(figure)
}
