import { documentRules } from '@joinery/blocks'
import { openMemoryStore } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { createAuthenticator, createServer, originOf, type Server } from '@joinery/server'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { freePort } from '../support/free-port.ts'
import { runSize } from '../support/run-size.ts'
import { runSeed } from '../support/seeded-random.ts'
import { connectStock, type StockClient, whenSynced } from '../support/stock-client.ts'
import { makeToken, SECRET } from '../support/tokens.ts'

const W = 'w' as WorkspaceId
/** The two accounts of the person at each tab. The letter that a person types is the account. */
const ACCOUNTS = ['aA', 'bB', 'cC'] as const
const PEER = Symbol('a peer')

type Step = { readonly kind: 'type' | 'leave' | 'enter' | 'signIn' | 'relay' | 'restart'; readonly tab: number }

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind'][]>(
      'type',
      'type',
      'type',
      'leave',
      'enter',
      'signIn',
      'relay',
      'relay',
      'restart',
    ),
    tab: fc.nat(2),
  }),
  { minLength: 3, maxLength: 14 },
)

const textOf = (doc: Y.Doc): string => doc.getText('t').toString()

class World {
  readonly store = openMemoryStore()
  readonly typed: string[] = []
  readonly tabs: { readonly client: StockClient; account: string; isHere: boolean }[] = []
  readonly #relayWaitMs: number
  #server: Server | undefined
  #port = 0

  constructor(relayWaitMs: number) {
    this.#relayWaitMs = relayWaitMs
  }

  async start(): Promise<this> {
    this.#port = await freePort()
    await this.#serve()
    for (const accounts of ACCOUNTS) {
      const account = accounts.charAt(0)
      const client = connectStock({ version: '3.1', url: `ws://127.0.0.1:${this.#port}`, workspace: W })
      client.provider.disconnect()
      this.tabs.push({ client, account, isHere: false })
    }
    return this
  }

  async run({ kind, tab: index }: Step): Promise<void> {
    const tab = this.#tab(index)
    const { doc, provider } = tab.client
    switch (kind) {
      case 'type':
        doc.getText('t').insert(doc.getText('t').length, tab.account)
        this.typed.push(tab.account)
        return
      case 'leave':
        tab.isHere = false
        return provider.disconnect()
      case 'enter':
        return this.#enter(index)
      case 'signIn': {
        // After a restart the server knows who has a tab only once that account has been here again.
        await this.#enter(index)
        provider.disconnect()
        const [one, other] = ACCOUNTS[index] ?? 'aA'
        tab.account = (tab.account === one ? other : one) ?? ''
        tab.isHere = false
        await this.#enter(index)
        // The log learns who shares the tab from the first word of the new account: one that a restart overtakes is refused.
        await this.run({ kind: 'type', tab: index })
        const { clientID, store } = doc
        const logged = () => this.#server?.workspaces.read(W, (view) => Y.getState(view.doc.store, clientID))
        await expect.poll(logged).toBe(Y.getState(store, clientID))
        return
      }
      case 'relay':
        return Y.applyUpdate(this.#tab((index + 1) % 3).client.doc, Y.encodeStateAsUpdate(doc), PEER)
      case 'restart': {
        for (const one of this.tabs) one.client.provider.disconnect()
        await this.#server?.close()
        await this.#serve()
        for (const [at, one] of this.tabs.entries()) {
          if (!one.isHere) continue
          one.isHere = false
          await this.#enter(at)
        }
      }
    }
  }

  /** Everybody comes back and sees everything, and so does the next server. */
  async expectAllSaved(): Promise<void> {
    const expected = [...this.typed].sort().join('')
    for (const index of this.tabs.keys()) await this.#enter(index)
    for (const { client } of this.tabs) {
      await expect.poll(() => [...textOf(client.doc)].sort().join('')).toBe(expected)
    }
    const stored = async () => this.#server?.workspaces.read(W, ({ doc }) => textOf(doc))
    await expect.poll(stored).toBe(textOf(this.#tab(0).client.doc))
    const before = textOf(this.#tab(0).client.doc)
    await this.run({ kind: 'restart', tab: 0 })
    expect(await this.#server?.workspaces.read(W, ({ doc }) => textOf(doc))).toBe(before)
  }

  /** No record says for certain that somebody wrote what another typed. */
  async expectNoFalseAuthor(): Promise<void> {
    for await (const record of this.#server?.workspaces.records(W) ?? []) {
      if (originOf(record).mayBeOthers) continue
      for (const struct of Y.decodeUpdate(record.update).structs) {
        if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentString)) continue
        expect(new Set([...struct.content.str, record.actor])).toEqual(new Set([record.actor]))
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client } of this.tabs) client[Symbol.dispose]()
    await this.#server?.close()
    await this.store.close()
  }

  async #serve(): Promise<void> {
    const authenticator = createAuthenticator({ secret: SECRET })
    const limits = { relayWaitMs: this.#relayWaitMs }
    this.#server = createServer({ port: this.#port, authenticator, rules: documentRules, store: this.store, limits })
    await this.#server.listen()
  }

  async #enter(index: number): Promise<void> {
    const tab = this.#tab(index)
    if (tab.isHere) return
    tab.isHere = true
    tab.client.provider.params = { token: await makeToken({ sub: tab.account }) }
    tab.client.provider.connect()
    await whenSynced(tab.client)
  }

  #tab(index: number) {
    const tab = this.tabs[index]
    if (tab === undefined) throw new Error(`there is no tab ${index}`)
    return tab
  }
}

it('[T69] nobody is refused for good, nothing is lost, and no record names a false author, whatever tabs, peers, sign-ins and restarts do', async () => {
  const seed = runSeed() | 0
  console.log(`JOINERY_SEED=${seed >>> 0}`)
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(0, 60_000), async (history, relayWaitMs) => {
      await using world = await new World(relayWaitMs).start()
      for (const step of history) await world.run(step)
      await world.expectAllSaved()
      await world.expectNoFalseAuthor()
    }),
    { numRuns: runSize('JOINERY_CLIENT_ID_RUNS', { everyday: 60, nightly: 2_000 }), seed, endOnFailure: true },
  )
})
