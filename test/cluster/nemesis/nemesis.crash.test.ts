import { setTimeout as delay } from 'node:timers/promises'
import { natsServerPath } from '@joinery/cluster/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runSize } from '../../support/run-size.ts'
import { runSeed, seededRandom } from '../../support/seeded-random.ts'
import { type TempDirectory, tempDirectory } from '../../support/temp-directory.ts'
import { HistoryWatch } from '../history-watch.ts'
import { JoineryCluster, NODES } from '../joinery-cluster.ts'
import { SERVERS } from '../nats-cluster.ts'
import { ClusterWriters } from './cluster-writers.ts'
import { FenceStripper } from './fence-stripper.ts'
import { expectAcknowledged, type Tormented, torment } from './nemesis.ts'
import { ORDERS_ENV, Orders } from './orders.ts'

const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
const ROUNDS = runSize('JOINERY_NEMESIS_ROUNDS', { everyday: 8, nightly: 200 })
/** A failure lasts so much longer at night, at most, ms. */
const LASTS_MS_MAX = IS_NIGHTLY ? 10_000 : 0
/** Time in which late words come, and a look at a history that they may have broken, ms. */
const LATE_MS = 2_000
const LOOK_MS = 100
const path = await natsServerPath()

const nameOf = (node: number): string => `n${node}`

describe.skipIf(path === undefined)('a cluster of three nodes and three NATS servers', () => {
  let home: TempDirectory
  let scene: Tormented

  const stop = async (): Promise<void> => {
    await scene.orders.stop()
    await scene.watch.close()
    await scene.writers.stop().catch(() => undefined)
    await scene.cluster.stop()
    await home[Symbol.asyncDispose]()
  }

  beforeAll(async () => {
    const seed = runSeed()
    console.log(`nemesis: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    home = await tempDirectory()
    const cluster = await JoineryCluster.start(path ?? '', home.path, { env: ORDERS_ENV, hasClocks: true })
    const watch = await HistoryWatch.open(cluster.nats)
    const writers = new ClusterWriters(cluster.url, random)
    const nodes = NODES.map((node) => `http://127.0.0.1:${cluster.linksOf(node).port}`)
    const orders = await Orders.start({ front: `http://${cluster.balancer.address}`, nodes }, writers.workspaces)
    scene = { cluster, watch, writers, orders, random }
    writers.startTyping()
    orders.startOrdering()
    await writers.untilGoingOn()
    await watch.look()
  })

  afterAll(async () => {
    if (scene !== undefined) await stop()
  })

  it(`[T135] nothing acknowledged as replicated is lost in ${ROUNDS} rounds of failures, and all copies are the same`, async () => {
    const { cluster, watch, writers, orders } = scene
    try {
      await torment({ ...scene, rounds: ROUNDS, hasAll: IS_NIGHTLY, lastsMsMax: LASTS_MS_MAX })
      writers.stopTyping()
      await orders.stopOrdering()
      await writers.settle()
      const ordered = await orders.settle(watch, () => expectAcknowledged(scene, { isWhole: true }))
      await watch.untilEqual(NODES.map(nameOf))
      await cluster.stopNodes()
      for (const node of NODES) expect(await watch.compareNode(cluster.directoryOf(node))).toBeGreaterThan(0)
      expect(ordered).toBeGreaterThan(0)
      console.log(`${writers.acknowledged} edits acknowledged, 0 lost; ${ordered} orders, each with its effects once`)
    } catch (error) {
      console.log(`${error}\n${cluster.lastWords()}`)
      for (const server of SERVERS) console.log(`NATS ${server}:\n${cluster.nats.outputOf(server).slice(-3_000)}`)
      throw error
    }
  })

  it('[T135] the same eyes see what happens when NATS takes the late words of an owner that was replaced', async () => {
    const { cluster, writers, watch } = scene
    await cluster.heal()
    for (const node of NODES) {
      for (const link of cluster.linksOf(node).nats) link.filterUp(() => new FenceStripper().pass)
    }
    writers.startTyping()
    const brokenMeanwhile = async (work: Promise<void>): Promise<string | undefined> => {
      let isOver = false
      const end = (): void => {
        isOver = true
      }
      work.then(end, end)
      let broken: string | undefined
      while (broken === undefined && !isOver) {
        await watch.look().catch((error: Error) => {
          broken = error.message
        })
        await delay(LOOK_MS)
      }
      return broken
    }
    // A node is not heard for a while: it goes on to write what others own by then.
    const seen = async (): Promise<string> => {
      const atOnce = await brokenMeanwhile(writers.untilGoingOn())
      if (atOnce !== undefined) return atOnce
      for (let node = 0; ; node++) {
        const { nats } = cluster.linksOf(NODES[node % NODES.length] ?? 0)
        for (const link of nats) link.hold('up')
        const early = await brokenMeanwhile(writers.untilGoingOn())
        cluster.healLinks()
        const broken = early ?? (await brokenMeanwhile(delay(LATE_MS)))
        if (broken !== undefined) return broken
      }
    }
    expect(await seen()).toMatch(/two contents|the epoch falls|has record \d+ behind record/)
  })
})
