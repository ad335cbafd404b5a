import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import type { Payer } from '@joinery/server'
import pino from 'pino'
import { expect, it } from 'vitest'
import { openControl } from './control.mts'
import { directoryOperator } from './local-operator.mts'

const MIB = 1024 * 1024

it('[A214] operators pay for the bytes of an archive, which waits while they are over budget', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-paid-archives-'))
  await (await openLevelStore({ directory, durability: 'async' })).close()
  const booked: { payer: Payer; ms: number }[] = []
  let looks = 0
  const costs = {
    book(payer: Payer, sinceMs: number): number {
      booked.push({ payer, ms: performance.now() - sinceMs })
      return performance.now()
    },
    // Over budget for three looks after the first chunk.
    restOf: () => (++looks <= 3 ? 1 : 0),
  }
  const server = createServer((request, response) => void control.door.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const operator = directoryOperator(directory)
  const control = await openControl(url, { directory, operator, costs, logger: pino({ level: 'silent' }) })
  try {
    const { secret } = JSON.parse(await readFile(join(directory, 'CONTROL'), 'utf8')) as { secret: string }
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}/_control/archive`, { method: 'POST', headers, body: '{}' })
    const { byteLength } = await answer.arrayBuffer()
    expect(answer.status).toBe(200)
    expect(byteLength).toBeGreaterThan(0)
    expect(new Set(booked.map(({ payer }) => payer.principal))).toEqual(new Set(['!operators']))
    const paidMs = booked.reduce((sum, { ms }) => sum + ms, 0)
    expect(paidMs).toBeGreaterThanOrEqual((byteLength / MIB) * 2 - 1e-6)
    expect(looks).toBe(booked.length + 3)
  } finally {
    await control.close()
    server.close()
    await rm(directory, { recursive: true })
  }
})
