import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Their files leave nothing behind in the process: a worker loads what they share once, which halves their CPU time. */
const TOGETHER = ['packages/*/src/**/*.test.ts', 'apps/{demonstration,editor}/src/**/*.test.ts']
/** They kill processes and fill disks, for which each file has a process of its own. */
const CRASHES = 'packages/*/src/**/*.crash.test.ts'
/** One browser and one server for all of them. */
const EDITOR = 'test/editor/**/*.test.ts'
const EXCLUDED = ['**/node_modules/**']

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'units', include: TOGETHER, exclude: [...EXCLUDED, CRASHES], isolate: false } },
      {
        extends: true,
        test: {
          name: 'processes',
          include: [CRASHES, 'apps/server/src/**/*.test.{ts,mts}', 'test/**/*.test.ts'],
          exclude: [...EXCLUDED, EDITOR],
        },
      },
      { extends: true, test: { name: 'editor', include: [EDITOR], globalSetup: 'test/editor/one-browser.ts' } },
    ],
    pool: 'forks',
    // Hundreds of short-lived programs are started: stripping types and compiling anew is half of what many of them cost.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/joinery', import.meta.url)) },
    // Many tests wait for processes, sockets and disks: one more than two cores can run costs little.
    maxWorkers: 3,
    // What is waited for comes when it comes: a busy machine is no failure.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
