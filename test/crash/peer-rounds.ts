import { setTimeout as delay } from 'node:timers/promises'
import { PEERS, type PeerName, startPeer } from '../bench/peers.ts'
import { type Random, randomBelow } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { openHocuspocusClient, openYjsClient, type PeerClient } from './peer-client.ts'

export interface RoundOptions {
  readonly kills: number
  /** One entry is typed this often. */
  readonly typingMs: number
  /** The kill comes at a random moment of this span. */
  readonly killAfterMs: readonly [min: number, max: number]
  /** Time for frames that a restarted server sends after it has said that it sent all. */
  readonly quietMs: number
}

/** How many entries one server had shown and kept. `emptyDocuments` counts documents. */
export interface Losses {
  typed: number
  /** Another client had them on its screen when the server was killed. */
  seen: number
  seenLost: number
  /** The server had called them saved. */
  saved: number
  savedLost: number
  /** Documents that had entries before the kill and none after. */
  emptyDocuments: number
}

export type Contestant = { readonly peer: PeerName; readonly title: string; readonly durability?: 'async' | 'sync' }

/**
 * Kills one server `kills` times, each time with one person typing into a new document and another one watching, then
 * reads the document as a third client from the restarted server; neither of the two is left to send it again. At the end
 * all documents are looked at once more: one server has written them all.
 */
export async function killRounds(contestant: Contestant, random: Random, options: RoundOptions): Promise<Losses> {
  await using directory = await tempDirectory()
  const losses: Losses = { typed: 0, seen: 0, seenLost: 0, saved: 0, savedLost: 0, emptyDocuments: 0 }
  const written: { room: string; seen: readonly string[]; saved: readonly string[] }[] = []
  for (let round = 0; round < options.kills; round++) {
    const room = `kill-${round}`
    const { child, url } = await start(contestant, directory.path)
    const open = (name: string) => openClient(contestant, url, name)
    const writer = open(room)
    const watcher = open(room)
    await Promise.all([writer.synced, watcher.synced])
    const [min, max] = options.killAfterMs
    const typed = await typeUntil(writer, min + randomBelow(random, max - min), options.typingMs)
    await child.end('SIGKILL')
    const seen = entriesOf(watcher)
    const saved = typed.filter(({ frame }) => frame <= writer.framesSaved).map(({ entry }) => entry)
    for (const client of [writer, watcher]) client.cut()
    written.push({ room, seen, saved })
    losses.typed += typed.length
  }
  const { child, url } = await start(contestant, directory.path)
  for (const { room, seen, saved } of written) {
    const kept = new Set(await readQuietly(openClient(contestant, url, room), options.quietMs))
    losses.seen += seen.length
    losses.saved += saved.length
    losses.seenLost += seen.filter((entry) => !kept.has(entry)).length
    losses.savedLost += saved.filter((entry) => !kept.has(entry)).length
    if (seen.length > 0 && kept.size === 0) losses.emptyDocuments++
  }
  await child.end('SIGKILL')
  return losses
}

async function start({ peer, durability }: Contestant, directory: string) {
  const { command, ...rest } = PEERS[peer]
  const withDurability = (port: number, path: string) => {
    const { args, ...options } = command(port, path)
    return { ...options, args: durability === undefined ? args : [...args, '--durability', durability] }
  }
  return startPeer({ ...rest, command: withDurability }, directory, [])
}

function openClient({ peer }: Contestant, url: string, room: string): PeerClient {
  return PEERS[peer].wire === 'hocuspocus'
    ? openHocuspocusClient(url, room)
    : openYjsClient(url, room, peer === 'joinery')
}

/** Types an entry every so often for `durationMs`; which entry went with which frame tells later what was saved. */
async function typeUntil(writer: PeerClient, durationMs: number, typingMs: number) {
  const typed: { entry: string; frame: number }[] = []
  const entries = writer.doc.getArray<string>('entries')
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs) {
    const entry = `entry ${typed.length}`
    entries.push([entry])
    typed.push({ entry, frame: writer.framesSent })
    await delay(typingMs)
  }
  return typed
}

function entriesOf({ doc }: PeerClient): string[] {
  return doc.getArray<string>('entries').toArray()
}

/** The entries that the server gives a newcomer, with time for those that some servers send after their answer. */
async function readQuietly(client: PeerClient, quietMs: number): Promise<string[]> {
  await client.synced
  for (let count = -1; count !== client.doc.store.clients.size + entriesOf(client).length; ) {
    count = client.doc.store.clients.size + entriesOf(client).length
    await delay(quietMs)
  }
  client.cut()
  return entriesOf(client)
}
