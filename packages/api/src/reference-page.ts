import { ERROR_STATUS } from './api-error.ts'
import type { ApiDescription, OperationDescription, ParameterDescription, SchemaDescription } from './open-api.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c1c1c;background:#fff}
h2{margin-top:2.5rem;font-size:1.05rem}code,pre{font:14px ui-monospace,monospace;overflow-wrap:anywhere}
pre{white-space:pre-wrap;padding:.5rem .75rem;background:#f3f3f3}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}
td:first-child{min-width:9rem}td:nth-child(2):not(:last-child){min-width:5rem}
b{display:inline-block;min-width:4.5rem;color:#0a5c36}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}pre{background:#222}td,th{border-color:#333}b{color:#6fcf97}a{color:#8ab4f8}}`

/** Nothing from elsewhere, no scripts: the page is text. */
export const REFERENCE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

/** What every route takes or answers, said once. */
const EVERYWHERE: ReadonlySet<string> = new Set(['x-joinery-actor', 'x-joinery-source'])

/** The description as one page to read, with a command to copy for each operation. */
export function renderReference({ info, paths }: ApiDescription): string {
  const sections = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => renderOperation(method.toUpperCase(), path, operation)),
  )
  const errors = Object.entries(ERROR_STATUS).map(([code, status]) => row(`<code>${code}</code>`, String(status)))
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Joinery API</title><style>${STYLE}</style></head><body>
<h1>Joinery API ${escapeHtml(info.version)}</h1>
<p>The whole description, with every schema: <a href="/v1/openapi.json">/v1/openapi.json</a> (OpenAPI 3.1).</p>
<p>With keys, <code>Authorization: Bearer …</code> says who calls, and <code>X-Joinery-Source</code> picks one of the sources
that the token allows; without keys <code>X-Joinery-Actor</code> is believed. A workspace name stands in a path as one
segment, with <code>/</code> as <code>%2F</code>. Errors are <code>{ "error": { "code", "message" } }</code>.</p>
${sections.join('\n')}
<h2>Error codes</h2><table><tr><th>code</th><th>status</th></tr>${errors.join('')}</table>
</body></html>`
}

function renderOperation(method: string, path: string, operation: OperationDescription): string {
  const { operationId, summary, parameters, responses } = operation
  const body = bodyOf(operation)
  const takes = [
    ...parameters.filter(({ name, in: place }) => place !== 'path' && !EVERYWHERE.has(name)).map(renderParameter),
    ...Object.entries(body?.properties ?? {}).map(([name, { description = '' }]) => {
      const isRequired = body?.required?.includes(name) === true
      return row(`<code>${escapeHtml(name)}</code>`, isRequired ? 'body, required' : 'body', escapeHtml(description))
    }),
  ]
  const answers = Object.entries(responses).map(([status, { description }]) => row(status, escapeHtml(description)))
  return `<h2 id="${operationId}"><b>${method}</b> <code>${escapeHtml(path)}</code></h2><p>${escapeHtml(summary)}</p>
<pre>${escapeHtml(exampleOf(method, path, operation))}</pre>
${takes.length > 0 ? `<table>${takes.join('')}</table>` : ''}
<table>${answers.join('')}</table>`
}

/** The operation as a command: with the example of each parameter in the path and of the body. */
function exampleOf(method: string, path: string, operation: OperationDescription): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = operation.parameters.find(({ name: other, in: place }) => place === 'path' && other === name)
    return encodeURIComponent(String(parameter?.schema.examples?.[0] ?? name))
  })
  const query = operation.parameters
    .filter(({ in: place, required }) => place === 'query' && required)
    .map(({ name, schema }) => `${name}=${String(schema.examples?.[0] ?? '')}`)
  const url = `localhost:1234${filled}${query.length > 0 ? `?${query.join('&')}` : ''}`
  const isStream = operation.responses['200']?.content?.['text/event-stream'] !== undefined
  const command = [
    'curl',
    ...(method === 'GET' ? [] : ['-X', method]),
    ...(isStream ? ['-N'] : []),
    url.includes('&') ? `'${url}'` : url,
  ].join(' ')
  const example = bodyOf(operation)?.examples?.[0]
  if (example === undefined) return command
  return `${command} \\\n  -H 'Content-Type: application/json' -d '${JSON.stringify(example)}'`
}

function bodyOf({ requestBody }: OperationDescription): SchemaDescription | undefined {
  return requestBody?.content['application/json']?.schema
}

function renderParameter({ name, in: place, required, description = '' }: ParameterDescription): string {
  return row(`<code>${escapeHtml(name)}</code>`, required ? `${place}, required` : place, escapeHtml(description))
}

function row(...cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
