import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connectWorkspace } from '@joinery/client'
import { setPosition } from '@joinery/react-flow'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { launchChromium, newPage, requireChromium } from '../browser/chromium.ts'
import { servePage } from '../browser/page-server.ts'
import { bundle } from '../size/bundle.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const ADDRESS = 'ws://127.0.0.1:1234'
const STYLE = "import '@xyflow/react/dist/style.css'\n"
const README = await readFile(new URL('../../packages/react-flow/README.md', import.meta.url), 'utf8')
const example = /```tsx\n(import .*?)\n```/s.exec(README)?.[1] ?? expect.fail('its README.md has no example')
const executable = requireChromium()

describe.skipIf(executable === undefined)('the React Flow example in its README.md', () => {
  it('[RF13] shows two people the same canvas, on which they type, connect and drag while a job moves a block', async () => {
    await using directory = await tempDirectory()
    await using joinery = await startJoinery({ directory: directory.path, durability: 'memory' })
    await using job = connectWorkspace({
      url: joinery.url,
      workspace: 'demo',
      actor: 'job',
      source: 'workflow_execution',
    })
    await job.whenSynced
    const author = { source: 'workflow_execution', actor: 'job' } as const
    for (const [n, id] of ['plan', 'draft'].entries()) {
      setPosition(job.blocks.create(id, { type: 'text' }), { x: 400 * n, y: 0 }, author)
    }
    expect(example).toContain(ADDRESS)
    expect(example).toContain(STYLE)
    const mounted = `import { createRoot } from 'react-dom/client'
${example.replace(ADDRESS, joinery.url).replace(STYLE, '')}
createRoot(document.getElementById('root')!).render(<App />)`
    const { code } = await bundle(mounted)
    const style = await readFile(createRequire(import.meta.url).resolve('@xyflow/react/dist/style.css'), 'utf8')
    const page = `<style>${style}</style><div id="root" style="width: 1000px; height: 600px"></div>`
    const site = await servePage(code, page)
    const browser = await launchChromium(executable ?? '')
    const errors: string[] = []
    const visit = async (): Promise<Page> => {
      const opened = await newPage(browser)
      opened.on('pageerror', (error) => errors.push(String(error)))
      await opened.goto(site.url)
      await opened.getByRole('textbox', { name: 'draft' }).waitFor()
      return opened
    }
    try {
      const [ada, bob] = [await visit(), await visit()]
      await ada.getByRole('textbox', { name: 'plan' }).fill('Measure twice.')
      await expect.poll(() => bob.getByRole('textbox', { name: 'plan' }).inputValue()).toBe('Measure twice.')
      await bob.locator('[data-id="plan"] .source').dragTo(bob.locator('[data-id="draft"] .target'))
      await ada.locator('.react-flow__edge').waitFor({ state: 'attached' })
      setPosition(job.blocks.get('draft') ?? expect.fail('it is gone'), { x: 300, y: 250 }, author)
      const places = (on: Page) =>
        on
          .locator('.react-flow__node')
          .evaluateAll((nodes) => nodes.map((node) => (node as HTMLElement).style.transform))
      await expect.poll(() => places(ada)).toContain('translate(300px, 250px)')
      const name = await ada.getByText('plan', { exact: true }).boundingBox()
      const { x = 0, y = 0 } = name ?? {}
      await ada.mouse.move(x + 4, y + 4)
      await ada.mouse.down()
      await ada.mouse.move(x + 44, y + 64, { steps: 4 })
      await ada.mouse.up()
      await expect.poll(() => job.blocks.get('plan')?.fields.get('position')).not.toEqual({ x: 0, y: 0 })
      await expect.poll(() => places(bob)).toEqual(await places(ada))
      expect(errors).toEqual([])
    } finally {
      await browser.close()
      await site.close()
    }
  })
})
