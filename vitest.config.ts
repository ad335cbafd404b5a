import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.{ts,mts}', 'test/**/*.test.ts'],
    pool: 'forks',
    // Many tests wait for processes, sockets and disks: two at a time cost little more than one.
    maxWorkers: 2,
    // What is waited for comes when it comes: a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
    testTimeout: 60_000,
  },
})
