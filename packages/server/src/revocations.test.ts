import { expect, it } from 'vitest'
import { type Revocation, Revocations } from './revocations.ts'

const token = (issuedAtMs: number) => ({ isAuthenticated: true, actor: 'eve', issuedAtMs })

it('[S392] a revocation is shared with the other servers, which keep it and end connections, and share it no further', async () => {
  const saved: (readonly Revocation[])[] = []
  const shared: Revocation[] = []
  const save = async (all: readonly Revocation[]): Promise<void> => void saved.push(all)
  const share = async (revocation: Revocation): Promise<void> => void shared.push(revocation)
  const [one, two] = [new Revocations({ share }), new Revocations({ save, share })]
  const ended: Revocation[] = []
  two.onRevoked((revocation) => ended.push(revocation))
  await one.revoke('eve', 2_000)
  for (const revocation of [...shared]) await two.learn(revocation)
  await two.learn({ actor: 'eve', sinceMs: 1_000 })
  expect([two.isRevoked(token(1_999)), two.isRevoked(token(2_000))]).toEqual([true, false])
  expect(ended).toEqual([{ actor: 'eve', sinceMs: 2_000 }])
  expect(saved).toEqual([ended])
  expect(shared).toEqual(ended)
})

it('[S392] a revocation that can’t be shared holds here, and its caller hears of it', async () => {
  const revocations = new Revocations({ share: () => Promise.reject(new Error('nobody answers')) })
  await expect(revocations.revoke('eve', 2_000)).rejects.toThrow('nobody answers')
  expect(revocations.isRevoked(token(1))).toBe(true)
})
