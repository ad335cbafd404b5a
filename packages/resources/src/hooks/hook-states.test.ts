import { versioned } from '@joinery/log'
import { expect, it } from 'vitest'
import { HookFold, type InboxEvent } from './hook-fold.ts'
import { inboxStates } from './hook-states.ts'

const EVENTS = 600

function foldOf(events: number): HookFold {
  const fold = new HookFold()
  const take = (event: InboxEvent): void => fold.take(event, 5)
  for (let n = 0; n < events; n++) {
    take({ type: 'received', endpoint: 'crm', id: `e\n${n}`, kind: 'changed', body: 'e30=', digest: 'd' })
    if (n % 3 === 0)
      take({ type: 'settled', endpoint: 'crm', id: `e\n${n}`, state: 'handled', workspace: 'w', task: 't' })
    take({ type: 'known', machine: 'sync@1', externalId: `x${n}`, workspace: 'w', block: 'b', name: `${n}` })
  }
  return fold
}

it('[RS47] a snapshot of the inbox is written and read back in turns, as it was when it began', async () => {
  const fold = foldOf(EVENTS)
  const before = fold.saved
  let turns = 0
  const counting = setInterval(() => turns++, 0)
  const writing = inboxStates.encodeInTurns?.(fold) ?? expect.fail('it has no turns')
  fold.take({ type: 'settled', endpoint: 'crm', id: 'e\n1', state: 'handled' }, 6)
  fold.take({ type: 'forgotten', workspace: 'w' }, 7)
  const bytes = await writing
  expect(inboxStates.decode(bytes).saved).toEqual(before)
  await inboxStates.verifyInTurns?.(bytes)
  clearInterval(counting)
  expect(turns).toBeGreaterThan(0)
  for (const events of [0, 1, EVENTS]) {
    const state = foldOf(events)
    const written = inboxStates.encode(state)
    expect(inboxStates.decode(written).saved).toEqual(state.saved)
    await expect(inboxStates.verifyInTurns?.(written)).resolves.toBeUndefined()
  }
})

it('[RS47] a snapshot of the inbox that is damaged anywhere is refused in turns as at once, and one of an earlier version is read', async () => {
  const text = Buffer.from(inboxStates.encode(foldOf(3)).subarray(1)).toString()
  const lines = text.split('\n')
  const damaged = [
    text.slice(0, -1),
    `${text}\n]}`,
    lines.toSpliced(1, 1, '["crm/e",{}],').join('\n'),
    lines.toSpliced(-2, 1, '["x",{"workspace":"w"}]').join('\n'),
    lines.toSpliced(0, 1).join('\n'),
    lines.toSpliced(-1, 1).join('\n'),
  ]
  for (const each of damaged) {
    const bytes = versioned([each])
    expect(() => inboxStates.decode(bytes), each).toThrow(expect.objectContaining({ code: 'corrupted' }))
    await expect(inboxStates.verifyInTurns?.(bytes), each).rejects.toMatchObject({ code: 'corrupted' })
  }
  const earlier = versioned([JSON.stringify(foldOf(3).saved)])
  expect(inboxStates.decode(earlier).saved).toEqual(foldOf(3).saved)
  await inboxStates.verifyInTurns?.(earlier)
})
