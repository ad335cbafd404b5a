import { EMBEDDINGS } from '../embeddings/embeddings-kind.ts'
import type { AdapterKind } from './adapter.ts'
import { HTTP } from './http/http.ts'
import { STRIPE } from './stripe/stripe.ts'

/** The kinds of adapters that a configuration may name. */
export const ADAPTER_KINDS = [HTTP, STRIPE, EMBEDDINGS] as unknown as readonly AdapterKind[]
