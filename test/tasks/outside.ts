import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One charge of the ledger. It is made once for each key. */
export interface Charge {
  readonly key: string
  readonly reference: string
  readonly amount: number
  /** Keys of the refunds that were made. */
  readonly refunds: readonly string[]
}

export type Order = 'go' | 'die'

/** The world outside of the document: a ledger of charges, and the places that steps pass. */
export interface Outside extends AsyncDisposable {
  readonly url: string
  charges(reference?: string): readonly Charge[]
  /** Called with each place that a step of a worker passes, before the step is let on. Answers what the worker has to do. */
  onPlace: (place: string, pid: number) => Order | Promise<Order>
}

/** Starts the ledger. `GET` answers all charges. A charge or refund with a known key is answered as the first time. */
export async function startOutside(): Promise<Outside> {
  const charges = new Map<string, { key: string; reference: string; amount: number; refunds: string[] }>()
  const refunds = new Set<string>()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') return void response.end(JSON.stringify(outside.charges()))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, never>
    const key = String(request.headers['idempotency-key'])
    response.setHeader('content-type', 'application/json')
    if (request.url === '/places') {
      const order = await outside.onPlace(String(body.place), Number(body.pid))
      response.end(JSON.stringify({ order }))
    } else if (request.url === '/charges') {
      const charge = charges.get(key) ?? {
        key,
        reference: String(body.reference),
        amount: Number(body.amount),
        refunds: [],
      }
      charges.set(key, charge)
      response.end(JSON.stringify({ charge: charge.key }))
    } else {
      const charge = charges.get(String(body.charge))
      if (charge !== undefined && !refunds.has(key)) charge.refunds.push(key)
      refunds.add(key)
      response.end(JSON.stringify({ isRefunded: charge !== undefined }))
    }
  }
  // A worker that is killed breaks its request off: there is nobody to answer.
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  const outside: Outside = {
    url: '',
    onPlace: () => 'go',
    charges: (reference) =>
      [...charges.values()].filter((charge) => (reference ?? charge.reference) === charge.reference),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(outside, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}
