import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startReadyChild } from '../support/child-process.ts'
import { startJoinery } from '../support/joinery-process.ts'
import type { Contestant, End, Ground } from './contestant.ts'

const WORKER = fileURLToPath(new URL('./joinery-worker.ts', import.meta.url))

interface Answer {
  readonly task: { readonly id: string; readonly state: string }
}

/** Joinery, one server: by its defaults, or with a worker that asks for shorter leases. */
export async function startJoineryTasks({ outsideUrl, directory }: Ground, leaseMs?: number): Promise<Contestant> {
  const server = await startJoinery({ directory: join(directory, 'data') })
  const url = server.url.replace('ws', 'http')
  const paths = new Map<string, string>()
  let worker: Child | undefined
  return {
    title: `Joinery${leaseMs === undefined ? '' : `, leases of ${leaseMs / 1_000} s`}`,
    async startWorker() {
      worker = await startReadyChild(
        {
          args: [WORKER],
          env: { OUTSIDE_URL: outsideUrl, JOINERY_URL: url, LEASE_MS: leaseMs === undefined ? '' : String(leaseMs) },
        },
        /ready/,
      )
    },
    async killWorker() {
      await worker?.end('SIGKILL')
    },
    async enqueue(job) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': job }
      const body = JSON.stringify({ saga: 'saga', input: { job } })
      const response = await fetch(`${url}/v1/workspaces/peers/tasks`, { method: 'POST', headers, body })
      if (!response.ok) throw new Error(`Joinery did not take the job: ${await response.text()}`)
      paths.set(job, response.headers.get('location') ?? '')
    },
    async endOf(job): Promise<End | undefined> {
      const response = await fetch(`${url}${paths.get(job)}`)
      const { state } = ((await response.json()) as Answer).task
      if (state === 'done') return 'done'
      return ['failed', 'compensated', 'compensated_partly'].includes(state) ? 'failed' : undefined
    },
    async [Symbol.asyncDispose]() {
      await worker?.end('SIGKILL')
      await server[Symbol.asyncDispose]()
    },
  }
}
