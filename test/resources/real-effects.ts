import { createHash } from 'node:crypto'
import type { ResourceAdapter, SyncContext } from '@joinery/resources'
import { ADAPTER_KINDS, FileError, Secrets, scopeOf } from '@joinery/resources'
import type { StepContext } from '@joinery/worker'
import { type Bucket, storeIn } from '../files/s3-scene.ts'
import type { TemplateEffects, TemplateInput } from '../tasks/template-effects.ts'

/** The outside of a template's steps: a bucket, and a ledger that speaks as Stripe does. */
export interface RealOutside {
  readonly bucket: Bucket
  readonly ledger: string
}

const TICKET_MS = 15 * 60_000
const LEDGER_KEY = 'sk_test_of_the_ledger'
const AMOUNT = 5

/** Files of a template are in a scope each, so that one is taken back without the others. */
export function scopeOfFile(prefix: string, item: string): string {
  return scopeOf(`${prefix}/${item}`)
}

/** The block of a template that its payment belongs to. */
export const payerOf = (prefix: string): string => `${prefix}-board`

/** Uploads to the bucket by the store that the server has, and payments at the ledger by the adapter that it has. */
export function realEffects({ bucket, ledger }: RealOutside): TemplateEffects {
  const store = storeIn(bucket, { ticketMs: TICKET_MS })
  const adapter = stripeAt(ledger)
  return {
    async upload({ input: { prefix }, item, key, signal }) {
      const scope = scopeOfFile(prefix, item)
      const content = Buffer.from(`${prefix} ${item}`)
      const file = { scope, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }
      const upload = { scope, key, id: await store.begin({ scope, key }) }
      if (!(await store.has(file))) {
        const { url } = await store.urlOfPart(upload, { n: 1, bytes: content.length })
        const answer = await fetch(url, { method: 'PUT', body: content, signal })
        await answer.arrayBuffer()
        if (!answer.ok) throw Object.assign(new Error('the store did not take the part'), { status: answer.status })
        // An earlier attempt that was slow may have joined the parts, or made the file of them, in between.
        const parts = await store.parts(upload).catch((error: unknown) => {
          if (error instanceof FileError && error.code === 'unknown_upload') return []
          throw error
        })
        await store.complete(upload, parts).catch(async (error: unknown) => {
          if (!(await store.has(file))) throw error
        })
      }
      // An attempt before this one may have been cut short between the file and what it was made of.
      await store.publish(upload, file)
      return file
    },
    removeUpload: ({ input: { prefix }, item }) => store.removeScope(scopeOfFile(prefix, item)),
    charge: async (context) => ({ ...(await adapter.sync(callOf(context))) }),
    async refund(context) {
      const call = callOf(context)
      // Nobody knows whether the payment was made: the ledger is asked by the key that the run had.
      const key = context.runKey ?? context.key
      const externalId = context.result?.externalId ?? (await adapter.find?.({ ...call, key }))?.externalId
      await adapter.undo?.({ ...call, externalId })
    },
  }
}

function stripeAt(url: string): ResourceAdapter {
  const kind = ADAPTER_KINDS.find((each) => each.kind === 'stripe')
  if (kind === undefined) throw new Error('there is no adapter for Stripe')
  const config = kind.config.parse({ kind: 'stripe', secret: 'ledger', currencies: ['eur'], amountMax: 10_000, url })
  const secrets = new Secrets({ JOINERY_SECRET_LEDGER: LEDGER_KEY })
  return kind.open(config, { machine: 'payment@1', secrets })
}

function callOf(context: StepContext<TemplateInput>): SyncContext {
  const { input, workspace, key, attempt, signal, startedAt } = context
  return {
    resource: { workspace, block: payerOf(input.prefix), machine: 'payment@1', name: 'plan' },
    detail: { amount: AMOUNT, currency: 'eur', payment_method: 'pm_card_visa' },
    ...{ key, attempt, signal, startedAt },
    beat: () => undefined,
  }
}
