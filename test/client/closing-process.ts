import { connectWorkspace } from '@joinery/client'

/**
 * Run by closing.test.ts: opens a few workspaces, closes them or aborts their signal. Then nothing may keep the process
 * alive.
 */
const [url = '', situation] = process.argv.slice(2)
// More than the ten listeners on one event that Node bears without a warning.
const names = Array.from({ length: 12 }, (_, index) => (situation === 'refused' ? 'w' : `w${index}`))
const stop = new AbortController()
const workspaces = names.map((workspace) =>
  connectWorkspace({ url, workspace, signal: stop.signal, ...(situation === 'refused' && { source: 'NOT A SOURCE' }) }),
)
for (const workspace of workspaces) {
  if (situation === 'connected' || situation === 'given up') await workspace.whenSynced
  if (situation === 'refused') await workspace.whenSynced.catch(() => undefined)
  if (situation === 'unreachable') {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        const status = workspace.saveStatus.get()
        if (status.state === 'offline' && status.cause === 'waiting') resolve()
      }
      workspace.saveStatus.subscribe(look)
      look()
    })
  }
}
if (situation === 'given up') stop.abort()
else await Promise.all(workspaces.map((workspace) => workspace.close()))
console.log('closed')
