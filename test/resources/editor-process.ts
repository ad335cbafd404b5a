/**
 * Edits blocks of a server by HTTP, each path in its turn, until it is killed. Prints a line of JSON for each edit: the number of its path,
 * when it began (ms since epoch), and how long it took (ms). In a process of its own, so that nothing but the server makes it wait.
 * usage: node editor-process.ts URL PATH…
 */
import { setTimeout as pause } from 'node:timers/promises'
import { HttpCaller } from '../api/http-caller.ts'

/** Time between two edits, ms. */
const PAUSE_MS = 10

const [url = '', ...paths] = process.argv.slice(2)
using caller = new HttpCaller(url)
for (let n = 0; ; n++) {
  const path = n % paths.length
  const sinceMs = performance.now()
  const { status, text } = await caller.call('PUT', paths[path] ?? '', { type: 'text', content: `edit ${n}` })
  if (status >= 300) throw new Error(`an edit was answered with ${status}: ${text}`)
  const tookMs = performance.now() - sinceMs
  console.log(JSON.stringify([path, performance.timeOrigin + sinceMs, tookMs]))
  await pause(PAUSE_MS)
}
