import { defineSaga, StepError, step } from '@joinery/worker'
import { z } from 'zod'

/** Many attempts: leases end while a node or a worker is away. */
const retry = { attempts: 100, firstMs: 50, maxMs: 400 }

const input = z.object({
  reference: z.string(),
  /** Address of the ledger. */
  ledger: z.string(),
  /** Whether the last step fails for good: everything is then taken back. */
  fails: z.boolean(),
})
export type OrderInput = z.infer<typeof input>

/** Id of the block that an order makes. */
export const blockOf = (reference: string): string => `order-${reference}`

/** An order: a block of the document, a charge in the ledger, and a last step that may fail. */
export const orderSaga = defineSaga({
  name: 'order',
  version: 1,
  input,
  steps: [
    step<OrderInput>('note', {
      retry,
      run: ({ input: { reference }, edit }) =>
        edit((d) => ({ blocks: [d.put(blockOf(reference), { type: 'text', content: reference })] })),
      compensate: ({ result, removeIfUntouched }) => removeIfUntouched(result?.blocks),
    }),
    step<OrderInput>('charge', {
      retry,
      run: async ({ input: { reference, ledger }, http }) => {
        const { body } = await http.post(`${ledger}/charges`, { body: { reference, amount: 5 } })
        return { charge: body.charge }
      },
      compensate: async ({ input: { ledger }, result, runKey, http }) => {
        await http.post(`${ledger}/refunds`, { body: { charge: result?.charge ?? runKey } })
      },
    }),
    step<OrderInput>('ship', {
      retry,
      run: ({ input: { fails } }) => {
        if (fails) throw new StepError('permanent', 'nothing is left')
        return null
      },
      pivot: true,
    }),
  ],
})
