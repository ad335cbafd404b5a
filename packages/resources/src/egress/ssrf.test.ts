import { afterEach, expect, it } from 'vitest'
import { ResourceError } from '../resource-error.ts'
import { closeListeners, counter, resolver, service } from '../testing/listeners.ts'
import { Egress } from './egress.ts'
import { EgressError } from './egress-error.ts'

afterEach(closeListeners)

/** One address of each range of version 4 that is not given to hosts of the public internet. */
const RANGES = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.254', '127.0.0.1', '127.1.2.3'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.254', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.1.1'],
  ...['198.18.0.1', '198.19.255.254', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.1.2.3', '240.0.0.1'],
  '255.255.255.255',
]

/** The forms in which a URL may write an address of version 4. */
const FORMS: Readonly<Record<string, (bytes: readonly number[]) => string>> = {
  literal: (bytes) => bytes.join('.'),
  decimal: (bytes) => String(numberOf(bytes)),
  hexadecimal: (bytes) => `0x${numberOf(bytes).toString(16)}`,
  octal: (bytes) => bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
  short: ([first = 0, ...rest]) => `${first}.${numberOf(rest)}`,
  'with a dot': (bytes) => `${bytes.join('.')}.`,
  'full-width': (bytes) => bytes.join('.').replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  mapped: (bytes) => `[::ffff:${bytes.join('.')}]`,
  compatible: (bytes) => `[::${bytes.join('.')}]`,
  NAT64: (bytes) => `[64:ff9b::${bytes.join('.')}]`,
  '6to4': ([a = 0, b = 0, c = 0, d = 0]) => `[2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::1]`,
}

/** Hosts in forms of their own, and one address of each reserved range of version 6. */
const ODD_HOSTS = [
  ...['017700000001', '0x7f.1', '127.0.1', '①②⑦.⓪.⓪.①', '0x7f.0.0.0x1', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]'],
  ...['[::ffff:7f00:1]', '[64:ff9b:1::1]', '[100::1]', '[2001::1]', '[2001:2::1]', '[2001:db8::1]', '[fc00::1]'],
  ...['[fd12:3456::1]', '[fe80::1]', '[fec0::1]', '[ff02::1]', '[5f00::1]'],
  // An address in percents and with the dots of other scripts, a number without digits, and ranges that are no hosts' either.
  ...['%31%32%37.0.0.1', '127。0。0。1', '0x', '192.168.257', '[::ffff:0:127.0.0.1]', '[3fff::1]'],
  ...['[2001:20::1]', '[2001:4:112::1]', '[2001:0:7f00:1::]', '[4000::1]', '192.31.196.1', '192.52.193.1'],
]

const URLS: readonly (readonly [string, EgressError['why']])[] = [
  ...['gopher', 'ftp', 'file', 'ws', 'wss', 'http', 'ldap', 'dict', 'blob', 'unix'].map(
    (scheme) => [`${scheme}://8.8.8.8/`, 'scheme'] as const,
  ),
  ...[...['data:text/plain,a', 'javascript:alert(1)', 'file:///etc/passwd', 'https+unix://a/']].map(
    (url) => [url, 'scheme'] as const,
  ),
  ...['user@8.8.8.8', '8.8.8.8:pass@127.0.0.1', ':pass@8.8.8.8', 'hooks.example%40evil@127.0.0.1'].map(
    (host) => [`https://${host}/`, 'user_info'] as const,
  ),
  ['https://8.8.8.8/#a', 'fragment'],
  ...[22, 25, 80, 6379, 8443, 65_535].map((port) => [`https://8.8.8.8:${port}/`, 'port'] as const),
  ...[
    '//8.8.8.8/',
    '',
    'https://',
    'https://[::1/',
    'https://1.2.3.4.5.6/',
    'https://a b/',
    'https://8.8.8.8:99999/',
  ].map((url) => [url, 'no_url'] as const),
]

/** The addresses of names, of which one at least is forbidden. */
const NAMES = [
  ...[['8.8.8.8', '127.0.0.1'], ['127.0.0.1', '8.8.8.8'], ['2606:4700::1111', '::1'], ['127.0.0.1'], ['10.0.0.1']],
  ...[['::ffff:169.254.169.254'], ['8.8.8.8', '1.1.1.1', '169.254.169.254'], ['64:ff9b::7f00:1'], ['fe80::1%lo']],
  ...[['8.8.8.8', '::ffff:10.0.0.1'], ['::ffff:0:7f00:1'], ['3fff::1'], ['127.1'], ['8.8.8.8', 'no address']],
]

/** Places that a redirect leads to. */
const REDIRECTS = [301, 302, 303, 307, 308].flatMap((status) =>
  ['http://127.0.0.1', 'https://localhost', 'http://[::1]', '//2130706433'].map((place) => ({ status, place })),
)

