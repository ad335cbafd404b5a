import { ERROR_STATUS } from './api-error.ts'
import type { Route } from './route.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c1c1c;background:#fff}
h2{margin-top:2.5rem;font-size:1.05rem}code{font:14px ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}
b{display:inline-block;min-width:4.5rem;color:#0a5c36}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}td,th{border-color:#333}b{color:#6fcf97}}`

/** Nothing from elsewhere, no scripts: the page is text. */
export const REFERENCE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

/** The routes as one page to read. */
export function renderReference(routes: readonly Route[], version: string): string {
  const sections = routes.map(renderRoute).join('\n')
  const errors = Object.entries(ERROR_STATUS)
    .map(([code, status]) => `<tr><td><code>${code}</code></td><td>${status}</td></tr>`)
    .join('')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Joinery API</title><style>${STYLE}</style></head><body>
<h1>Joinery API ${escapeHtml(version)}</h1>
<p>The whole description, with every schema: <a href="/v1/openapi.json">/v1/openapi.json</a> (OpenAPI 3.1).</p>
<p>A bearer token says who calls. A workspace name stands in a path as one segment, with <code>/</code> as <code>%2F</code>.
Errors are <code>{ "error": { "code", "message" } }</code>.</p>
${sections}
<h2>Error codes</h2><table><tr><th>code</th><th>status</th></tr>${errors}</table>
</body></html>`
}

function renderRoute({ method, path, id, summary, answers, errors }: Route): string {
  const rows = Object.entries(answers).map(
    ([status, { description }]) => `<tr><td>${status}</td><td>${escapeHtml(description)}</td></tr>`,
  )
  const refusals = errors.map((code) => `<tr><td>${ERROR_STATUS[code]}</td><td><code>${code}</code></td></tr>`)
  return `<h2 id="${id}"><b>${method}</b> <code>${escapeHtml(path)}</code></h2><p>${escapeHtml(summary)}</p>
<table>${[...rows, ...refusals].join('')}</table>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
