import { describeEventStore } from '../testing/store-contract.ts'
import { openMemoryStore } from './memory-store.ts'

describeEventStore('memory', async (clock) => openMemoryStore({ clock }), { isAdopting: true })
