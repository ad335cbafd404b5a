import fc from 'fast-check'
import { test } from 'vitest'
import { MachineWorld } from './testing/machine-world.ts'
import { aMachine } from './testing/random-machine.ts'

/** Number of histories per run of this file. The nightly command raises it. */
const HISTORIES = Number(process.env.JOINERY_HISTORIES ?? (process.env.JOINERY_NIGHTLY === undefined ? 600 : 20_000))
const aStep = fc.record({ kind: fc.nat(255), a: fc.nat(255), b: fc.nat(255), c: fc.nat(255) })

test('[B107, M1, M2, M3, M4, M5, M6, M7, M8] the law holds for any machine after every step of any history, and only is never broken', () => {
  fc.assert(
    fc.property(
      aMachine,
      fc.integer({ min: 2, max: 6 }),
      fc.array(aStep, { maxLength: 60 }),
      (machine, replicas, steps) => {
        const world = new MachineWorld(machine, replicas)
        for (const step of steps) world.step(step)
        world.agree()
      },
    ),
    { numRuns: HISTORIES, includeErrorInReport: true },
  )
})
