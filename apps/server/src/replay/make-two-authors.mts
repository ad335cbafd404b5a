/*
 * Makes two-authors.json.gz: two people write one text at the same time. Each writes in a part of it that the other leaves
 * alone until they have seen each other's work. They never type at the same place at the same moment, so every correct
 * CRDT ends with the same text. `node apps/server/src/replay/make-two-authors.mts` writes the file again.
 */
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const SEED = 20_240_611
const ROUNDS = 60
const WORDS_PER_ROUND_MAX = 22
const VOCABULARY =
  'a board is planed before it is joined and the grain tells which way two parts that were cut apart meet without force glue holds what the joint already keeps dry fit first then mark the face side measure twice from one edge only'.split(
    ' ',
  )

type Patch = [number, number, string]
interface Txn {
  parents: number[]
  agent: number
  patches: Patch[]
}

/** The whole history; the same for the same seed. */
export function makeTwoAuthors(seed = SEED) {
  const random = randomFrom(seed)
  const txns: Txn[] = []
  let text = 'Joinery\n\nUpper part.\n\nLower part.\n'
  const push = (agent: number, parents: number[], patch: Patch): number =>
    txns.push({ parents, agent, patches: [patch] }) - 1

  let frontier = [push(0, [], [0, 0, text])]
  for (let round = 0; round < ROUNDS; round++) {
    // Each writes behind the full stop of its part, so that at least one full stop is always between the two.
    const upperAt = text.indexOf('.') + 1
    const lowerAt = text.lastIndexOf('.') + 1
    const upper = typeFrom(upperAt, random)
    const lower = typeFrom(lowerAt, random)
    const queues = random(2) === 0 ? [upper.patches, lower.patches] : [lower.patches, upper.patches]
    const heads = [frontier, frontier]
    while (queues.some((queue) => queue.length > 0)) {
      const agent = queues[0]?.length === 0 ? 1 : queues[1]?.length === 0 ? 0 : random(2)
      const patch = queues[agent]?.shift()
      if (patch) heads[agent] = [push(agent, heads[agent] ?? [], patch)]
    }
    text = text.slice(0, upperAt) + upper.written + text.slice(upperAt, lowerAt) + lower.written + text.slice(lowerAt)
    frontier = heads.flat().sort((a, b) => a - b)
  }
  return { kind: 'concurrent', startContent: '', endContent: text, numAgents: 2, txns }
}

/** Makes patches of one author from `position` on, which change only text of this author; one patch per transaction. */
function typeFrom(position: number, random: Random): { patches: Patch[]; written: string } {
  const patches: Patch[] = []
  let written = ''
  const replace = (at: number, length: number, piece: string): void => {
    patches.push([position + at, length, piece])
    written = written.slice(0, at) + piece + written.slice(at + length)
  }
  for (let words = 1 + random(WORDS_PER_ROUND_MAX); words > 0; words--) {
    const word = ` ${VOCABULARY[random(VOCABULARY.length)]}`
    // Mostly types letter by letter at the end, sometimes pastes somewhere into the text just written.
    if (random(9) === 0) replace(random(written.length + 1), 0, word)
    else for (const letter of word) replace(written.length, 0, letter)
    if (random(5) === 0) {
      const at = random(written.length)
      replace(at, Math.min(1 + random(4), written.length - at), random(2) === 0 ? '' : '-')
    }
  }
  return { patches, written }
}

type Random = (below: number) => number

/** Mulberry32: 32 bits of state are plenty for a text. */
function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

if (import.meta.main) {
  const trace = makeTwoAuthors()
  writeFileSync(
    new URL('../../traces/two-authors.json.gz', import.meta.url),
    gzipSync(JSON.stringify(trace), { level: 9 }),
  )
  console.log(`${trace.txns.length} transactions, ${trace.endContent.length} characters`)
}
