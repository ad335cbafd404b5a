import { openMemoryStore } from './memory-store.ts'
import { describeEventStore } from './testing.ts'

describeEventStore('memory', async (clock) => openMemoryStore({ clock }))
