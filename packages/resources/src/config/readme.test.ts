import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { ADAPTER_KINDS } from '../adapters/kinds.ts'
import { readResourcesConfig } from './read-config.ts'

it('[RS1] the configurations in README.md are read', async () => {
  const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const configs = Array.from(text.matchAll(/```json\n([\s\S]*?)```/g), ([, config = '']) =>
    readResourcesConfig(config, ADAPTER_KINDS),
  )
  expect(configs.map(({ adapters }) => adapters.map(({ machine }) => machine))).toEqual([
    ['payment@1'],
    [],
    ['sync@1'],
    ['embedding@1'],
    [],
  ])
})
