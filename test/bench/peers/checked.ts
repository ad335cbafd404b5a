/**
 * Joinery's server as it is, or one that inspects no update and books no cost, all else the same.
 * usage: node checked.ts PORT DIRECTORY with|without
 */
import { documentRules } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { createServer, type DocumentRules, type RuledDocument, type Server } from '@joinery/server'

const [port, directory, name] = process.argv.slice(2)
if (directory === undefined || (name !== 'with' && name !== 'without')) throw new Error('PORT DIRECTORY with|without')

/** The rules of blocks, which let in every update unseen. They still say which paths an edit touches, observe and prune. */
const unseeing: DocumentRules = {
  open(doc, authors, holdersOf) {
    const ruled: RuledDocument = documentRules.open(doc, authors, holdersOf)
    return {
      inspect: () => undefined,
      withhold: (update) => update,
      mayBeOthers: () => false,
      spoilWaiting: () => undefined,
      ownersOf: (client) => ruled.ownersOf(client),
      share: (client, actor) => ruled.share(client, actor),
      recordAuthor: (update, actor) => ruled.recordAuthor(update, actor),
      recordRelay: (update, actor, ownId) => ruled.recordRelay(update, actor, ownId),
      encodeAuthors: () => ruled.encodeAuthors(),
      touched: (transaction) => ruled.touched(transaction),
      observe: (listener) => ruled.observe(listener),
      prune: (touched, isHeld) => ruled.prune(touched, isHeld),
    }
  },
}

/** Has a server's ledger book nothing, so that nobody rests. For this bench alone: no option of the server does it. */
function stopBooking({ costs }: Server): void {
  const nothing = { book: (): number => 0, charge: (): number => 0, chargeCost: (): void => undefined }
  for (const method of Object.keys(nothing)) {
    if (!(method in costs)) throw new Error(`the ledger has no method ${method} any more: change this bench`)
  }
  Object.assign(costs, nothing)
}

const store = await openLevelStore({ directory, durability: 'async' })
const server = createServer({ port: Number(port), store, rules: name === 'with' ? documentRules : unseeing })
if (name === 'without') stopBooking(server)
await server.listen()
console.log('checked server listening')
process.once('SIGTERM', async () => {
  await server.close()
  await store.close()
  process.exit(0)
})