/** Addresses that a resolver has when it is asked again, after one that was allowed. */
const REBOUND = ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1']

/** At least so many different URLs must be tried (T8 of the acceptance tests). */
const URLS_MIN = 80

const numberOf = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0)

const literals = (): string[] => {
  const inForms = RANGES.flatMap((address) => Object.values(FORMS).map((form) => form(address.split('.').map(Number))))
  return [...inForms, ...ODD_HOSTS]
}

const refusalOf = (called: Promise<unknown>): Promise<unknown> => called.catch((error: unknown) => error)

it('[RS5] the URLs of this file are 80 or more, and no two are the same', () => {
  const urls = [...literals(), ...URLS.map(([url]) => url)]
  expect(new Set(urls).size).toBe(urls.length)
  expect(urls.length).toBeGreaterThanOrEqual(URLS_MIN)
  expect(new Set(NAMES.map((addresses) => addresses.join())).size).toBe(NAMES.length)
})

it('[RS5] no address in any form reaches a listener, and each refusal says its rule', async () => {
  const listener = await counter()
  // The port is allowed, so that it is the address that is refused.
  const egress = new Egress({ ports: [listener.port] })
  const hosts = literals()
  for (const host of hosts) {
    const error = await refusalOf(egress.request(`https://${host}:${listener.port}/`))
    expect(error, host).toBeInstanceOf(EgressError)
    expect((error as EgressError).why, host).toBe('address')
  }
  expect(listener.connections).toBe(0)
  expect(egress.refused.get('address')).toBe(hosts.length)
})

it.each(URLS)('[RS5] %j is refused by the rule %s', async (url, why) => {
  const error = await refusalOf(new Egress().request(url))
  expect(error).toBeInstanceOf(EgressError)
  expect((error as EgressError).why).toBe(why)
})

it.each(NAMES.map((addresses) => [addresses]))('[RS5] a name with the addresses %j is refused', async (addresses) => {
  const listener = await counter()
  const egress = new Egress({ ports: [listener.port], resolve: resolver(addresses) })
  const error = await refusalOf(egress.request(`https://hooks.example:${listener.port}/`))
  expect((error as EgressError).why).toBe('address')
  expect(listener.connections).toBe(0)
})

it('[RS5] a name that the system finds at loopback is refused', async () => {
  const listener = await counter()
  const egress = new Egress({ ports: [listener.port] })
  for (const name of ['localhost', 'LOCALHOST']) {
    const error = await refusalOf(egress.request(`https://${name}:${listener.port}/`))
    expect((error as EgressError).why, name).toBe('address')
  }
  expect(listener.connections).toBe(0)
})

it.each(REBOUND)(
  '[RS6] a name that has the address %s after the check reaches the checked one alone',
  async (later) => {
    const listener = await counter()
    let asked = 0
    // 192.0.2.1 is allowed below, and nobody is there: the first answer passes the check.
    const answers = resolver(['192.0.2.1'], [later])
    const resolve: typeof answers = (host) => {
      asked++
      return answers(host)
    }
    const limits = { connectMs: 100, wholeMs: 200 }
    const egress = new Egress({ allow: '192.0.2.1', ports: [listener.port], resolve, limits })
    await expect(egress.request(`https://rebinding.example:${listener.port}/`)).rejects.toThrow(ResourceError)
    expect({ asked, connections: listener.connections }).toEqual({ asked: 1, connections: 0 })
  },
)

it('[RS7] a name server that does not answer ends the call with the time to connect, and with its signal', async () => {
  const egress = new Egress({ resolve: () => new Promise(() => {}), limits: { connectMs: 20 } })
  await expect(egress.request('https://hooks.example/')).rejects.toMatchObject({ code: 'unavailable' })
  const patient = new Egress({ resolve: () => new Promise(() => {}) })
  const stop = new AbortController()
  const called = patient.request('https://hooks.example/', { signal: stop.signal })
  stop.abort(new Error('stopped'))
  await expect(called).rejects.toThrow('stopped')
})

it('[RS7] a redirect is an answer, and is not followed', async () => {
  const listener = await counter()
  const port = await service(({ url = '' }, response) => {
    const { status, place } = REDIRECTS[Number(url.slice(1))] ?? expect.fail(`there is no redirect ${url}`)
    response.writeHead(status, { location: `${place}:${listener.port}/` }).end()
  })
  const egress = new Egress({ allow: `http://127.0.0.1:${port}` })
  for (const [n, { status }] of REDIRECTS.entries()) {
    expect((await egress.request(`http://127.0.0.1:${port}/${n}`)).status).toBe(status)
  }
  expect(listener.connections).toBe(0)
})
