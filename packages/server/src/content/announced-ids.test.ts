import { expect, it } from 'vitest'
import { AnnouncedIds, type Announcer, type KeptTab, mayShare, SIGN_IN_MS } from './announced-ids.ts'

const ID = 7
const announcer = (actor: string, address: string | undefined = '10.0.0.1'): Announcer => ({
  actor,
  address,
  isSdk: false,
})

/** Whether ada shares the id of a guest, whose tab has left at 1,000 ms. */
function isShared({ atMs = 1_001, guest = announcer('guest'), ada = announcer('ada') } = {}): boolean {
  const announced = new AnnouncedIds()
  expect(announced.enter('w', ID, guest, 0)).toBeUndefined()
  announced.leave('w', ID, guest, 1_000)
  const others = announced.enter('w', ID, ada, atMs)
  expect(others).toBeDefined()
  return others !== undefined && mayShare(others, announced.holdersOf('w', ID))
}

it('[S117] a client id is shared with who signs in within 60 s, and not after them', () => {
  expect(SIGN_IN_MS).toBe(60_000)
  expect(isShared()).toBe(true)
  expect(isShared({ atMs: 1_000 + SIGN_IN_MS })).toBe(true)
  expect(isShared({ atMs: 1_001 + SIGN_IN_MS })).toBe(false)
})

it('[S117] a client id is shared with nobody at another address, or where addresses are not known', () => {
  expect(isShared({ ada: announcer('ada', '10.0.0.2') })).toBe(false)
  const [guest, ada] = ['guest', 'ada'].map((actor) => ({ ...announcer(actor), address: undefined }))
  expect(isShared({ guest, ada })).toBe(false)
})

it('[S117] the last connection of an owner counts: one that is open, or ended elsewhere, keeps the id', () => {
  const announced = new AnnouncedIds()
  const guest = announcer('guest')
  for (const from of [guest, announcer('guest', '10.0.0.2')]) announced.enter('w', ID, from, 0)
  announced.leave('w', ID, guest, 1)
  const whileOpen = announced.enter('w', ID, announcer('ada'), 2)
  expect(whileOpen).toMatchObject({ open: ['guest'] })
  expect(mayShare(whileOpen ?? { open: [], justLeft: [], bySdk: [] }, ['guest'])).toBe(false)
  announced.leave('w', ID, announcer('guest', '10.0.0.2'), 3)
  expect(announced.enter('w', ID, announcer('ada'), 4)).toMatchObject({ open: [], justLeft: [] })
})

it('[S117] a tab that was connected when the server stopped may sign in as somebody else after the start, and an SDK’s id is kept from all', async () => {
  let kept: readonly KeptTab[] = []
  const save = async (tabs: readonly KeptTab[]): Promise<void> => {
    kept = tabs
  }
  const before = new AnnouncedIds({ save })
  before.enter('w', ID, announcer('guest'), 0)
  before.enter('w', 8, { ...announcer('cleo'), isSdk: true }, 0)
  before.enter('w', 9, announcer('gone'), 0)
  before.leave('w', 9, announcer('gone'), performance.now() - SIGN_IN_MS - 1)
  await before.close()
  expect(kept).toEqual([{ workspace: 'w', client: ID, actor: 'guest', address: '10.0.0.1' }])

  const signIn = (client: number, address?: string): boolean => {
    const after = new AnnouncedIds({ known: kept })
    const others = after.enter('w', client, announcer('ada', address), performance.now())
    return others !== undefined && mayShare(others, after.holdersOf('w', client))
  }
  expect([signIn(ID), signIn(ID, '10.0.0.2'), signIn(8), signIn(9)]).toEqual([true, false, false, false])
})

it('[S117] tabs that could not be saved are saved with the next change', async () => {
  const errors: unknown[] = []
  let kept: readonly KeptTab[] = []
  const announced = new AnnouncedIds({
    save: async (tabs) => {
      if (errors.length === 0) throw new Error('the disk is full')
      kept = tabs
    },
    onSaveFailed: (error) => errors.push(error),
  })
  announced.enter('w', ID, announcer('guest'), 0)
  await announced.close()
  expect(errors).toHaveLength(1)
  announced.enter('w', ID, announcer('guest'), 1)
  await announced.close()
  expect(kept).toHaveLength(1)
})

it('[S391] a tab that was connected to another server may sign in as somebody else at this one', async () => {
  const told = new Map<string, readonly KeptTab[]>()
  const one = new AnnouncedIds({
    share: async (tabs) => {
      for (const [workspace, own] of tabs) told.set(workspace, own)
    },
  })
  one.enter('w', ID, announcer('guest'), 0)
  one.enter('v', ID, announcer('guest'), 0)
  await one.close()
  expect(told.get('w')).toEqual([{ workspace: 'w', client: ID, actor: 'guest', address: '10.0.0.1' }])
  one.leave('w', ID, announcer('guest'), performance.now() - SIGN_IN_MS - 1)
  const two = new AnnouncedIds()
  two.learn(told.get('w') ?? [])
  const others = two.enter('w', ID, announcer('ada'), performance.now())
  expect(others !== undefined && mayShare(others, two.holdersOf('w', ID))).toBe(true)
  await one.close()
  expect(told.get('w')).toEqual([])
})
