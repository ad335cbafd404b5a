import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseServeConfig } from '../serve-config.mts'
import { readClusterConfig } from './cluster-setting.mts'

const LIST = 'nats://a:4222,nats://b:4222,nats://c:4222'
const place = { node: 'n1', advertise: '10.0.0.1:1234' }
const read = (options: object, environment = {}) => readClusterConfig(options as never, environment, '/')

it('[A134] a server is a node of a cluster where it is given NATS servers, by option, variable or file', async () => {
  expect(read({})).toBeUndefined()
  expect(read({ deployment: 'single', cluster: LIST })).toBeUndefined()
  const expected = { servers: LIST.split(','), ...place, copies: 3, monitors: [], user: undefined, pass: undefined }
  expect(read({ cluster: LIST, ...place })).toEqual(expected)
  const variables = { JOINERY_CLUSTER: LIST, JOINERY_NODE: 'n1', JOINERY_ADVERTISE: '10.0.0.1:1234' }
  expect(read({}, variables)).toEqual(expected)
  expect(read({ cluster: 'nats://u:p%40s@a:4222', ...place })).toMatchObject({
    ...{ servers: ['nats://a:4222'], copies: 1, user: 'u', pass: 'p@s' },
  })
  const directory = await mkdtemp(join(tmpdir(), 'joinery-cluster-'))
  try {
    const file = join(directory, 'cluster.json')
    await writeFile(file, JSON.stringify({ servers: LIST.split(','), ...place, user: 'u', copies: 5 }))
    expect(read({ cluster: `@${file}` })).toEqual({ ...expected, user: 'u', copies: 5 })
    expect(read({ cluster: `@${file}`, node: 'n2' })?.node).toBe('n2')
    const monitors = ['http://a:8222', 'http://b:8222']
    expect(read({ cluster: LIST, ...place, monitors: monitors.join() })).toEqual({ ...expected, monitors })
    await writeFile(file, JSON.stringify({ servers: LIST.split(','), ...place, monitors }))
    expect(read({ cluster: `@${file}` })).toEqual({ ...expected, monitors })
    await writeFile(file, '{"server":[]}')
    expect(() => read({ cluster: `@${file}` })).toThrow(/can't be read: .*it is JSON such as/)
  } finally {
    await rm(directory, { recursive: true })
  }
})

it('[A134] an edit is acknowledged when the cluster has it, unless the node is told otherwise', () => {
  const parse = (options: object) => parseServeConfig(options as never, {}, '/')
  const node = { cluster: LIST, ...place }
  expect(parse(node)).toMatchObject({ durability: 'sync', isReplicated: true })
  expect(parse({ ...node, durability: 'replicated' })).toMatchObject({ durability: 'sync', isReplicated: true })
  expect(parse({ ...node, durability: 'async' })).toMatchObject({ durability: 'async', isReplicated: false })
  expect(parse({})).toMatchObject({ durability: 'async', isReplicated: false, cluster: undefined })
  expect(() => parse({ durability: 'replicated' })).toThrow(/--durability replicated is for a node of a cluster/)
  expect(() => parse({ ...node, durability: 'memory' })).toThrow(/a node of a cluster keeps its data/)
})

it('[A134] what is missing or wrong is named, with an example and without a password', () => {
  const refused: [options: object, reason: RegExp][] = [
    [{ cluster: LIST, advertise: 'a:1' }, /needs --node.*for example: --node n1/],
    [{ cluster: LIST, node: 'n1' }, /needs --advertise.*for example: --advertise/],
    [{ cluster: LIST, ...place, node: 'a b' }, /--node must be 1 to 64 letters/],
    [{ cluster: LIST, ...place, advertise: 'a' }, /--advertise must be the host and the port/],
    [{ cluster: 'http://a', ...place }, /--cluster must be addresses of NATS servers.*not http:\/\/a/],
    [{ cluster: 'nats://u:secret@a b', ...place }, /not nats:\/\/…@a b/],
    [{ deployment: 'cluster' }, /--deployment cluster needs --cluster/],
    [{ cluster: LIST, ...place, monitors: 'a:8222' }, /--monitors must be addresses of the monitoring ports/],
    [{ monitors: 'http://a:8222' }, /--monitors is for a node of a cluster/],
    [{ node: 'n1' }, /--node is for a node of a cluster/],
    [{ deployment: 'mesh' }, /--deployment must be one of single, cluster, p2p/],
    [{ cluster: '@/nowhere.json' }, /can't be read/],
  ]
  for (const [options, reason] of refused) expect(() => read(options)).toThrow(reason)
  expect(() => read({ deployment: 'p2p' })).toThrow(expect.objectContaining({ code: 'unsupported' }))
})
