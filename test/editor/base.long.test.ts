import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { addText, openPages, saved } from './open-pages.ts'

const pages = openPages()

describe.skipIf(!pages.isThere)('a server below a path', () => {
  it('[A199, E86] the pages, their files, sockets and links work below the base, with or without a proxy that removes it', async () => {
    await using home = await tempDirectory()
    await using server = await startJoinery({ directory: join(home.path, 'data'), env: { JOINERY_BASE: '/joinery' } })
    const http = server.url.replace('ws', 'http')
    const ann = await pages.open(`${http}/joinery/`, { serviceWorkers: 'allow' })
    await ann.getByRole('link', { name: 'Open a board' }).click()
    await saved(ann)
    expect(ann.url()).toBe(`${http}/joinery/w/demo`)
    await addText(ann)
    await ann.keyboard.type('below')
    await saved(ann)
    await ann.keyboard.press('Control+Enter')
    await ann.getByRole('textbox', { name: 'Text of Text 1' }).waitFor()
    await ann.keyboard.press('Escape')
    await ann.getByRole('button', { name: 'History' }).click()
    await ann.getByRole('slider').waitFor()
    await ann.getByRole('link', { name: 'Joinery' }).click()
    await ann.waitForURL(`${http}/joinery/`)
    // A proxy that removes the base asks for the path without it.
    expect(await (await fetch(`${http}/w/demo`)).text()).toContain('src="/joinery/assets/')
    const blocks = (await (await fetch(`${http}/joinery/v1/workspaces/demo/blocks`)).json()) as {
      blocks: { content: string }[]
    }
    expect(blocks.blocks.map(({ content }) => content)).toEqual(['below'])
  })

  it('[A199] a proxy can name the base in a header, and no such header gets anything else into a page', async () => {
    const pageFor = async (prefix: string): Promise<string> =>
      (await fetch(`${pages.httpUrl}/w/demo`, { headers: { 'x-forwarded-prefix': prefix } })).text()
    expect(await pageFor('/tools/joinery/')).toContain('src="/tools/joinery/assets/')
    for (const bad of ['"><script>', '//evil.example', 'https://evil.example', '/..', '/a/../b'])
      expect(await pageFor(bad)).toContain('src="/assets/')
  })
})
