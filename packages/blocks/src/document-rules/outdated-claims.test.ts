import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  type BlocksWriter,
  createBlock,
  deleteBlock,
  forkDoc,
  getBlock,
  type Json,
  type MachineClaim,
  PAYMENT,
  type Run,
  undoScope,
} from '../index.ts'
import { ADA, blockOf, rulesOf } from '../testing/rules-fixture.ts'

const ANYBODY: BlocksWriter = { actor: 'anonymous', source: 'user_action', sources: undefined, isAuthenticated: false }
const SERVICE: BlocksWriter = { ...ADA, actor: 'bank', source: 'provider', sources: ['provider'] }
const BANK = { source: 'provider', actor: 'bank' } as const
const PERSON = { source: 'user_action', actor: 'ada' } as const
const STATUSES = ['processing', 'authorized', 'captured', 'partly_refunded', 'refunded', 'failed'] as const

/** A server's document with one payment, and everything that its provider has ever said. */
class Shop {
  readonly server = new Y.Doc()
  readonly said: MachineClaim[] = []
  /** The last claim of its provider that ever showed. */
  last: MachineClaim | undefined
  #at = 0

  constructor() {
    rulesOf(this.server).observe(() => undefined)
    this.write({ ...ADA }, (doc) => {
      createBlock(doc, 'b1', { type: 'text' })
        .statuses(PAYMENT)
        .startRun('o-7', { ...PERSON, runId: 'r1' })
    })
  }

  /** The payment's claim that shows at the server. */
  get shown(): MachineClaim | undefined {
    return getBlock(this.server, 'b1')?.statuses(PAYMENT).get('o-7')
  }

  /** Sends what `edit` makes of a copy of the server's document, as one update. Returns the code of a refusal. */
  write(writer: BlocksWriter, edit: (doc: Y.Doc) => void): string | undefined {
    const doc = forkDoc(this.server)
    const before = Y.encodeStateVector(doc)
    doc.transact(() => edit(doc))
    return this.send(writer, Y.encodeStateAsUpdate(doc, before))
  }

  /** As a server takes an update: it is inspected and applied, and what it touched is pruned. */
  send(writer: BlocksWriter, update: Uint8Array, isHeld = false): string | undefined {
    const rules = rulesOf(this.server)
    const refusal = rules.inspect(update, writer)
    if (refusal !== undefined) return refusal.code
    let touched: string[] = []
    this.server.once('afterTransaction', (transaction: Y.Transaction) => {
      touched = rules.touched(transaction)
    })
    Y.applyUpdate(this.server, update)
    rules.prune(touched, isHeld)
    return undefined
  }

