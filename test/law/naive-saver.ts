import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import * as Y from 'yjs'

/** A saver as many servers have one: it loads a file, edits in memory, and writes the whole state back on its cue. */
const [file, entry] = process.argv.slice(2) as [string, string]
const doc = new Y.Doc()
if (existsSync(file)) Y.applyUpdate(doc, readFileSync(file))
doc.getArray<string>('entries').push([entry])
process.stdout.write('ready\n')
process.once('SIGTERM', () => {
  writeFileSync(file, Y.encodeStateAsUpdate(doc))
  process.exit(0)
})
setInterval(() => undefined, 1_000)
