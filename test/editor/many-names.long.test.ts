import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import { openPages } from './open-pages.ts'

const pages = openPages()

it.skipIf(!pages.isThere)(
  '[E88] a part of a name narrows the blocks to connect to, and Enter takes the only one left',
  async () => {
    await using filler = connectWorkspace({ url: pages.url, workspace: 'many-names', actor: 'filler' })
    await filler.whenSynced
    filler.transact(() => {
      for (let at = 0; at < 24; at++) {
        const block = filler.blocks.create(`b${at}`, { type: 'text' })
        block.fields.set('title', `Plan ${at}`, { source: 'user_action', actor: 'filler' })
      }
    })
    await filler.whenDurable()
    const ann = await pages.visit('many-names')
    await ann.getByRole('button', { name: 'Connect Plan 0 to…' }).press('Enter')
    const filter = ann.getByRole('searchbox', { name: 'Filter the blocks for Plan 0' })
    await filter.fill('plan 17')
    expect(
      await ann.getByRole('combobox', { name: 'Connect Plan 0 to' }).getByRole('option').allTextContents(),
    ).toEqual(['Choose a block', 'Plan 17'])
    await filter.press('Enter')
    await ann.getByRole('list', { name: 'Plan 0 leads to' }).getByText('→ Plan 17').waitFor()
  },
)
