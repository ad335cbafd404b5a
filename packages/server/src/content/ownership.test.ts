import { openMemoryStore } from '@joinery/log'
import { HandOver } from '../testing/hand-over.ts'
import { describeOwnership } from '../testing/ownership-contract.ts'
import { alwaysMine } from './ownership.ts'

describeOwnership('one process alone', async () => ({ mine: alwaysMine(), other: undefined, give: undefined }))

describeOwnership('handed over by a test', async () => {
  const world = new HandOver(openMemoryStore())
  return {
    mine: world.ownershipOf('mine'),
    other: world.ownershipOf('other'),
    give: (workspace) => world.give(workspace, 'other', 'lost first'),
  }
})
