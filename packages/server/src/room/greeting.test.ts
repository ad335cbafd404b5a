import type { Durability } from '@joinery/log'
import type { Hello } from '@joinery/protocol'
import { expectTypeOf, it } from 'vitest'

// Neither the protocol nor the log imports the other, so each spells the three itself. The compiler compares them here.
it('hello can say each durability that a store can promise, and no other', () => {
  expectTypeOf<Hello['durability']>().toEqualTypeOf<Durability>()
})
