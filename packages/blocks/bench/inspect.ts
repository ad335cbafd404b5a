import * as Y from 'yjs'
import { createBlock, documentRules } from '../src/index.ts'

/** Measures what the rules add to the time of applying one keystroke: `node packages/blocks/bench/inspect.ts [edits]`. */
const EDITS = Number(process.argv[2] ?? 200_000)
const ROUNDS = 5

const updates = typing(EDITS)
const writer = { actor: 'ada', source: 'user_action', sources: ['user_action'], isAuthenticated: true }
const best = { apply: Number.POSITIVE_INFINITY, both: Number.POSITIVE_INFINITY, inspect: Number.POSITIVE_INFINITY }
for (let round = 0; round < ROUNDS; round++) {
  best.apply = Math.min(
    best.apply,
    run((doc) => (update) => Y.applyUpdate(doc, update)),
  )
  best.both = Math.min(best.both, run(inspectThenApply))
  best.inspect = Math.min(best.inspect, inspectAgain())
}
const result = {
  edits: EDITS,
  rounds: ROUNDS,
  applyUs: us(best.apply),
  inspectAndApplyUs: us(best.both),
  inspectAloneUs: us(best.inspect),
  addedPerApply: (best.both / best.apply - 1).toFixed(3),
  inspectPerApply: (best.inspect / best.apply).toFixed(3),
}
console.log(JSON.stringify(result))

function inspectThenApply(doc: Y.Doc): (update: Uint8Array) => void {
  const ruled = documentRules.open(doc)
  return (update) => {
    if (ruled.inspect(update, writer) !== undefined) throw new Error('typing was refused')
    Y.applyUpdate(doc, update)
  }
}

/** Keystrokes, each as a V1 update of its own. Every tenth is a deletion, and the cursor moves now and then. */
function typing(count: number): Uint8Array[] {
  const doc = new Y.Doc()
  const made: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => made.push(update))
  const { content } = createBlock(doc, 'b1', { type: 'text' })
  content.insert(0, 'the first word')
  let at = content.length
  for (let i = 0; i < count; i++) {
    if (i % 40 === 0) at = (i * 7919) % content.length
    if (i % 10 === 9 && at > 0) content.delete(--at, 1)
    else content.insert(at++, 'e')
  }
  return made
}

function run(applyTo: (doc: Y.Doc) => (update: Uint8Array) => void): number {
  const apply = applyTo(new Y.Doc())
  const start = process.hrtime.bigint()
  for (const update of updates) apply(update)
  return Number(process.hrtime.bigint() - start)
}

/** Time of the rules alone, on a document that holds everything already. */
function inspectAgain(): number {
  const doc = new Y.Doc()
  const ruled = documentRules.open(doc)
  for (const update of updates.slice(0, 4)) {
    ruled.inspect(update, writer)
    Y.applyUpdate(doc, update)
  }
  for (const update of updates) Y.applyUpdate(doc, update)
  const start = process.hrtime.bigint()
  for (const update of updates) ruled.inspect(update, writer)
  return Number(process.hrtime.bigint() - start)
}

function us(total: number): string {
  return (total / updates.length / 1000).toFixed(2)
}
