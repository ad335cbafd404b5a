import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { ensureEditorBuilt } from '../../apps/server/src/editor-build.mts'
import { launchChromium } from '../browser/chromium.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'

/** A block as the HTTP face tells it: whatever the page's text is made of, this is what everybody has. */
export interface KnownBlock {
  readonly id: string
  readonly content: string
  readonly fields: { readonly title?: string }
  readonly indexingList: readonly { index_name: string; status: string }[]
}

/** The whole server in a process of its own, and people with a browser each. */
export class OpenPages implements AsyncDisposable {
  readonly #server: JoineryProcess
  readonly #directory: TempDirectory
  readonly #browser: Browser
  /** What pages complained about. */
  readonly errors: string[] = []

  private constructor(server: JoineryProcess, directory: TempDirectory, browser: Browser) {
    this.#server = server
    this.#directory = directory
    this.#browser = browser
  }

  static async open(executable: string): Promise<OpenPages> {
    await ensureEditorBuilt()
    const directory = await tempDirectory()
    const [server, browser] = await Promise.all([
      // What is indexed goes with the directory, too.
      startJoinery({ directory: join(directory.path, 'data'), env: { TMPDIR: directory.path } }),
      launchChromium(executable),
    ])
    return new OpenPages(server, directory, browser)
  }

  /** For sockets; `http:` takes the same place. */
  get url(): string {
    return this.#server.url
  }

  get httpUrl(): string {
    return this.#server.url.replace('ws', 'http')
  }

  /** A person with a device of their own, as `options` describe it; `prepare` sees the page before it loads. */
  async visit(
    workspace: string,
    { prepare, ...options }: BrowserContextOptions & { prepare?: (page: Page) => Promise<void> } = {},
  ): Promise<Page> {
    const page = await (await this.#browser.newContext(options)).newPage()
    await prepare?.(page)
    // Less than a test may take, so that the step that hangs is the one that is named.
    page.setDefaultTimeout(15_000)
    page.on('pageerror', (error) => this.errors.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text())
    })
    await page.goto(`${this.httpUrl}/w/${workspace}`)
    await page.getByRole('status', { name: 'Save status' }).getByText('Saved', { exact: true }).waitFor()
    return page
  }

  async blocks(workspace: string): Promise<readonly KnownBlock[]> {
    const response = await fetch(`${this.httpUrl}/v1/workspaces/${workspace}/blocks`)
    expect(response.status).toBe(200)
    return ((await response.json()) as { blocks: KnownBlock[] }).blocks
  }

  async contentOf(workspace: string, title: string): Promise<string | undefined> {
    return (await this.blocks(workspace)).find(({ fields }) => fields.title === title)?.content
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    await this.#server[Symbol.asyncDispose]()
    await this.#directory[Symbol.asyncDispose]()
  }
}

/** Types at the end of a block's text, as a person does. */
export async function typeIn(page: Page, title: string, text: string): Promise<void> {
  await page.getByRole('textbox', { name: `Content of ${title}` }).click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type(text)
}

/** What a block's text shows on this page; of several lines only the letters, where each line is an element. */
export function shownText(page: Page, title: string): Promise<string> {
  return page
    .getByRole('textbox', { name: `Content of ${title}` })
    .evaluate((field: HTMLElement) => (field instanceof HTMLTextAreaElement ? field.value : field.textContent))
}
