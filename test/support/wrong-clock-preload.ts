import { readFileSync } from 'node:fs'

/** Loaded by children of a {@link WrongClock} before their own program, where there is no libfaketime. */
const { now } = Date
const file = process.env.JOINERY_TEST_CLOCK ?? ''
Date.now = () => now() + Number(readFileSync(file, 'utf8')) * 1_000
