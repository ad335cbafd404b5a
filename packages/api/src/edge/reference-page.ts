import { ERROR_STATUS } from '../api-error.ts'
import { UPDATE_TYPE } from '../update-bytes.ts'
import {
  type ApiDescription,
  ERRORS_EVERYWHERE,
  type OperationDescription,
  type ParameterDescription,
  type SchemaDescription,
} from './open-api.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c1c1c;background:#fff;overflow-wrap:anywhere}
h2{margin-top:3rem;font-size:1.05rem}code,pre{font:14px ui-monospace,monospace}
pre{white-space:pre-wrap;padding:.5rem .75rem;background:#f3f3f3}
table{table-layout:fixed;border-collapse:collapse;width:100%;margin:.5rem 0}
td{vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}td:first-child{width:10rem}
nav ul{list-style:none;padding:0}nav li{display:flex;gap:.5rem}
b{flex:none;display:inline-block;min-width:4.5rem;color:#0a5c36}small{color:#555}
@media(max-width:40rem){td:first-child{width:7.5rem}}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}pre{background:#222}td{border-color:#333}b{color:#6fcf97}small{color:#aaa}a{color:#8ab4f8}}`

/** The page loads nothing from elsewhere and runs no scripts: it is text. */
export const REFERENCE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

/** Parameters and errors that every route has. The page lists them once. */
const TAKEN_EVERYWHERE: ReadonlySet<string> = new Set(['x-joinery-actor', 'x-joinery-source'])
const ANSWERED_EVERYWHERE: ReadonlySet<string> = new Set(ERRORS_EVERYWHERE)

/** Renders the OpenAPI description as one page, with a command to copy for each operation. */
export function renderReference({ info, paths }: ApiDescription): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const contents = operations.map(
    ({ method, path, operation }) =>
      `<li><b>${method}</b><a href="#${operation.operationId}"><code>${escapeHtml(path)}</code></a></li>`,
  )
  const sections = operations.map(({ method, path, operation }) => renderOperation(method, path, operation))
  const errors = Object.entries(ERROR_STATUS).map(([code, status]) => row(`<code>${code}</code>`, String(status)))
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Joinery API</title><style>${STYLE}</style></head><body>
<h1>Joinery API ${escapeHtml(info.version)}</h1>
<p>The whole description, with every schema: <a href="/v1/openapi.json">/v1/openapi.json</a> (OpenAPI 3.1).</p>
<p>With keys, <code>Authorization: Bearer …</code> says who calls, and <code>X-Joinery-Source</code> picks one of the sources
that the token allows; without keys <code>X-Joinery-Actor</code> is believed. A workspace name stands in a path as one
segment, with <code>/</code> as <code>%2F</code>. Errors are <code>{ "error": { "code", "message" } }</code>; those of an
operation stand with it, and any can answer ${listOf(ERRORS_EVERYWHERE.map((code) => `\`${code}\``))}.</p>
<nav><ul>${contents.join('\n')}</ul></nav>
${sections.join('\n')}
<h2>Error codes</h2><table>${errors.join('')}</table>
</body></html>`
}

function renderOperation(method: string, path: string, operation: OperationDescription): string {
  const { operationId, summary, parameters, responses } = operation
  const body = bodyOf(operation)
  const takes = [
    ...parameters.filter(({ name, in: place }) => place !== 'path' && !TAKEN_EVERYWHERE.has(name)).map(renderParameter),
    ...Object.entries(body?.properties ?? {}).map(([name, { description = '' }]) =>
      renderInput(name, 'body', body?.required?.includes(name) === true, description),
    ),
  ]
  return `<h2 id="${operationId}"><b>${method}</b> <code>${escapeHtml(path)}</code></h2><p>${proseOf(summary)}</p>
<pre tabindex="0">${escapeHtml(exampleOf(method, path, operation))}</pre>
${takes.length > 0 ? `<table>${takes.join('')}</table>` : ''}
<table>${Object.entries(responses).map(renderAnswer).join('')}</table>`
}

type Answer = OperationDescription['responses'][string]

/** Renders one answer: the names of its parts for a success, and for an error the codes that not every route has. */
function renderAnswer([status, { description, content }]: [string, Answer]): string {
  if (Number(status) < 400) {
    const parts = Object.keys(content?.['application/json']?.schema?.properties ?? {})
    return row(status, `${proseOf(description)} ${listOf(parts.map((part) => `\`${part}\``))}`)
  }
  const codes = description.split(', ').filter((code) => !ANSWERED_EVERYWHERE.has(code))
  return codes.length === 0 ? '' : row(status, listOf(codes.map((code) => `\`${code}\``)))
}

/** Renders the operation as a command, with the examples of its path parameters and its body. */
function exampleOf(method: string, path: string, operation: OperationDescription): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = operation.parameters.find(({ name: other, in: place }) => place === 'path' && other === name)
    return encodeURIComponent(String(parameter?.schema.examples?.[0] ?? name))
  })
  const query = operation.parameters
    .filter(({ in: place, required }) => place === 'query' && required)
    .map(({ name, schema }) => `${name}=${String(schema.examples?.[0] ?? '')}`)
  const url = `localhost:1234${filled}${query.length > 0 ? `?${query.join('&')}` : ''}`
  const takesUpdate = operation.requestBody?.content[UPDATE_TYPE] !== undefined
  const givesUpdate = operation.responses['200']?.content?.[UPDATE_TYPE] !== undefined
  const isStream = operation.responses['200']?.content?.['text/event-stream'] !== undefined
  const command = [
    'curl',
    ...(method === 'GET' ? [] : ['-X', method]),
    ...(isStream ? ['-N'] : []),
    ...(givesUpdate ? ['-o', 'document.bin'] : []),
    url.includes('&') ? `'${url}'` : url,
  ].join(' ')
  if (takesUpdate) return `${command} \\\n  -H 'Content-Type: ${UPDATE_TYPE}' --data-binary @document.bin`
  const example = bodyOf(operation)?.examples?.[0]
  if (example === undefined) return command
  return `${command} \\\n  -H 'Content-Type: application/json' -d '${JSON.stringify(example)}'`
}

function bodyOf({ requestBody }: OperationDescription): SchemaDescription | undefined {
  return requestBody?.content['application/json']?.schema
}

function renderParameter({ name, in: place, required, description = '' }: ParameterDescription): string {
  return renderInput(name, place, required, description)
}

function renderInput(name: string, place: string, isRequired: boolean, description: string): string {
  const where = isRequired ? `${place}, required` : place
  return row(`<code>${escapeHtml(name)}</code>`, `<small>${where}</small> ${proseOf(description)}`)
}

function listOf(marked: readonly string[]): string {
  return marked.map(proseOf).join(', ')
}

/** Renders text in which backticks mark code. */
function proseOf(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

function row(...cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
