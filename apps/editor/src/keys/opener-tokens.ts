/** Time that the other page has to answer, ms. */
const ANSWER_MS = 5_000

/** Messages between this page and the one that opened or embeds it. */
const WANTED = 'joinery:token-wanted'
const GIVEN = 'joinery:token'

export interface OpenerTokens {
  /** Asks for a token. Resolves with what was given, of any form, or with undefined when no answer came in time. */
  readonly ask: () => Promise<unknown>
  /** Hands on every token that comes, asked for or not. */
  readonly listen: (take: (token: unknown) => void) => void
}

/**
 * Tokens from the page that opened this one, or embeds it. Only messages from `origins` count, and only they are asked, so that no
 * other page hears that a token is wanted, or slips its own in. Undefined if there is no such page.
 */
export function openerTokens(origins: readonly string[]): OpenerTokens | undefined {
  const other: Window | null = window.parent === window ? window.opener : window.parent
  if (other === null || origins.length === 0) return undefined
  const isGiven = ({ source, origin, data }: MessageEvent): boolean =>
    source === other && origins.includes(origin) && Object(data).type === GIVEN
  const listen = (take: (token: unknown) => void, signal?: AbortSignal): void => {
    window.addEventListener('message', (event) => isGiven(event) && take(Object(event.data).token), {
      ...(signal && { signal }),
    })
  }
  return {
    listen: (take) => listen(take),
    ask: () =>
      new Promise((resolve) => {
        const end = new AbortController()
        const answer = (token: unknown): void => {
          end.abort()
          clearTimeout(timer)
          resolve(token)
        }
        const timer = setTimeout(() => answer(undefined), ANSWER_MS)
        listen(answer, end.signal)
        for (const origin of origins) other.postMessage({ type: WANTED }, origin)
      }),
  }
}
