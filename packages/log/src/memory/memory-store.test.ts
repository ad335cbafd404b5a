import { describeEventStore } from '../testing/index.ts'
import { openMemoryStore } from './memory-store.ts'

describeEventStore('memory', async (clock) => openMemoryStore({ clock }))
