import { writeSync } from 'node:fs'
import { openLevelStore } from '@joinery/log'
import { createServer, parseWorkspaceName, type WorkspaceId } from '@joinery/server'

/**
 * A program for crash tests: `beside-writer.ts DIRECTORY async|sync` makes edits in a workspace, each with a record beside it
 * in a system log, until it is killed. It prints the LSN of each edit once it is durable. Some edits have a key, some are on
 * their way together, and some fail after they have appended to the system log.
 */
const [directory = '', durability = ''] = process.argv.slice(2)
if (durability !== 'async' && durability !== 'sync') throw new Error('usage: DIRECTORY async|sync')
const store = await openLevelStore({ directory, durability })
const server = createServer({ store })
const workspace = parseWorkspaceName('w') as WorkspaceId
const journal = await server.workspaces.openSystemLog('!work/w', () => undefined)
const REFUSED = new Error('refused')

function note(text: string) {
  const who = { actor: 'joinery', source: 'server', connection: 'work' }
  return journal.append({ ...who, update: Buffer.from(text), touched: [] })
}

async function edit(n: number): Promise<void> {
  const { lsn } = await server.workspaces.write(workspace, {
    ...{ writer: { actor: 'ada', source: 'user_action' }, via: 'test' },
    ...(n % 7 === 0 && { idempotencyKey: `${process.pid} ${n}` }),
    run: (doc) => doc.getText('t').insert(0, 'x'.repeat(n % 50)),
    // Without a change the record is there alone.
    beside: (record) => note(`${record?.lsn ?? 'none'}`),
  })
  // Not console.log: the line must be out before the next edit.
  writeSync(1, `${lsn}\n`)
}

async function refuse(): Promise<void> {
  const writing = server.workspaces.write(workspace, {
    ...{ writer: { actor: 'ada', source: 'user_action' }, via: 'test' },
    run: (doc) => doc.getText('t').insert(0, 'never'),
    beside: () => {
      note('never')
      throw REFUSED
    },
  })
  await writing.catch((error: unknown) => {
    if (error !== REFUSED) throw error
  })
}

for (let n = 1; ; n++) {
  if (n % 40 === 0) await refuse()
  else if (n % 3 === 0) await Promise.all([edit(n), edit(n + 1), edit(n + 2)])
  else await edit(n)
}
