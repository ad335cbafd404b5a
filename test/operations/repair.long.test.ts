import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connectWorkspace, type Reset } from '@joinery/client'
import { CLOSE } from '@joinery/protocol'
import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { joinery as command } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectStock, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'

const WORDS = ['one', 'two', 'three', 'four']

const wordsOf = ({ doc }: { doc: Y.Doc }): string[] => doc.getArray<string>('words').toArray()

/** Flips one bit of the record that holds `word`. */
async function damage(directory: string, word: string): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  for await (const [key, value] of level.iterator()) {
    const at = Buffer.from(value).indexOf(word)
    if (at < 0) continue
    const bytes = Uint8Array.from(value)
    bytes[at] = (bytes[at] as number) ^ 1
    await level.put(key, bytes)
  }
  await level.close()
}

/** A server on a workspace of four words, a record each, and the client that wrote them. */
async function start() {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await tempDirectory()).path
  const options = { directory: join(home, 'data'), port: await freePort(), durability: 'sync' } as const
  let server = stack.use(await startJoinery(options))
  const ada = connectWorkspace({ url: server.url, workspace: 'w', actor: 'ada', offline: false })
  stack.defer(() => ada.close())
  const resets: Reset[] = []
  ada.onReset((reset) => resets.push(reset))
  for (const word of WORDS) {
    ada.doc.getArray('words').push([word])
    await ada.whenDurable()
  }
  const owned = stack.move()
  return {
    ...{ home, directory: options.directory, url: server.url, ada, resets },
    /** Stops it, damages the record of a word, and starts it again. */
    async comeBackDamaged(word: string): Promise<void> {
      expect(await server.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
      await damage(options.directory, word)
      await cp(options.directory, join(home, 'copy'), { recursive: true })
      server = owned.use(await startJoinery(options))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

describe.concurrent('joinery repair', () => {
  it('[T85] ends a damaged workspace at its last good state beside a running server; what clients hold is set aside, and can be brought again', async () => {
    await using scene = await start()
    const { directory, url, ada, resets } = scene
    await scene.comeBackDamaged('three')
    await until('ada is held', () => ada.saveStatus.get().state === 'held')
    const reader = await RawClient.open({ url, path: 'w' })
    await until('the last good state is read', () => wordsOf(reader).length === 2)

    const looked = await command('repair', 'w', '--data', directory)
    expect(looked.exit).toEqual({ code: 1, signal: null })
    expect(looked.stdout).toMatch(
      /^record_damaged: record 3 of workspace w .*\nwould keep: records 1 to 2, 0 snapshots, as of [\dT:.-]+Z\n/,
    )
    expect(looked.stdout).toContain('would drop: what was written in records 3 to 4 (2 records);')
    expect(await readdir(directory)).not.toContain('repaired')
    expect(reader.socket.readyState).toBe(WebSocket.OPEN)

    const done = await command('repair', 'w', '--data', directory, '--yes', '--json')
    expect(done.exit, done.output).toEqual({ code: 0, signal: null })
    const said = JSON.parse(done.stdout)
    expect(said).toMatchObject({ repaired: true, kept: { firstLsn: 1, head: 2 }, droppedBehind: 2, head: 3 })
    expect(await reader.ended).toMatchObject({ kind: 'close', code: CLOSE.tryLater })
    await until('ada starts anew', () => resets.length > 0)
    expect(resets.map(({ cause }) => cause)).toEqual(['generation_changed'])
    await ada.whenSynced
    expect(wordsOf(ada)).toEqual(['one', 'two'])
    using ben = connectStock({ version: '3.1', url, workspace: 'w' })
    await whenSynced(ben)
    ben.doc.getArray('words').push(['ben'])
    await until('ada sees it', () => wordsOf(ada).length === 3)
    Y.applyUpdate(ada.doc, resets[0]?.update ?? new Uint8Array())
    await ada.whenDurable()
    await until('ben sees what ada held', () => wordsOf(ben).length === 5)
    expect([...wordsOf(ben)].sort()).toEqual([...WORDS, 'ben'].sort())

    const history = await command('history', 'w', '--data', directory, '--json')
    expect(JSON.parse(history.stdout).records[2]).toMatchObject({ lsn: 3, actor: 'joinery repair', touched: [] })
    expect((await command('repair', 'w', '--data', directory, '--yes')).stdout).toBe('w is intact: nothing to repair\n')
    expect((await command('verify', '--data', directory)).exit.code).toBe(0)
  })

  it('[T85] does the same, and says the same, without a server', async () => {
    await using scene = await start()
    await scene.comeBackDamaged('three')
    const copy = join(scene.home, 'copy')
    const before = await command('repair', 'w', '--data', copy, '--json')
    const beside = await command('repair', 'w', '--data', scene.directory, '--json')
    expect(before.exit.code).toBe(1)
    expect({ ...JSON.parse(before.stdout), directory: '' }).toEqual({ ...JSON.parse(beside.stdout), directory: '' })
    expect((await command('verify', '--data', copy)).exit.code).toBe(1)
    const archives = [join(scene.home, 'alone.archive'), join(scene.home, 'beside.archive')] as const
    for (const [archive, from] of [
      [archives[0], copy],
      [archives[1], scene.directory],
    ] as const) {
      const exported = await command('export', 'w', '--data', from, '--to', archive, '--intact-part')
      expect(exported.exit, exported.output).toEqual({ code: 0, signal: null })
      const elsewhere = `${archive}.data`
      expect((await command('import', archive, '--data', elsewhere)).exit.code).toBe(0)
      const history = await command('history', 'w', '--data', elsewhere, '--json')
      expect(JSON.parse(history.stdout).records.map(({ actor }: { actor: string }) => actor)).toEqual([
        ...['ada', 'ada', 'joinery repair'],
      ])
    }
    const done = await command('repair', 'w', '--data', copy, '--yes')
    expect(done.exit, done.output).toEqual({ code: 0, signal: null })
    expect(done.stdout).toMatch(
      /repaired: all that was there \(\d+ keys, .*\) is in .*\/repaired\/w-\d+T\d+Z\.remains\n$/,
    )
    const verified = await command('verify', '--data', copy)
    expect([verified.exit.code, verified.stdout]).toEqual([0, expect.stringContaining('1 workspace, 3 records')])
  })
})
