import { join } from 'node:path'
import { startReadyChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import type { Contestant, End, Ground } from './contestant.ts'
import { healthy } from './healthy.ts'
import { PeerWorker } from './peer-worker.ts'

/** Restate, one server, by its defaults. */
export async function startRestate(ground: Ground, packages: string): Promise<Contestant> {
  const [ingress, admin, node, port] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const server = await startReadyChild(
    {
      command: join(packages, 'node_modules/.bin/restate-server'),
      args: ['--base-dir', ground.directory, '--node-name', 'n1'],
      env: {
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
        RESTATE_LOG_FILTER: 'warn',
      },
    },
    /^/,
  )
  await healthy(`http://127.0.0.1:${admin}/health`)
  const worker = await PeerWorker.make('restate', packages, ground, { PORT: String(port) })
  let isRegistered = false
  return {
    title: 'Restate 1.7, its own server',
    async startWorker() {
      await worker.start()
      if (isRegistered) return
      isRegistered = true
      const body = JSON.stringify({ uri: `http://127.0.0.1:${port}` })
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`http://127.0.0.1:${admin}/deployments`, { method: 'POST', headers, body })
      if (!response.ok) throw new Error(`Restate did not take the worker: ${await response.text()}`)
    },
    killWorker: () => worker.kill(),
    async enqueue(job) {
      const response = await fetch(`http://127.0.0.1:${ingress}/saga/${job}/run/send`, { method: 'POST' })
      if (!response.ok) throw new Error(`Restate did not take the job: ${await response.text()}`)
    },
    async endOf(job) {
      const response = await fetch(`http://127.0.0.1:${ingress}/restate/workflow/saga/${job}/output`)
      return response.ok ? ((await response.json()) as End) : undefined
    },
    async [Symbol.asyncDispose]() {
      await worker.kill()
      await server.end('SIGTERM')
    },
  }
}
