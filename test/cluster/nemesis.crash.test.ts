import { natsServerPath } from '@joinery/cluster/testing'
import { describe, expect, it } from 'vitest'
import { runSize } from '../support/run-size.ts'
import { runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { ClusterWriters } from './cluster-writers.ts'
import { HistoryWatch } from './history-watch.ts'
import { JoineryCluster, NODES } from './joinery-cluster.ts'
import { expectAcknowledged, torment } from './nemesis.ts'

const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
const IS_ASKED_FOR = IS_NIGHTLY || process.env.JOINERY_NEMESIS_ROUNDS !== undefined
const ROUNDS = runSize('JOINERY_NEMESIS_ROUNDS', { everyday: 8, nightly: 200 })
const path = await natsServerPath()
if (path === undefined && IS_ASKED_FOR)
  console.warn('without nats-server on PATH or in NATS_SERVER the nemesis does not run')

describe.skipIf(path === undefined || !IS_ASKED_FOR)('a cluster of three nodes and three NATS servers', () => {
  it(`[T135] nothing acknowledged as replicated is lost in ${ROUNDS} rounds of failures, and all copies are the same`, async () => {
    const seed = runSeed()
    console.log(`nemesis: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    const cluster = await JoineryCluster.start(path ?? '', home.path)
    const watch = await HistoryWatch.open(cluster.nats)
    const writers = new ClusterWriters(cluster.url, random)
    try {
      writers.startTyping()
      await writers.untilGoingOn()
      await torment({
        ...{ cluster, writers, watch, random, rounds: ROUNDS, lastsMsMax: IS_NIGHTLY ? 20_000 : 2_000 },
        say: (line) => console.log(line),
      })
      writers.stopTyping()
      await writers.settle()
      await expectAcknowledged(writers, watch)
      await writers.stop()
      await cluster.stopNodes()
      for (const node of NODES) expect(await watch.compareNode(cluster.directoryOf(node))).toBeGreaterThan(0)
      console.log(`${writers.acknowledged} edits acknowledged, 0 lost`)
    } catch (error) {
      for (const node of NODES) console.log(`node ${node}:\n${cluster.processOf(node)?.child.output().slice(-3_000)}`)
      throw error
    } finally {
      await watch.close()
      await writers.stop().catch(() => undefined)
      await cluster.stop()
    }
  })
})
