import { validateHeaderName, validateHeaderValue } from 'node:http'

/** Headers that the server sets itself, or that would change where the request ends. */
const OWN =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*|cookie|expect|content-length)$/i

/** The fault of headers that a call is to send; undefined if there is none. It names the header and repeats no value. */
export function checkHeaders(headers: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (OWN.test(name)) return `the header ${name} is set by the server alone`
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      return `the header ${JSON.stringify(name.slice(0, 80))} can't be sent: it has a character that no header may have`
    }
  }
  return undefined
}
