import { HandClock } from '@joinery/log/testing'

const STEP_MS = 5
/** Rounds of promises that one step of time may set off. */
const ROUNDS = 4

/** Time of a simulation: it passes in steps, and all promises that a step sets off are settled before the next. */
export class VirtualTime {
  readonly clock = new HandClock()

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.clock.pass(STEP_MS)
      for (let round = 0; round < ROUNDS; round++) await new Promise(setImmediate)
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve))
  }
}
