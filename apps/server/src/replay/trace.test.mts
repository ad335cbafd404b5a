import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { makeTwoAuthors } from './make-two-authors.mts'
import { decodeTrace } from './trace.mts'

const encode = (value: unknown) => gzipSync(JSON.stringify(value))
const sequential = {
  startContent: '',
  endContent: 'ab',
  txns: [{ patches: [[0, 0, 'a']] }, { patches: [[1, 0, 'b']] }],
}

describe('decodeTrace', () => {
  it('[A13] reads a history of one author when no transaction names agent or parents', () => {
    const trace = decodeTrace(encode(sequential))
    expect(trace).toMatchObject({ startContent: '', endContent: 'ab', authorCount: 1 })
    expect(trace.transactions.map(({ author, parents }) => ({ author, parents }))).toEqual([
      { author: 0, parents: [] },
      { author: 0, parents: [0] },
    ])
  })

  it.each([
    ['plain text', Buffer.from('hello')],
    ['gzipped text', gzipSync('hello')],
    ['a truncated file', encode(sequential).subarray(0, 30)],
    ['no endContent', encode({ txns: sequential.txns })],
    ['no transactions', encode({ endContent: '', txns: [] })],
    ['a negative position', encode({ endContent: '', txns: [{ patches: [[-1, 0, 'a']] }] })],
    ['a patch that is no triple', encode({ endContent: '', txns: [{ patches: [[0, 'a']] }] })],
    ['an unknown agent', encode({ endContent: '', numAgents: 2, txns: [{ agent: 2, parents: [], patches: [] }] })],
    ['a parent that comes later', encode({ endContent: '', txns: [{ agent: 0, parents: [0], patches: [] }] })],
    ['code points above U+FFFF', encode({ endContent: '', txns: [{ patches: [[0, 0, '😀']] }] })],
  ])('[A13] refuses %s in one line', (_what, bytes) => {
    expect(() => decodeTrace(bytes)).toThrow(/^that is no trace to replay: [^\n]+$/)
  })

  it('[A19] reads from the shipped history what its maker makes', () => {
    const shipped = readFileSync(new URL('../../traces/two-authors.json.gz', import.meta.url))
    expect(decodeTrace(shipped)).toEqual(decodeTrace(encode(makeTwoAuthors())))
  })
})
