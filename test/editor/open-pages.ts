import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest'
import { newPage } from '../browser/chromium.ts'

/** A block as the HTTP face gives it, independent of how a page draws it. */
export interface KnownBlock {
  readonly id: string
  readonly content: string
  readonly fields: { readonly title?: string }
  readonly indexingList: readonly { index_name: string; status: string }[]
}

export interface VisitOptions extends BrowserContextOptions {
  /** Name that this person has had since an earlier visit; a new person is given one by chance. */
  readonly person?: string
  /** Called with the page before it loads. */
  readonly prepare?: (page: Page) => Promise<void>
}

/** Opens pages for the tests of a file. `isThere` is false on a machine without a browser. */
export function openPages(): OpenPages {
  const pages = new OpenPages()
  beforeAll(() => pages.connect())
  afterEach(async () => {
    const errors = pages.errors.splice(0)
    // A page that stays open goes on drawing and talking to the server, at the cost of the tests that follow.
    await pages.closeAll()
    // A page that misses its server goes on complaining until it is closed.
    pages.errors.splice(0)
    expect(errors).toEqual([])
  })
  afterAll(() => pages.disconnect())
  return pages
}

/** The run's one server, and people with a browser each. */
export class OpenPages {
  readonly #endpoint = inject('browser')
  #browser: Browser | undefined
  /** Errors that pages have logged. There are none at the end of a test. */
  readonly errors: string[] = []
  /** For sockets; `http:` takes the same place. */
  readonly url = inject('joinery')
  readonly httpUrl = this.url.replace('ws', 'http')

  get isThere(): boolean {
    return this.#endpoint !== undefined
  }

  async connect(): Promise<void> {
    if (this.#endpoint !== undefined) this.#browser = await chromium.connect(this.#endpoint)
  }

  /** Closes what was opened here; the browser stays. */
  async disconnect(): Promise<void> {
    await this.#browser?.close()
  }

  async closeAll(): Promise<void> {
    await Promise.all((this.#browser?.contexts() ?? []).map((context) => context.close()))
  }

  /** A person with a device of their own, as `options` describe it, in `workspace`, with what they wrote before saved. */
  async visit(workspace: string, options: VisitOptions = {}): Promise<Page> {
    const page = await this.open(`${this.httpUrl}/w/${workspace}`, options)
    await saved(page)
    return page
  }

  /**
   * Opens a page at any address. Resolves as soon as it has loaded. Only with `serviceWorkers: 'allow'` it has its service worker,
   * which copies the whole editor to the device.
   */
  async open(url: string, { person, prepare, ...options }: VisitOptions = {}): Promise<Page> {
    if (this.#browser === undefined) throw new Error('there is no browser')
    const page = await newPage(this.#browser, { serviceWorkers: 'block', ...options })
    if (person !== undefined) {
      await page.addInitScript(
        (stored) => localStorage.setItem('joinery person', stored),
        JSON.stringify({ name: person, hue: person.length * 40 }),
      )
    }
    await prepare?.(page)
    page.on('pageerror', (error) => this.errors.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text())
    })
    await page.goto(url)
    return page
  }

  async blocks(workspace: string): Promise<readonly KnownBlock[]> {
    const response = await fetch(`${this.httpUrl}/v1/workspaces/${workspace}/blocks`)
    expect(response.status).toBe(200)
    return ((await response.json()) as { blocks: KnownBlock[] }).blocks
  }

  /** Ids are random: a block is found by its title. */
  async idOf(workspace: string, title: string): Promise<string> {
    const blocks = await this.blocks(workspace)
    const block = blocks.find(({ fields }) => fields.title === title)
    if (block === undefined) throw new Error(`no block ${title} among ${blocks.map(({ fields }) => fields.title)}`)
    return block.id
  }

  async contentOf(workspace: string, title: string): Promise<string | undefined> {
    return (await this.blocks(workspace)).find(({ fields }) => fields.title === title)?.content
  }
}

export const statusOf = (page: Page) => page.getByRole('status', { name: 'Save status' })
export const saved = (page: Page): Promise<void> => statusOf(page).getByText('Saved', { exact: true }).waitFor()

/** Adds a text block as a person does, and waits until its text has the focus: the canvas may still be on its way. */
export async function addText(page: Page, title = 'Text 1'): Promise<void> {
  await page.getByRole('button', { name: 'Add text block' }).click()
  await page
    .getByRole('textbox', { name: `Content of ${title}` })
    .and(page.locator(':focus'))
    .waitFor()
}

/** Types at the end of a block's text, as a person does. */
export async function typeIn(page: Page, title: string, text: string): Promise<void> {
  await page.getByRole('textbox', { name: `Content of ${title}` }).click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type(text)
}

/** A block's text as this page shows it. Where each line is an element, line breaks are missing. */
export function shownText(page: Page, title: string): Promise<string> {
  return page
    .getByRole('textbox', { name: `Content of ${title}` })
    .evaluate((field: HTMLElement) => (field instanceof HTMLTextAreaElement ? field.value : field.textContent))
}
