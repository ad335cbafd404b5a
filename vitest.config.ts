import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.mts', 'test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
  },
})
