import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { NIGHTLY_TEST_MS, WAIT_MS } from './test/support/patience.ts'

/**
 * The long runs: every fuzz, crash and property-history test with a budget of minutes instead of seconds, and what no other run
 * has time for, such as the benches' own tests. The former read JOINERY_NIGHTLY and take larger numbers when it is set; a seed
 * that fails here becomes a named test of `npm test`.
 */
export default defineConfig({
  test: {
    include: [
      '{packages,apps}/*/src/**/*.{fuzz,crash,property,nightly}.test.{ts,mts}',
      'test/**/*.{fuzz,crash,property,nightly}.test.ts',
    ],
    // As in vitest.config.ts: thousands of programs are started.
    globalSetup: 'test/support/build-command.ts',
    pool: 'forks',
    env: {
      JOINERY_NIGHTLY: '1',
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/joinery', import.meta.url)),
    },
    expect: { poll: { timeout: WAIT_MS } },
    testTimeout: NIGHTLY_TEST_MS,
    hookTimeout: NIGHTLY_TEST_MS,
  },
})
