import type { Durability } from '@joinery/log'
import type { Hello } from '@joinery/protocol'
import { expectTypeOf, it } from 'vitest'

// The protocol and the log import no sister package: each spells the three itself, and the compiler compares them here.
it('hello can say each durability that a store can promise, and no other', () => {
  expectTypeOf<Hello['durability']>().toEqualTypeOf<Durability>()
})
