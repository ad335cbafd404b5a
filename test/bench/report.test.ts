import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseResident, parseSchedulerCpu, parseStatCpu } from './load/process-usage.ts'
import { OptionsError, parseOptions } from './options.ts'
import { PEER_NAMES, type PeerName } from './peers.ts'
import { ownTimes } from './profile.ts'
import { formatReadmeTables, README_TABLES } from './readme-tables.ts'
import { ROW_NAMES, ROWS } from './rows.ts'
import { formatTable } from './table.ts'
import { judge } from './verdict.ts'

const figures = (entries: Partial<Record<PeerName, number>>) => new Map(Object.entries(entries) as [PeerName, number][])

describe('verdicts', () => {
  const bounds = [{ atMost: 45 }, { atMost: 0.4, times: 'hocuspocus' as const }]

  it('[T2] a bound holds or is missed when both figures are there', () => {
    const states = (joinery: number) => judge(bounds, figures({ joinery, hocuspocus: 100 })).map(({ state }) => state)
    expect(states(40)).toEqual(['holds', 'holds'])
    expect(states(42)).toEqual(['holds', 'missed'])
    expect(states(46)).toEqual(['missed', 'missed'])
  })

  it('[T2] a bound is unknown when a figure it needs is missing or nothing', () => {
    expect(judge(bounds, figures({ joinery: 40 })).map(({ state }) => state)).toEqual(['holds', 'unknown'])
    expect(judge(bounds, figures({ hocuspocus: 100 })).map(({ state }) => state)).toEqual(['unknown', 'unknown'])
    expect(judge(bounds, figures({ joinery: 1, hocuspocus: 0 })).at(-1)?.state).toBe('unknown')
  })
})

describe('the table', () => {
  const row = ROWS['small-rooms']
  const line = row.lines[0]
  if (line === undefined) throw new Error('the row has no line')

  it('[T2] the table shows each figure, ratio and verdict when peers took part', () => {
    const table = formatTable([{ row, line, figures: figures({ joinery: 30, hocuspocus: 150, 'y-websocket': 40 }) }])
    expect(table).toMatch(/\| Joinery +\| y-websocket-server +\| Hocuspocus +\|/)
    expect(table).toContain(
      'holds 30.0 ≤ 45; holds 0.20 × ≤ 0.4 × Hocuspocus; MISSED 0.75 × ≤ 0.5 × y-websocket-server',
    )
    expect(new Set(table.split('\n').map((text) => text.length)).size).toBe(1)
  })

  it('[T2] the table leaves a column out when its peer has no figure at all', () => {
    const table = formatTable([{ row, line, figures: figures({ joinery: 30 }) }])
    expect(table).not.toContain('ws relay |')
    expect(table).toContain('? ≤ 0.4 × Hocuspocus')
  })
})

describe('the tables of the READMEs', () => {
  const everything = ROW_NAMES.flatMap((name) =>
    ROWS[name].lines.map((line) => ({ row: ROWS[name], line, figures: figures({ joinery: 12.34, relay: 5 }) })),
  )

  it.each(README_TABLES)('[T2] $file shows $title with their heads and labels', ({ file, title, peers, entries }) => {
    const squeeze = (text: string) => text.replace(/ +/g, ' ')
    const shown = squeeze(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
    expect(shown).toContain(`\n| ${[title, ...peers.map(([, name]) => name)].join(' | ')} |\n`)
    for (const [label] of entries) expect(shown).toContain(`\n| ${label} | `)
  })

  it('[T2] they hold each figure in its place, and nothing of rows that were not run', () => {
    const steady = everything.filter(({ row }) => row === ROWS.steady)
    const tables = formatReadmeTables(steady)
    expect(tables).toContain('| 12.3, 12.3 | 5.00, 5.00 |  |  |')
    expect(tables.split('\n').filter((line) => line.startsWith('| '))).toHaveLength(3)
  })
})

describe('options', () => {
  it('[T3] all rows run with the peers they are meant for when nothing is said', () => {
    expect(parseOptions([], {})).toMatchObject({ rows: ROW_NAMES, peers: undefined, scale: 'full', repeat: 1 })
  })

  it('[T3] the command takes what it is told when rows, peers and scale are named', () => {
    const args = ['--rows', 'history,steady', '--peers', 'relay', '--short', '--repeat', '3']
    expect(parseOptions(args, {})).toMatchObject({
      rows: ['history', 'steady'],
      peers: ['relay'],
      scale: 'short',
      repeat: 3,
    })
  })

  it.each([
    [['--rows', 'histroy'], /"histroy" is none of large-rooms/],
    [['--peers', 'etherpad'], new RegExp(`none of ${PEER_NAMES.join(', ')}`)],
    [['--repeat', '0'], /from 1 to 100/],
    [['--trace', '/no/such/file'], /no editing trace at/],
    [['--colour'], /--colour/],
    [['stray'], /stray/],
  ])('[T3] the command says what would be right when it gets %s', (args, says) => {
    expect(() => parseOptions(args, {})).toThrow(OptionsError)
    expect(() => parseOptions(args, {})).toThrow(says)
  })

  it('[T3] the trace is looked for in JOINERY_TRACES when no file is named', () => {
    expect(() => parseOptions([], { JOINERY_TRACES: '/no/such/folder' })).toThrow(
      '/no/such/folder/automerge-paper.json.gz',
    )
  })
})

describe('process usage', () => {
  it('[T4] CPU time is read right when the process name holds brackets and spaces', () => {
    const stat = '42 (a) b) c) S 1 42 42 0 -1 4194560 900 0 3 0 123 45 0 0 20 0 11 0 100 1000000 5000 0'
    expect(parseStatCpu(stat)).toBe((123 + 45) * 10_000)
  })

  it('[T4] CPU time of all threads is added up when the scheduler counts it', () => {
    expect(parseSchedulerCpu(['1500000 20 3\n', '500000 1 1\n'])).toBe(2_000)
  })

  it('[T4] memory is read from the resident set', () => {
    expect(parseResident('VmPeak:\t 900 kB\nVmRSS:\t   51234 kB\nThreads:\t11\n')).toBe(51_234)
  })

  it('[T4] another format is an error, not a zero', () => {
    expect(() => parseStatCpu('nonsense')).toThrow(/another form/)
    expect(() => parseSchedulerCpu(['nonsense'])).toThrow(/another form/)
    expect(() => parseResident('')).toThrow(/another form/)
  })
})

describe('profiles', () => {
  it('[T4] own time is added up per function, without idle time, when a profile is read', () => {
    const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 })
    const nodes = [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('flush', 'file:///src/room.ts') },
      { id: 3, callFrame: frame('flush', 'file:///src/room.ts') },
      { id: 4, callFrame: frame('(garbage collector)') },
    ]
    const profile = { nodes, samples: [1, 2, 3, 4], timeDeltas: [9_000, 1_000, 2_000, 500] }
    expect(ownTimes(profile)).toEqual([
      { name: 'flush room.ts:10', ms: 3 },
      { name: '(garbage collector)', ms: 0.5 },
    ])
  })
})
