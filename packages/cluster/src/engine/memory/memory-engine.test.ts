import { describeEngine } from '../../testing/engine-contract.ts'
import { memoryScene } from '../../testing/scenes.ts'

describeEngine('in memory', memoryScene)
