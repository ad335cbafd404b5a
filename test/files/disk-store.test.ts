import { openDiskScene } from './disk-scene.ts'
import { CANNOT } from './store-lacks.ts'
import { describeStore } from './store-suite.ts'

describeStore({ name: 'disk', open: openDiskScene, cannot: CANNOT.disk })
