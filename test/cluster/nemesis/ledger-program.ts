import { startOutside } from '../../tasks/outside.ts'

/** A ledger of charges in a process of its own, which nothing of the cluster's failures touches. */
const { url } = await startOutside()
console.log(`ledger ${url}`)
