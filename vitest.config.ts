import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.{ts,mts}', 'test/**/*.test.ts'],
    pool: 'forks',
    // Many tests wait for processes, sockets and disks: two at a time cost little more than one.
    maxWorkers: 2,
    testTimeout: 30_000,
  },
})
