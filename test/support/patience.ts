/**
 * Deadlines of every test. They end a test that hangs; they measure nothing, so that a machine which is many times slower
 * than a quiet one passes. A test states no deadline of its own (K13).
 */

/** A rule that promises a time is held to so many times that time: tests may run on a machine that is so much slower. */
export const SLOWNESS_MAX = 4
/** How long a test waits for one thing that has to happen. */
export const WAIT_MS = 4 * 60_000
/** How long one test, or one hook, may take: a few waits. */
export const TEST_MS = 15 * 60_000
/** The same in the nightly runs, which repeat one random thing for an hour. */
export const NIGHTLY_TEST_MS = 3 * 3_600_000