  /** The provider says a status of the run that shows, or of a run of its own. */
  say(status: (typeof STATUSES)[number]): void {
    this.#at++
    const run = this.shown?.run ?? { no: 1, id: `p${this.#at}`, source: 'provider' }
    const told = { ...BANK, at: this.#at, detail: { n: this.#at } }
    const code = this.write(SERVICE, (doc) => {
      blockOf(doc)
        .statuses(PAYMENT)
        .report('o-7', run as Run<'provider'>, status, told)
    })
    expect(code).toBe(undefined)
    this.said.push({ machine: 'payment@1', name: 'o-7', run, status, ...told })
    if (this.shown?.source === 'provider') this.last = this.shown
  }
}

/** Puts claims into the block's list, as a client does that goes by no rule. */
function push(doc: Y.Doc, claims: readonly object[]): void {
  const list = getBlock(doc, 'b1')?.map.get('statuses')
  if (list instanceof Y.Array) list.push([...claims])
  else getBlock(doc, 'b1')?.map.set('statuses', Y.Array.from([...claims]))
}

describe.each([
  ['with keys', ADA],
  ['in development mode', ANYBODY],
])('[B113] %s', (_mode, writer) => {
  const carriers: Readonly<Record<string, (doc: Y.Doc, claims: readonly object[]) => void>> = {
    'in the list, once the status is removed': (doc, claims) => {
      blockOf(doc).statuses(PAYMENT).remove('o-7')
      push(doc, claims)
    },
    'in a new list': (doc, claims) => void blockOf(doc).map.set('statuses', Y.Array.from([...claims])),
    'in a plain array': (doc, claims) => void blockOf(doc).map.set('statuses', [...claims] as Json[]),
    'in the block, once it is deleted': (doc, claims) => {
      deleteBlock(doc, 'b1')
      createBlock(doc, 'b1', { type: 'text' })
      push(doc, claims)
    },
  }

  test.each(Object.keys(carriers))('what a provider said before its last word does not come back %s', (how) => {
    const carry = carriers[how] as (doc: Y.Doc, claims: readonly object[]) => void
    const shop = new Shop()
    for (const status of ['authorized', 'captured', 'refunded'] as const) shop.say(status)
    const [authorized, captured, refunded] = shop.said as [MachineClaim, MachineClaim, MachineClaim]
    for (const old of [[captured], [authorized], [authorized, captured]]) {
      shop.write(writer, (doc) => carry(doc, old))
      expect(shop.shown).toBe(undefined)
    }
    // Its last word may come back, as when the deletion of the block is undone.
    expect(shop.write(writer, (doc) => push(doc, [authorized, refunded]))).toBe(undefined)
    expect(shop.shown).toMatchObject({ status: 'refunded', source: 'provider' })
    shop.write(writer, (doc) => carry(doc, [captured]))
    expect(shop.shown).toBe(undefined)
    shop.say('processing')
    expect(shop.shown?.status).toBe('processing')
  })

  test('whatever is removed, undone and brought back, nothing shows but the last word of those who may say it', () => {
    const step = fc.record({
      kind: fc.constantFrom('say', 'say', 'remove', 'replay', 'replay', 'swap', 'expose', 'undo', 'start'),
      a: fc.nat(99),
      b: fc.nat(99),
      isHeld: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        const shop = new Shop()
        for (const { kind, a, b, isHeld } of steps) {
          const old = [shop.said[a % shop.said.length], shop.said[b % shop.said.length]].filter((claim) => !!claim)
          if (kind === 'say') {
            if (getBlock(shop.server, 'b1') === undefined) shop.write(writer, (doc) => void blockOf(doc))
            shop.say(STATUSES[a % STATUSES.length] ?? 'captured')
          }
          if (kind === 'remove') shop.write(writer, (doc) => void blockOf(doc).statuses(PAYMENT).remove('o-7'))
          if (kind === 'replay') shop.write(writer, (doc) => push(doc, old))
          if (kind === 'swap') shop.write(writer, (doc) => void blockOf(doc).map.set('statuses', Y.Array.from(old)))
          if (kind === 'start')
            shop.write(writer, (doc) => {
              const statuses = blockOf(doc).statuses(PAYMENT)
              if (statuses.get('o-7') === undefined) statuses.startRun('o-7', { ...PERSON, actor: writer.actor })
            })
          if (kind === 'expose') expose(shop, writer, isHeld)
          if (kind === 'undo') undone(shop, writer, a % 2 === 0)
          const { shown } = shop
          if (shown?.source === 'provider') expect(shown, kind).toEqual(shop.last)
          else expect(shown?.status ?? 'pending').toBe('pending')
        }
      }),
      { numRuns: 60 },
    )
  })
})

/** Deletes the claim that shows, while another may stand beaten by it. */
function expose(shop: Shop, writer: BlocksWriter, isHeld: boolean): void {
  const doc = forkDoc(shop.server)
  const list = getBlock(doc, 'b1')?.map.get('statuses')
  const { shown } = shop
  if (!(list instanceof Y.Array) || shown === undefined) return
  const before = Y.encodeStateVector(doc)
  // The claims that stood beaten before they were pruned come back beside the winner, and the winner goes.
  const at = list.toArray().findIndex((each) => (each as MachineClaim).at === shown.at)
  doc.transact(() => {
    list.push([...shop.said])
    if (at >= 0) list.delete(at)
  })
  shop.send(writer, Y.encodeStateAsUpdate(doc, before), isHeld)
}

/** Deletes the block and takes that back. The provider may say something in between, which the deletion takes along. */
function undone(shop: Shop, writer: BlocksWriter, isLate: boolean): void {
  const doc = forkDoc(shop.server)
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, options)
  const sent: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => sent.push(update))
  deleteBlock(doc, 'b1')
  undo.undo()
  if (isLate && shop.shown?.source === 'provider') shop.say('refunded')
  for (const update of sent) expect(shop.send(writer, update)).toBe(undefined)
}
