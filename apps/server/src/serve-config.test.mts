import { describe, expect, it } from 'vitest'
import { AppError } from './app-error.mts'
import { parseServeConfig } from './serve-config.mts'
import type { Environment, Options } from './setting.mts'

const parse = (options: Options, environment: Environment = {}) => parseServeConfig(options, environment, '/srv')
const fault = (options: Options, environment: Environment = {}): string => {
  try {
    parse(options, environment)
  } catch (error) {
    if (error instanceof AppError && error.code === 'usage') return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('parseServeConfig', () => {
  it('[A1] gives loopback, port 1234, ./data and async when nothing is said', () => {
    expect(parse({})).toEqual({
      host: '127.0.0.1',
      port: 1234,
      dataDirectory: '/srv/data',
      durability: 'async',
      isReplicated: false,
      keepHistory: 'forever',
      diskFreeBytesMin: 256_000_000,
      logLevel: 'info',
      origins: undefined,
      limits: { server: {}, http: {}, jwks: {}, tasks: {}, files: {} },
      page: { base: '', login: undefined, tokenOrigins: [] },
      quotas: {},
      isInsecure: false,
      keys: undefined,
    })
  })

  it('[A54] bounds the connections of an address and of a principal only when that is said', () => {
    const none = { connectionsPerAddressMax: undefined, connectionsPerPrincipalMax: undefined }
    expect(parse({})).toMatchObject(none)
    const environment = { JOINERY_CONNECTIONS_PER_PRINCIPAL: '7' }
    const bounds = { connectionsPerAddressMax: 5, connectionsPerPrincipalMax: 7 }
    expect(parse({ connectionsPerAddress: '5' }, environment)).toMatchObject(bounds)
    expect(fault({ connectionsPerAddress: '0' })).toContain('--connections-per-address')
  })

  it('[A80] takes the path of a file of machines, from where the command runs', () => {
    expect(parse({}).machinesFile).toBe(undefined)
    expect(parse({ machines: 'tables.json' }).machinesFile).toBe('/srv/tables.json')
    expect(parse({}, { JOINERY_MACHINES: '/etc/tables.json' }).machinesFile).toBe('/etc/tables.json')
  })

  it('[A1] takes the environment when the option is absent and the option when both are there', () => {
    const environment = { PORT: '5000', JOINERY_DATA: '/var/joinery', JOINERY_DURABILITY: 'sync', JOINERY_HOST: '' }
    expect(parse({}, environment)).toMatchObject({ port: 5000, dataDirectory: '/var/joinery', durability: 'sync' })
    expect(parse({ port: '0', data: 'x' }, environment)).toMatchObject({ port: 0, dataDirectory: '/srv/x' })
    expect(parse({}, environment).host).toBe('127.0.0.1')
  })

  it.each([
    ['forever', 'forever'],
    ['30d', { days: 30 }],
    ['100000', { events: 100_000 }],
  ])('[A48] reads how much history is kept from %s', (text, keepHistory) => {
    expect(parse({ keepHistory: text }).keepHistory).toEqual(keepHistory)
    expect(parse({}, { JOINERY_KEEP_HISTORY: text }).keepHistory).toEqual(keepHistory)
  })

  it.each([
    ['port', '--port must be a whole number', ['', 'abc', '-1', '65536', '1e3', '0x10', ' 80', '1.5', '9'.repeat(40)]],
    ['durability', '--durability must be one of memory, async, sync', ['fsync', 'SYNC', '']],
    ['keepHistory', '--keep-history must be forever', ['ever', '30 d', '-1', '1.5d', '']],
    ['host', '--host must be an IP address', ['', 'a b', 'http://x', '-x', '::1]']],
    ['data', '--data must be the path of a directory', ['']],
    ['logLevel', '--log-level must be one of silent', ['loud']],
    ['base', '--base must be a path', ['joinery', '/joinery/', '//a', '/a b', '/..', '/"']],
    ['login', '--login must be an http or https address', ['app.example', 'ftp://a', 'https://a@b/', 'javascript:1']],
    ['tokenOrigins', '--token-origins must be origins', ['*', 'https://a/b', 'null']],
    [
      'origins',
      '--origins must be origins of pages',
      ['example.org', 'https://example.org/', '', 'null', 'https://*.example.org', 'https://a.example,*'],
    ],
  ])('[A2] names --%s, its rule and an example when its value breaks the rule', (option, start, values) => {
    for (const value of values) {
      const message = fault({ [option]: value })
      expect(message.startsWith(start), message).toBe(true)
      expect(message).toMatch(/; for example: --[\w-]+ \S+$/)
      expect(message).not.toContain('\n')
    }
  })

  it('[A51] takes exact origins of pages and of app shells', () => {
    const origins = 'tauri://localhost, capacitor://localhost,app://x,https://app.example:8443'
    expect(parse({ origins }).origins).toEqual([
      'tauri://localhost',
      'capacitor://localhost',
      'app://x',
      'https://app.example:8443',
    ])
    expect(fault({ origins: 'https://*.example.org' })).toContain('no wildcard')
  })

  it('[A2] names the variable when the value came from it', () => {
    expect(fault({}, { PORT: 'http' })).toBe(
      'PORT must be a whole number from 0 to 65535 (0 takes any free port), not "http"; for example: PORT=1234',
    )
  })

  it('[A3] refuses a host others can reach when there are no keys, and takes it with keys or --insecure', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.org']) {
      expect(fault({ host })).toContain('JOINERY_JWT_SECRET')
      expect(parse({ host, insecure: true })).toMatchObject({ host, isInsecure: true })
      expect(parse({ host }, { JOINERY_JWT_SECRET: 'x'.repeat(32) }).host).toBe(host)
    }
    for (const host of ['localhost', '::1', '127.0.0.1', '127.1.2.3']) expect(parse({ host }).host).toBe(host)
  })

  it('[A3] refuses two kinds of keys at once', () => {
    expect(fault({}, { JOINERY_JWT_SECRET: 'x'.repeat(32), JOINERY_JWKS: '/keys.json' })).toContain(
      'exclude each other',
    )
  })
})
