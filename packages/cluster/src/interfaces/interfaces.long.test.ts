import { describeInterfaces } from '../testing/interfaces-contract.ts'
import { clusterScene, memoryScene, singleScene } from '../testing/scenes.ts'

describeInterfaces('a single machine', singleScene)
describeInterfaces('a cluster in memory', () => clusterScene(memoryScene))
