import { describe, expect, it } from 'vitest'
import { decodeRollCall, RollCall } from '../disk/roll-call.ts'
import { decodeStoreIdentity, encodeStoreIdentity } from '../disk/store-identity.ts'
import type { Lsn } from '../lsn.ts'
import { IDENTITY_KEY, recordKey } from '../records/key.ts'
import { decodeWorkspaceIdentity, encodeWorkspaceIdentity } from '../records/workspace-identity.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const code = (expected: string) => expect.objectContaining({ name: 'LogError', code: expected })

/** Written on the first day of the format: never make it anew. */
const STORE = '010873746f72652d69646a6e3db2'
const WORKSPACE = '1000000102018bcfe5687b0a67656e65726174696f6eea569f67'
const ROLL_CALL = '0000000001030000000100000000000800000102000000000002d6391b89'

describe('identity', () => {
  it('[L27] the frozen identity of a store reads and is still written so', () => {
    const { key, value } = encodeStoreIdentity('store-id')
    expect([hex(key), hex(value)]).toEqual([hex(IDENTITY_KEY), STORE])
    expect(decodeStoreIdentity(Buffer.from(STORE, 'hex'), '/data')).toBe('store-id')
  })

  it('[L19, L20] a damaged store identity is corrupted, one of a format to come foreign', () => {
    const damaged = Buffer.from(STORE, 'hex')
    damaged[3] = (damaged[3] ?? 0) ^ 1
    for (const value of [damaged, Buffer.alloc(0), Buffer.alloc(5)]) {
      expect(() => decodeStoreIdentity(value, '/data')).toThrow(code('corrupted'))
    }
    expect(() => decodeStoreIdentity(Buffer.from('020873746f72652d6964815986b1', 'hex'), '/data')).toThrow(
      code('foreign_directory'),
    )
  })

  it('[L27] the frozen identity of a workspace reads and is still written so', () => {
    const identity = { number: 258, createdAt: 1_700_000_000_123, generation: 'generation' }
    const [put, name] = encodeWorkspaceIdentity('a/é', identity)
    expect([put, name].map((each) => each && [hex(each.key), hex(each.value)])).toEqual([
      ['02612fc3a9', WORKSPACE],
      ['0300000102', '612fc3a9'],
    ])
    expect(decodeWorkspaceIdentity('a/é', Buffer.from(WORKSPACE, 'hex'))).toEqual(identity)
    expect(() => decodeWorkspaceIdentity('a/e', Buffer.from(WORKSPACE, 'hex'))).toThrow(code('corrupted'))
  })

  it('[L27] the frozen roll call reads and is still written so', () => {
    const call = new RollCall(259)
    call.attend([
      { type: 'put', key: recordKey(1, 7 as Lsn), value: Buffer.alloc(0) },
      { type: 'put', key: recordKey(258, 2 as Lsn), value: Buffer.alloc(0) },
      { type: 'put', key: recordKey(1, 8 as Lsn), value: Buffer.alloc(0) },
    ])
    const put = call.farewell()[1]?.[0]
    expect(put && [hex(put.key), hex(put.value)]).toEqual(['0103', ROLL_CALL])
    const read = decodeRollCall(Buffer.from('0103', 'hex'), Buffer.from(ROLL_CALL, 'hex'))
    expect(read).toEqual({
      no: 259,
      heads: new Map([
        [1, 8],
        [258, 2],
      ]),
    })
    expect(decodeRollCall(Buffer.from('0104', 'hex'), Buffer.from(ROLL_CALL, 'hex'))).toBeUndefined()
  })

  it('[L29] a store that has written nothing has no roll to call', () => {
    expect(new RollCall(0).farewell()).toEqual([])
  })
})
