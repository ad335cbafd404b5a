// Node's own modules, which are loaded once before anything is missing.
import 'ws'

/** Names that an old engine lacks, by the object that holds them in a new one. React Native's `AbortSignal` is the poorest of all. */
const MISSING: readonly (readonly [holder: object, names: readonly PropertyKey[]])[] = [
  [URL, ['canParse', 'parse']],
  [AbortSignal, ['any', 'timeout']],
  [AbortSignal.prototype, ['throwIfAborted', 'reason']],
  [Promise, ['withResolvers', 'try']],
  [String.prototype, ['isWellFormed', 'toWellFormed']],
  [Array, ['fromAsync']],
  [Array.prototype, ['toSorted', 'toReversed', 'toSpliced', 'with', 'findLast', 'findLastIndex']],
  [Uint8Array.prototype, ['toBase64', 'toHex']],
  [Object.getPrototypeOf(Uint8Array.prototype), ['toSorted', 'toReversed', 'with', 'findLast', 'findLastIndex']],
  [Object, ['groupBy']],
  [Map, ['groupBy']],
  [Map.prototype, ['getOrInsert', 'getOrInsertComputed']],
  [Set.prototype, ['union', 'intersection', 'difference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom']],
  [Object.getPrototypeOf(Object.getPrototypeOf([].values())), ['map', 'filter', 'take', 'toArray', 'some', 'forEach']],
  [globalThis, ['WeakRef', 'FinalizationRegistry', 'structuredClone', 'Iterator']],
]
for (const [holder, names] of MISSING) for (const name of names) Reflect.deleteProperty(holder, name)
// A window that tells of nothing, as React Native's.
Object.defineProperty(globalThis, 'window', { value: {} })

const { connectWorkspace } = await import('@joinery/client')
const [url = ''] = process.argv.slice(2)
const workspace = connectWorkspace({ url, workspace: 'w', actor: 'ada' })
await workspace.untilSynced({ signal: new AbortController().signal })
workspace.presence.set({ name: 'ada' })
workspace.blocks.create('b', { type: 'text' }).content.insert(0, 'typed')
await workspace.transactDurably(() => workspace.blocks.get('b')?.content.insert(5, ', durably'))
for (const idempotencyKey of ['k1', 'k2']) {
  await workspace.transactOnce(({ blocks }) => blocks.get('b')?.content.insert(0, 'once, '), { idempotencyKey })
}
const stop = new AbortController()
const stopped = workspace.withRun(
  'b',
  'search',
  ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('stopped')))
      stop.abort()
    }),
  { source: 'workflow_execution', actor: 'ada', signal: stop.signal },
)
console.log((await stopped).outcome)
const done = await workspace.withRun('b', 'search', async () => 3, { source: 'workflow_execution', actor: 'ada' })
console.log(done.outcome, workspace.blocks.get('b')?.text)
workspace.undo.undo()
workspace.fork().merge()
const waiting = workspace.untilSynced().then(() => workspace.closeSignal)
await workspace.close()
console.log((await waiting).reason?.code, await workspace.untilSynced().catch(({ code }) => code))
