import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { until } from '../support/until.ts'
import { connect, readText, textOf } from './fixture.ts'
import { startHttpServer } from './http-server.ts'

/** A process that holds the index `search` for itself, and the lines that it has printed. */
class Holder {
  readonly lines: string[] = []
  readonly process: ChildProcess

  constructor(url: string, actor: string, ttlMs: number) {
    const script = fileURLToPath(new URL('./lease-process.ts', import.meta.url))
    this.process = spawn(process.execPath, [script, url, actor, String(ttlMs)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.lines.push(...text.split('\n').filter((line) => line !== ''))
    })
    onTestFinished(() => void this.process.kill('SIGKILL'))
  }

  async said(start: string): Promise<string> {
    const found = () => this.lines.find((line) => line.startsWith(start))
    await until(`a process says "${start}"`, () => found() !== undefined)
    return found() ?? ''
  }

  async fence(): Promise<number> {
    return Number((await this.said('holds')).split(' ')[1])
  }
}

it('[C103] a holder that is stopped or killed is overtaken when its time is over, and writes nothing when it goes on', async () => {
  const server = await startHttpServer()
  const ada = connect(server, { actor: 'ada' })
  await ada.whenSynced
  textOf(ada).insert(0, 'text')
  await ada.whenDurable()
  const zombie = new Holder(server.url, 'zombie', 3_000)
  const first = await zombie.fence()
  zombie.process.stdin?.write('write\n')
  await zombie.said('written')
  zombie.process.kill('SIGSTOP')
  const next = new Holder(server.url, 'next', 3_000)
  expect(await next.fence()).toBeGreaterThan(first)
  zombie.process.stdin?.write('write\n')
  zombie.process.kill('SIGCONT')
  await zombie.said('refused lease_lost')
  await zombie.said('aborted lease_lost')
  expect(await zombie.said('ended')).toBe('ended superseded')
  await until('what was written in time shows', () => readText(ada) === 'zombie text')
  const entry = () => ada.blocks.get('b')?.indexingList.get('search')
  await until('the next one shows', () => entry()?.actor === 'next')
  expect(entry()?.status).toBe('processing')
  next.process.kill('SIGKILL')
  const last = new Holder(server.url, 'last', 3_000)
  expect(await last.fence()).toBeGreaterThan(await next.fence())
  await until('the last one shows', () => ada.blocks.get('b')?.indexingList.get('search')?.actor === 'last')
})
