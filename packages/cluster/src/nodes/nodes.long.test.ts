import { describeNodes } from '../testing/nodes-contract.ts'
import { memoryScene } from '../testing/scenes.ts'

describeNodes('in memory', memoryScene)
