import type { AdapterKind } from './adapter.ts'

/** The kinds of adapters that a configuration may name. */
export const ADAPTER_KINDS: readonly AdapterKind[] = []
