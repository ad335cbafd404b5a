import { defineConfig } from 'vitest/config'

/**
 * The long runs: every fuzz, crash and property-history test with a budget of minutes instead of seconds. Those tests
 * read JOINERY_NIGHTLY and take larger numbers when it is set; a seed that fails here becomes a named test of `npm test`.
 */
export default defineConfig({
  test: {
    include: [
      '{packages,apps}/*/src/**/*.{fuzz,crash,property}.test.{ts,mts}',
      'test/**/*.{fuzz,crash,property}.test.ts',
    ],
    pool: 'forks',
    env: { JOINERY_NIGHTLY: '1' },
    // What is waited for comes when it comes: a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 20 * 60_000,
  },
})
