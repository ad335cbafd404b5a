import type { Browser, Page } from 'playwright-core'
import { newPage } from '../../browser/chromium.ts'
import { encodeGif, type Frame } from './encode-gif.ts'

/** Size of a film's pictures, px. */
export const FILM_SIZE = { width: 1_080, height: 600 } as const
/** Length of a film, ms. */
export const FILM_MS = 20_000

/**
 * A film of a page, picture by picture. Each picture says how long it stays, so that the film has the same pace on a slow machine.
 * The page gets a pointer and a line of words, which a picture of a page does not have by itself.
 */
export class Film {
  readonly #page: Page
  readonly #shots: { readonly png: Buffer; delayMs: number }[] = []

  constructor(page: Page) {
    this.#page = page
  }

  /** Shows words at the upper edge of the canvas from now on. */
  async say(words: string): Promise<void> {
    await this.#page.evaluate((words) => {
      const line = document.querySelector<HTMLElement>('#film-words') ?? document.createElement('p')
      line.id = 'film-words'
      line.textContent = words
      // Not by an attribute: the page's own policy refuses that.
      line.style.cssText =
        'position:fixed;z-index:99;left:50%;top:122px;margin:0;padding:7px 18px;border-radius:99px;translate:-50% 0;' +
        'background:#2a211b;color:#fffefc;font-size:16px;font-weight:600;white-space:nowrap'
      document.body.append(line)
    }, words)
  }

  /** Moves the pointer that is seen. */
  async point(x: number, y: number): Promise<void> {
    await this.#page.evaluate(
      ([x, y]) => {
        const known = document.querySelector<HTMLElement>('#film-pointer')
        const pointer = known ?? document.createElement('div')
        pointer.id = 'film-pointer'
        pointer.style.cssText = `position:fixed;z-index:99;left:${x}px;top:${y}px;pointer-events:none`
        if (known === null) {
          pointer.innerHTML =
            '<svg width="20" height="24" viewBox="0 0 20 24"><path d="M2 2v17l4.5-4 3 7 3-1.3-3-6.7H16z" fill="#111" stroke="#fff" stroke-width="1.5"/></svg>'
          document.body.append(pointer)
        }
      },
      [x, y] as const,
    )
  }

  /** Takes a picture that stays for `delayMs`. */
  async shoot(delayMs: number): Promise<void> {
    const png = await this.#page.screenshot({ caret: 'initial' })
    const last = this.#shots.at(-1)
    if (last?.png.equals(png)) last.delayMs += delayMs
    else this.#shots.push({ png, delayMs })
  }

  /** The film as a GIF of {@link FILM_MS}: its last picture stays until then. Throws if the film is longer. */
  async develop(browser: Browser): Promise<Uint8Array> {
    const takenMs = this.#shots.reduce((sum, { delayMs }) => sum + delayMs, 0)
    const last = this.#shots.at(-1)
    if (last === undefined || takenMs > FILM_MS) throw new Error(`the film has ${takenMs} ms of ${FILM_MS}`)
    last.delayMs += FILM_MS - takenMs
    const page = await newPage(browser)
    const frames: Frame[] = []
    for (const { png, delayMs } of this.#shots) frames.push({ rgba: await pixelsOf(page, png), delayMs })
    await page.close()
    return encodeGif(frames, FILM_SIZE.width, FILM_SIZE.height)
  }
}

/** The pixels of a picture: the browser itself decodes it. */
async function pixelsOf(page: Page, png: Buffer): Promise<Uint8Array> {
  const base64 = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d')
    context?.drawImage(image, 0, 0)
    const pixels = context?.getImageData(0, 0, image.width, image.height).data ?? new Uint8ClampedArray()
    let text = ''
    for (let at = 0; at < pixels.length; at += 0x8000) text += String.fromCharCode(...pixels.subarray(at, at + 0x8000))
    return btoa(text)
  }, png.toString('base64'))
  return new Uint8Array(Buffer.from(base64, 'base64'))
}
