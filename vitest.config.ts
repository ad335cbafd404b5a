import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { TEST_MS, WAIT_MS } from './test/support/patience.ts'

/** Test files with one of these suffixes take long: `npm test` leaves them out, `npm run test:long` runs them. */
const LONG = '*.{crash,fuzz,property,long}.test'
/** Files that only `npm run nightly` runs. */
const NIGHTLY = '**/*.nightly.test.{ts,mts}'
/** Their files leave nothing behind in the process: a worker loads what they share once, which halves their CPU time. */
const TOGETHER = ['packages/*/src/**/*.test.ts', 'apps/{demonstration,editor}/src/**/*.test.ts']
const CRASHES = 'packages/*/src/**/*.crash.test.ts'
/** These files start and kill processes and fill disks, for which each file has a process of its own. */
const PROCESSES = [CRASHES, 'apps/server/src/**/*.test.{ts,mts}', 'test/**/*.test.ts']
/** One browser and one server for all of these. */
const EDITOR = 'test/editor/**/*.test.ts'

type ProjectOptions = Exclude<TestProjectInlineConfiguration['test'], undefined>

/** Two projects of one kind of files: `name` has the quick ones, `long-name` those with a suffix of {@link LONG}. */
function inBothLanes(name: string, files: string[], { exclude = [], ...options }: ProjectOptions) {
  const excluded = ['**/node_modules/**', NIGHTLY, ...exclude]
  const long = files.map((glob) => glob.replace('*.test', LONG))
  return [
    { extends: true, test: { ...options, name, include: files, exclude: [...excluded, `**/${LONG}.{ts,mts}`] } },
    { extends: true, test: { ...options, name: `long-${name}`, include: long, exclude: excluded } },
  ] as const
}

export default defineConfig({
  test: {
    projects: [
      ...inBothLanes('units', TOGETHER, { exclude: [CRASHES], isolate: false }),
      ...inBothLanes('processes', PROCESSES, { exclude: [EDITOR] }),
      ...inBothLanes('editor', [EDITOR], { globalSetup: 'test/editor/one-browser.ts' }),
    ],
    // Servers and commands start in a third of the time.
    globalSetup: 'test/support/build-command.ts',
    pool: 'forks',
    // Hundreds of short-lived programs are started: stripping types and compiling anew is half of what many of them cost.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/joinery', import.meta.url)) },
    // Many tests wait for processes, sockets and disks: one more than two cores can run costs little.
    maxWorkers: 3,
    expect: { poll: { timeout: WAIT_MS } },
    testTimeout: TEST_MS,
    hookTimeout: TEST_MS,
  },
})
