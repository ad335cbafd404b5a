import { deviceStorage } from '../device-storage.ts'
import { openerTokens } from './opener-tokens.ts'
import { TokenKeeper } from './token-keeper.ts'
import { tokenIn } from './token-text.ts'

/** Settings of the server’s operator for pages with keys. */
export interface PageKeys {
  /** Address at which a person logs in, and which gives new tokens. */
  readonly login?: string
  /** Origins of pages that may hand over tokens. */
  readonly tokenOrigins?: readonly string[]
}

/** Id of the element in which the server gives the page these settings, as JSON. */
const ELEMENT = 'keys'

const settings = readSettings(document.getElementById(ELEMENT)?.textContent)

/** The server writes them itself, checked. */
function readSettings(text: string | null | undefined): PageKeys {
  return text ? (JSON.parse(text) as PageKeys) : {}
}

const openers = openerTokens(settings.tokenOrigins ?? [])

export const tokens = new TokenKeeper({
  storage: deviceStorage(() => sessionStorage),
  renewals: [
    ...(openers === undefined ? [] : [openers.ask]),
    ...(settings.login === undefined ? [] : [() => askLogin(settings.login ?? '')]),
  ],
  now: Date.now,
})

/** Asks the login address for a token of the person who is logged in there. */
async function askLogin(login: string): Promise<unknown> {
  const init = { method: 'POST', credentials: 'include', headers: { accept: 'application/json' } } as const
  const response = await fetch(login, { ...init, signal: AbortSignal.timeout(10_000) })
  return response.ok ? Object(await response.json()).token : undefined
}

/** Takes the token out of the page's address, before anything else can see it, and takes over those that come later. */
export function takeTokens(): void {
  const take = (): void => {
    const found = tokenIn(location.href)
    if (found === undefined) return
    history.replaceState(history.state, '', found.rest)
    tokens.take(found.token)
  }
  take()
  window.addEventListener('hashchange', take)
  openers?.listen((token) => tokens.take(token))
}

/** The address at which a person logs in, to return to this page; undefined if none is set. */
export function loginAddress(): string | undefined {
  if (settings.login === undefined) return undefined
  const url = new URL(settings.login)
  url.searchParams.set('return', location.href)
  return url.href
}
