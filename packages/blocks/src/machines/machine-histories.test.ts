import fc from 'fast-check'
import { test } from 'vitest'
import { MachineWorld } from './testing/machine-world.ts'
import { aMachine } from './testing/random-machine.ts'

const aStep = fc.record({ kind: fc.nat(255), a: fc.nat(255), b: fc.nat(255), c: fc.nat(255) })

test('[B107] twenty histories of twenty machines keep the law', () => {
  fc.assert(
    fc.property(
      aMachine,
      fc.integer({ min: 2, max: 6 }),
      fc.array(aStep, { minLength: 20, maxLength: 40 }),
      (machine, replicas, steps) => {
        const world = new MachineWorld(machine, replicas)
        for (const step of steps) world.step(step)
        world.agree()
      },
    ),
    { numRuns: 20 },
  )
})
