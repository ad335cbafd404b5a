import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Authenticator, createAuthenticator } from '../identity.ts'
import { Revocations } from '../revocations.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'
import { SECRET, tokenOf } from '../testing/test-token.ts'

let fixture: ServerFixture
afterEach(async () => {
  vi.useRealTimers()
  await fixture.close()
})

const nowSeconds = (): number => Math.floor(Date.now() / 1000)
/** Tokens of `short` expire `ms` after they were checked. */
function shortLived(ms: number): Authenticator {
  const authenticate = createAuthenticator({ secret: SECRET })
  return async (credentials) => {
    const identity = await authenticate(credentials)
    return identity.actor === 'short' ? { ...identity, expiresAtMs: Date.now() + ms } : identity
  }
}

describe('a token that expires', () => {
  it('[S137] ends its connection between two heartbeats, and nothing that comes later counts', async () => {
    fixture = await ServerFixture.start({ authenticator: shortLived(500), limits: { heartbeatMs: 600_000 } })
    const other = await fixture.client(`w?token=${await tokenOf('long')}`).synced()
    const short = await fixture.client(`w?token=${await tokenOf('short')}`).synced()
    const admittedAtMs = performance.now()
    short.text.insert(0, 'before ')
    await other.until(() => other.text.toString() === 'before ')
    await expect.poll(() => performance.now() - admittedAtMs).toBeGreaterThan(500)
    short.text.insert(0, 'after ')
    await short.until(() => short.closed !== undefined)
    expect(short.closed).toMatchObject({ code: 4001, reason: expect.stringContaining('fresh') })
    await other.roundTrip()
    expect(other.text.toString()).toBe('before ')
  })

  it('[S137] ends a connection that says nothing, though the clock is set back an hour', async () => {
    fixture = await ServerFixture.start({ authenticator: shortLived(300), limits: { heartbeatMs: 600_000 } })
    const short = await fixture.client(`w?token=${await tokenOf('short')}`).synced()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
    await short.until(() => short.closed !== undefined)
    expect(short.closed?.code).toBe(4001)
  })
})

it('[S138] heartbeats go on and idle rooms close when the clock is set back an hour', async () => {
  fixture = await ServerFixture.start({ limits: { heartbeatMs: 20, roomIdleMs: 20 } })
  const client = await fixture.client('w').synced()
  const other = await fixture.client('other').synced()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
  const before = client.frames.length
  await client.until(() => client.frames.length >= before + 2)
  await other.close()
  await expect.poll(() => fixture.server.load().rooms).toBe(1)
})

