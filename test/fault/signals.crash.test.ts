import { hash, randomBytes } from 'node:crypto'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { readLog } from '../crash/read-log.ts'
import { stopInTime } from '../crash/stop-in-time.ts'
import { WireWriter } from '../crash/wire-writer.ts'
import { Writers } from '../crash/writers.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'

/** Resolves when this process has read what its sockets hold: each turn of the event loop reads some of it. */
async function allRead(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await setImmediate()
}

const PAUSES = runSize('JOINERY_PAUSES', { everyday: 1, nightly: 20 })
const PAUSE_MS = runSize('JOINERY_PAUSE_MS', { everyday: 3_000, nightly: 10_000 })
const STOPS = runSize('JOINERY_STOPS', { everyday: 3, nightly: 30 })
/** Enough that the next state is worth a snapshot, little enough to be one update. */
const PASTE_BYTES = 400 * 1024

describe('a server that stands still', () => {
  it(`[T48] nothing acknowledged is lost and nothing doubled when it stops for ${PAUSE_MS} ms and goes on, ${PAUSES} times`, async () => {
    const seed = runSeed()
    console.log(`pauses: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    await using joinery = await startJoinery({ directory: home.path, durability: 'sync' })
    const writers = new Writers(joinery.url, random)
    const isEverybodyHeard = () => writers.all.every(({ ledger }) => ledger.acknowledged > 0)
    writers.startTyping()
    await until('everybody was acknowledged something', isEverybodyHeard)
    for (let pause = 0; pause < PAUSES; pause++) {
      process.kill(joinery.child.pid, 'SIGSTOP')
      // Acknowledgements from before the stop arrive now. From then on no new one can come.
      await delay(PAUSE_MS / 3)
      await allRead()
      const acknowledged = writers.all.map(({ ledger }) => ledger.acknowledged)
      // Some reconnect to the stopped server: only its kernel answers them.
      for (const writer of writers.all) if (writer instanceof WireWriter && random() < 0.5) writer.cut()
      await delay((PAUSE_MS * 2) / 3)
      expect(writers.all.map(({ ledger }) => ledger.acknowledged)).toEqual(acknowledged)
      process.kill(joinery.child.pid, 'SIGCONT')
      const isHeardAgain = () => writers.all.every(({ ledger }, i) => ledger.acknowledged > (acknowledged[i] ?? 0))
      await until('everybody is acknowledged more', isHeardAgain)
    }
    writers.stopTyping()
    await writers.settle(joinery.url)
    await joinery.child.end('SIGKILL')
    writers.expectAcknowledged(await readLog(home.path))
    await writers.stop()
  })
})

/** Pastes into a workspace of its own as fast as the server takes it, so that the server writes one snapshot after another. */
async function pasteOn(client: RawClient, signal: AbortSignal): Promise<void> {
  const text = client.doc.getText('pastes')
  // Text typed while the socket closes is not sent. The test compares only what was sent.
  const isOpen = (): boolean => client.socket.readyState === client.socket.OPEN
  while (!signal.aborted && isOpen()) {
    text.insert(text.length, randomBytes(PASTE_BYTES / 2).toString('hex'))
    const sent = client.framesSent
    await Promise.race([until('the paste is durable', () => client.framesDurable >= sent), client.ended])
    // The text starts anew, so that a snapshot of it takes only a moment.
    if (text.length > 10 * PASTE_BYTES && isOpen()) text.delete(0, text.length)
  }
}

const digestOf = ({ doc }: RawClient): string => hash('sha256', doc.getText('pastes').toString())

async function snapshotsOf(url: string): Promise<number> {
  const metrics = await (await fetch(`${url.replace('ws:', 'http:')}/metrics`)).text()
  return Number(/^joinery_snapshots_total (\d+)$/m.exec(metrics)?.[1])
}

describe('a server that writes snapshots', () => {
  it(`[T21] it ends with 0 within 10 s, with all that was acknowledged, when it is told to stop, ${STOPS} times`, async () => {
    const seed = runSeed()
    console.log(`stops: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    /** Digest of the text when all of it was durable. Undefined when the stop came before. */
    let pasted: string | undefined
    for (let stop = 0; stop < STOPS; stop++) {
      await using joinery = await startJoinery({ directory: home.path })
      const writer = new WireWriter(joinery.url, 'typed', `ada-${stop}`)
      const paster = await RawClient.open({ url: joinery.url, path: 'pasted', wantsJoinery: true })
      if (pasted !== undefined) expect(digestOf(paster)).toBe(pasted)
      const done = new AbortController()
      const pasting = pasteOn(paster, done.signal)
      const typing = setInterval(() => writer.type(), 2)
      // The first server takes no snapshot while it runs, but one as it ends.
      if (stop === 0) await until('there is enough to keep', () => paster.framesDurable > 20)
      else while ((await snapshotsOf(joinery.url)) < 1) await delay(5)
      await delay(randomBelow(random, 50))
      done.abort()
      const [exit] = await Promise.all([stopInTime(joinery), pasting])
      expect(exit, joinery.child.output()).toEqual({ code: 0, signal: null })
      clearInterval(typing)
      const log = await readLog(home.path)
      const typed = writer.ledger.typed.slice(0, writer.ledger.acknowledged)
      expect(typed.length).toBeGreaterThan(0)
      expect(log.get('typed')?.filter((entry) => typed.includes(entry))).toEqual(typed)
      pasted = paster.framesDurable === paster.framesSent ? digestOf(paster) : undefined
      await writer.stop()
    }
  })
})
