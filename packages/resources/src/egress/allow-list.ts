import ipaddr from 'ipaddr.js'
import { ResourceError } from '../resource-error.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** The addresses of the internet that are given to hosts: all others of version 6 are reserved. */
const GLOBAL_V6 = ipaddr.parseCIDR('2000::/3')

/** Whether a text is an IP address of the public internet. Mapped ones count as the address inside. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_V6 as [ipaddr.IPv6, number])
}

/** The exceptions that an operator has made: networks, and single hosts. */
export class AllowList {
  readonly #networks: readonly [Address, number][]
  /** `host:port`, or `host` for the usual port. */
  readonly #hosts: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>

  /**
   * @param text entries joined by commas: `10.1.2.0/24` and `10.1.2.3` for addresses, `hooks.internal` and `hooks.internal:8443` for names,
   * `http://hooks.internal:8080` for a host without TLS. Throws `misconfigured` (`ResourceError`) that names the entry
   */
  constructor(text: string) {
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
    const networks: [Address, number][] = []
    const hosts: string[] = []
    const origins: string[] = []
    for (const entry of entries) {
      const network = networkOf(entry)
      if (network !== undefined) networks.push(network)
      else if (entry.includes('://')) origins.push(originOf(entry))
      else hosts.push(new URL(originOf(`https://${entry}`)).host)
    }
    this.#networks = networks
    this.#hosts = new Set(hosts)
    this.#origins = new Set(origins)
  }

  /** Whether the host and the port of a URL are named: then its scheme, its port and its addresses are as the operator wants them. */
  hasHost({ host, origin, protocol }: URL): boolean {
    return this.#origins.has(origin) || (protocol === 'https:' && this.#hosts.has(host))
  }

  /** Whether a connection to the address may be made. */
  hasAddress(address: string): boolean {
    if (isPublic(address)) return true
    if (!ipaddr.isValid(address)) return false
    const parsed = ipaddr.process(address)
    return this.#networks.some(([base, bits]) => base.kind() === parsed.kind() && parsed.match([base, bits] as never))
  }
}

function networkOf(entry: string): [Address, number] | undefined {
  const bare = entry.replace(/^\[|\]$/g, '')
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return [ipaddr.IPv4.parse(bare), 32]
  if (ipaddr.IPv6.isValid(bare)) return [ipaddr.IPv6.parse(bare), 128]
  return ipaddr.isValidCIDR(bare) ? ipaddr.parseCIDR(bare) : undefined
}

function originOf(entry: string): string {
  const url = URL.parse(entry)
  const isOrigin =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === '/' &&
    url.search + url.hash + url.username === ''
  if (!isOrigin || url.host === '') {
    throw new ResourceError(
      'misconfigured',
      `egress allows ${JSON.stringify(entry)}: it must be an address, a network as 10.1.2.0/24, a host, host:port, or http://host:port`,
    )
  }
  return url.origin
}