describe('a revoked token', () => {
  const start = async (known: ConstructorParameters<typeof Revocations>[0] = {}): Promise<Revocations> => {
    const revocations = new Revocations(known)
    const authenticator = createAuthenticator({ secret: SECRET }, { revocations })
    fixture = await ServerFixture.start({ authenticator, revocations, limits: { drainMs: 300 } })
    return revocations
  }

  it('[S139] ends the connections of its actor at once, and opens none until a later token comes', async () => {
    const kept: unknown[] = []
    const revocations = await start({ save: async (all) => void kept.push(all) })
    const old = await tokenOf('eve', { iat: nowSeconds() - 60 })
    const [one, silent, other] = await Promise.all([
      fixture.client(`w?token=${old}&joinery=1`).synced(),
      fixture.client(`v?token=${old}`).synced(),
      fixture.client(`w?token=${await tokenOf('ada')}`).synced(),
    ])
    // Does not answer the close.
    silent.ws.pause()
    const sinceMs = Date.now() - 30_000
    expect(await revocations.revoke('eve', sinceMs)).toBe(2)
    one.text.insert(0, 'too late')
    await one.until(() => one.closed !== undefined)
    expect(one.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('revoked') })
    await expect.poll(() => fixture.server.load().connections).toBe(1)
    await other.roundTrip()
    expect(other.text.toString()).toBe('')
    expect(kept).toEqual([[{ actor: 'eve', sinceMs }]])
    const again = fixture.client(`w?token=${old}&joinery=1`)
    await again.until(() => again.closed !== undefined)
    expect(again.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('revoked') })
    await fixture.client(`w?token=${await tokenOf('eve')}`).synced()
    expect(fixture.server.counters.revoked).toBe(2)
  })

  it('[S139] does not let in an upgrade that waited when it was revoked', async () => {
    const revocations = new Revocations()
    const authenticate = createAuthenticator({ secret: SECRET }, { revocations })
    const gate = Promise.withResolvers<void>()
    let waiting = 0
    fixture = await ServerFixture.start({
      revocations,
      authenticator: async (credentials) => {
        const identity = await authenticate(credentials)
        waiting++
        await gate.promise
        return identity
      },
    })
    const eve = fixture.client(`w?token=${await tokenOf('eve', { iat: nowSeconds() - 60 })}&joinery=1`)
    await expect.poll(() => waiting).toBe(1)
    expect(await revocations.revoke('eve', Date.now())).toBe(0)
    gate.resolve()
    await eve.until(() => eve.closed !== undefined)
    expect(eve.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('revoked') })
  })

  it('[S139] ends and refuses a token whose time of issue is ahead of the clock, and no other actor’s', async () => {
    const revocations = await start()
    const ahead = nowSeconds() + 86_400
    const eve = await fixture.client(`w?token=${await tokenOf('eve', { iat: ahead })}&joinery=1`).synced()
    const slightly = await fixture
      .client(`w?token=${await tokenOf('eve', { iat: nowSeconds() + 3 })}&joinery=1`)
      .synced()
    await fixture.client(`w?token=${await tokenOf('ada', { iat: ahead })}&joinery=1`).synced()
    expect(await revocations.revoke('eve', Date.now() + 1)).toBe(2)
    await eve.until(() => eve.closed !== undefined)
    await slightly.until(() => slightly.closed !== undefined)
    const again = fixture.client(`w?token=${await tokenOf('eve', { iat: ahead })}&joinery=1`)
    await again.until(() => again.closed !== undefined)
    expect(again.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('revoked') })
    await fixture.client(`w?token=${await tokenOf('ada', { iat: ahead })}&joinery=1`).synced()
  })

  it('[S139] stays refused after a restart, and a token without a time of issue is refused as well', async () => {
    await start({ known: [{ actor: 'eve', sinceMs: Date.now() }] })
    const old = fixture.client(`w?token=${await tokenOf('eve', { iat: nowSeconds() - 60 })}&joinery=1`)
    await old.until(() => old.closed !== undefined)
    expect(old.closed?.code).toBe(4401)
    expect(new Revocations({ known: [{ actor: 'eve', sinceMs: 1 }] }).isRevoked(timeless)).toBe(true)
    const revocations = new Revocations({ known: [{ actor: 'eve', sinceMs: 1_000 }] })
    await revocations.revoke('eve', 1)
    expect(revocations.isRevoked({ ...timeless, issuedAtMs: 500 })).toBe(true)
    expect(revocations.isRevoked({ ...timeless, issuedAtMs: 1_000 })).toBe(false)
  })
})

const timeless = {
  actor: 'eve',
  source: 'user_action',
  sources: undefined,
  access: 'write',
  isAuthenticated: true,
  expiresAtMs: undefined,
  allows: () => true,
} as const

describe('a reader of a workspace that does not exist', () => {
  it('[S140] sees an empty one, makes nothing, and connects anew once somebody has made it', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, authenticator: createAuthenticator({ secret: SECRET }) })
    const read = await tokenOf('reader', { access: 'read' })
    const readers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => fixture.client(`none-${i}?token=${read}&joinery=1`).synced()),
    )
    const reader = await fixture.client(`w?token=${read}&joinery=1`).synced()
    const stock = await fixture.client(`w?token=${read}`).synced()
    expect(reader.message('hello')).toMatchObject({ generation: '', access: 'read' })
    for (const one of readers) await one.roundTrip()
    expect(await Array.fromAsync(store.workspaces())).toEqual([])
    const writer = await fixture.client(`w?token=${await tokenOf('ada')}&joinery=1`).synced()
    writer.text.insert(0, 'here')
    await reader.until(() => reader.closed !== undefined)
    expect(reader.closed).toMatchObject({ code: 1012, reason: expect.stringContaining('exists now') })
    expect(reader.text.toString()).toBe('')
    await stock.until(() => stock.text.toString() === 'here')
    const back = await fixture.client(`w?token=${read}&joinery=1`).synced()
    expect(back.message('hello')?.generation).toBe(writer.message('hello')?.generation)
    expect(back.text.toString()).toBe('here')
  })

  it('[S140] is called before it sees anything when a program or a stock client makes the workspace', async () => {
    fixture = await ServerFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
    const read = await tokenOf('reader', { access: 'read' })
    const byProgram = await fixture.client(`w?token=${read}&joinery=1`).synced()
    const byStock = await fixture.client(`v?token=${read}&joinery=1`).synced()
    await fixture.server.workspaces.write(W, {
      writer: { actor: 'job', source: 'user_action' },
      via: 'test',
      run: (doc) => doc.getText('t').insert(0, 'made'),
    })
    const stock = await fixture.client(`v?token=${await tokenOf('ada')}`).synced()
    stock.text.insert(0, 'made')
    for (const early of [byProgram, byStock]) {
      await early.until(() => early.closed !== undefined)
      expect([early.closed?.code, early.text.toString()]).toEqual([1012, ''])
    }
  })
})
