import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { FIRST_SCREEN } from './editor-files.mts'

/** Facts that the page shows. */
export interface StartPageFacts {
  /** Path below which the page's links lead; empty for none. */
  readonly base: string
  /** `ws://host:port`, with the host and port that the browser asked for. */
  readonly syncUrl: string
  readonly httpUrl: string
  /** Absent if others than the people at this machine can read the page. */
  readonly dataDirectory: string | undefined
  readonly durability: 'memory' | 'async' | 'sync'
  readonly version: string
  readonly isDevelopment: boolean
}

const STYLE = readFileSync(new URL('./start-page.css', import.meta.url), 'utf8')
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** Content-Security-Policy of the page: its own style, and the script and style of the two boards from this server. */
export const START_PAGE_POLICY = `default-src 'none'; script-src 'self'; style-src 'self' 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

const SURVIVES = {
  memory: 'nothing is kept: everything is gone when the server stops',
  async: 'survives killing the process; a power cut loses at most the last group (10 ms)',
  sync: 'survives a power cut: fsynced before it is acknowledged',
} as const

/** The whole HTML document. It shows all but the two boards without its script. */
export function renderStartPage(facts: StartPageFacts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Joinery: people and background jobs, in the same blocks</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
${LOGO}
<div>
<h1>People and background jobs, in the same blocks</h1>
<p class="live">Joinery ${escapeHtml(facts.version)} is running and takes edits</p>
</div>
</header>
<div id="two-boards"></div>
<p class="why"><strong>Why:</strong> where the last writer wins, a slow job puts back what it read a minute ago, and a late report undoes a
newer one; Joinery merges texts letter by letter and orders statuses by what was seen, so nobody wins by being last.</p>
<p class="go"><a class="primary" href="${facts.base}/w/demo">Open a board</a> <span>Then open it in a second window, and type in both.</span></p>
${facts.isDevelopment ? WARNING : ''}
<dl>
${row('Sync', `<code>${escapeHtml(facts.syncUrl)}</code>`, 'each workspace is a path below this URL; the first client that connects creates it')}
${row('Editor', `<a href="${facts.base}/w/demo"><code>${escapeHtml(facts.httpUrl)}/w/demo</code></a>`)}
${row('HTTP API', `<a href="${facts.base}/v1/openapi.json"><code>${escapeHtml(facts.httpUrl)}/v1/openapi.json</code></a>`)}
${row('Health', `<a href="${facts.base}/healthz"><code>${escapeHtml(facts.httpUrl)}/healthz</code></a>`)}
${facts.durability === 'memory' || facts.dataDirectory === undefined ? '' : row('Data', `<code>${escapeHtml(facts.dataDirectory)}</code>`)}
${row('Durability', `<code>${facts.durability}</code>`, SURVIVES[facts.durability])}
</dl>
<section>
<h2>With the SDK <small>for people and background jobs alike</small></h2>
<pre tabindex="0"><code>${highlight(sdkExample(facts.syncUrl))}</code></pre>
</section>
<section>
<h2>With a stock Yjs client <small>nothing to change</small></h2>
<pre tabindex="0"><code>${highlight(`new WebsocketProvider('${facts.syncUrl}', 'my-workspace', doc)`)}</code></pre>
</section>
</main>
<script type="module" src="${facts.base}${FIRST_SCREEN}"></script>
</body>
</html>
`
}

const WARNING = `<p class="warn"><strong>Development mode.</strong> There are no keys, so everyone who reaches this port may read and write
everything as any source. Set <code>JOINERY_JWT_SECRET</code> or <code>JOINERY_JWKS</code> before others can reach it.</p>`

/** Two boards meeting in a dovetail. */
const LOGO = `<svg viewBox="0 0 64 64" role="img" aria-label="two boards joined">
<rect width="64" height="64" rx="14" fill="#6f3a12"/>
<path d="M28 14h26v36H28z" fill="#c07c40"/>
<path d="M10 14h19v11l12-5v24l-12-5v11H10z" fill="#efbf86" stroke="#6f3a12" stroke-width="2.5" stroke-linejoin="round"/>
</svg>`

function row(term: string, html: string, note?: string): string {
  return `<div><dt>${term}</dt><dd>${html}${note === undefined ? '' : `<small>${note}</small>`}</dd></div>`
}

/** README.md's example with this server's address. */
export function sdkExample(syncUrl: string): string {
  return `import { connectWorkspace } from '@joinery/client'

const workspace = connectWorkspace({ url: '${syncUrl}', workspace: 'demo', actor: 'ada' })
await workspace.whenSynced

const note = workspace.blocks.create('note-1', { type: 'text' })
note.content.insert(0, 'Measure twice, cut once.')
const run = note.indexingList.startRun('search', { source: 'user_action', actor: 'ada' })
note.indexingList.report('search', run, 'done', { source: 'user_action', actor: 'ada', chunks: 1 })

await workspace.whenDurable() // validated, logged, and safe as --durability says
console.log(note.toJSON())
await workspace.close()`
}

/** Colours strings and comments only: more colour would be noise in ten lines. */
function highlight(code: string): string {
  return escapeHtml(code)
    .replace(/&#39;.*?&#39;/g, '<span class="string">$&</span>')
    .replace(/(^|\s)\/\/ .*$/gm, '<span class="comment">$&</span>')
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
