import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { BystanderLoad } from './bystander-load.ts'
import { measureAttack, startAttacked } from './measure.ts'
import { soak } from './soak-rounds.ts'

const SHORT = { beforeSeconds: 1, attackSeconds: 2, afterSeconds: 0 }
/** One attack of each kind: the whole list is for the night. */
const SAMPLE = ['unfinished-frames', 'conflict-flood', 'items-at-one-place', 'many-fields', 'reader-workspaces']

it.each(SAMPLE)('[T105] %s costs the people beside it nothing that they wrote, and the server lives', async (name) => {
  const { died, lost, told } = await measureAttack(name, SHORT)
  expect({ died, lost }).toEqual({ died: undefined, lost: [] })
  expect(Object.keys(told).join()).not.toContain('the attacker ended')
})

it('[T106] one attack of each kind in turn, on one server, costs the people beside them nothing that they wrote', async () => {
  await using directory = await tempDirectory()
  const { rounds, lost, died } = await soak({
    directory: directory.path,
    port: await freePort(),
    names: SAMPLE,
    attackSeconds: 1,
    soakSeconds: 1,
    calmSeconds: 0.2,
    restSeconds: 0,
  })
  expect({ died, lost, rounds: rounds.length }).toEqual({ died: undefined, lost: [], rounds: 1 })
})

it('[T105] people who wait for a server that has ended are told so, and nobody waits for ever', async () => {
  await using directory = await tempDirectory()
  const port = await freePort()
  await using server = await startAttacked(directory.path, port)
  await using people = await BystanderLoad.open({ port, ended: server.child.exited })
  await server.child.end('SIGKILL')
  const gone = 'the server ended before a newcomer had read anything'
  expect(await people.missing(server.child.exited)).toEqual([gone])
  await expect(BystanderLoad.open({ port, ended: server.child.exited })).rejects.toThrow('the server ended')
})
