import { openDiskScene } from './disk-scene.ts'
import { describeStore } from './store-suite.ts'

describeStore({ name: 'disk', open: openDiskScene })
