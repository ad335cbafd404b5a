import { LogError } from '@joinery/log'
import { afterEach, describe, expect, it } from 'vitest'
import { GatedStore } from './gated-store.ts'
import { ServerFixture, W } from './server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const writer = { actor: 'engine', source: 'workflow_execution' }

describe('edits from inside', () => {
  it('[S24] an edit is stamped, seen by live clients and durable when it resolves', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const client = await fixture.client('w').synced()
    client.text.insert(0, 'typed')
    const { value, lsn } = await fixture.server.workspaces.write(W, {
      writer,
      via: 'http',
      run: (doc) => {
        doc.getText('t').insert(0, 'run ')
        return 'done'
      },
    })
    await client.until(() => client.text.toString().includes('run ') && client.text.toString().includes('typed'))
    expect(value).toBe('done')
    await client.close()
    await fixture.close()
    expect((await store.records('w')).find((record) => record.lsn === lsn)).toMatchObject({
      actor: 'engine',
      source: 'workflow_execution',
      connection: 'http',
    })
  })

  it('[S24] check and edit see the same state when 50 writers count at once', async () => {
    fixture = await ServerFixture.start()
    const { workspaces } = fixture.server
    const count = (): Promise<number> => workspaces.read(W, ({ doc }) => doc.getText('t').length)
    const increment = async (): Promise<void> => {
      for (;;) {
        const expected = await count()
        const isDone = await workspaces
          .write(W, {
            writer,
            via: 'http',
            check: ({ doc }) => {
              if (doc.getText('t').length !== expected) throw new Error('moved')
            },
            run: (doc) => doc.getText('t').insert(0, 'x'),
          })
          .then(
            () => true,
            () => false,
          )
        if (isDone) return
      }
    }
    await Promise.all(Array.from({ length: 50 }, increment))
    expect(await count()).toBe(50)
  })

  it('[S24] what an edit did before it threw is undone, and the room goes on', async () => {
    fixture = await ServerFixture.start()
    const client = await fixture.client('w').synced()
    client.text.insert(0, 'kept')
    const broken = fixture.server.workspaces.write(W, {
      writer,
      via: 'http',
      run: (doc) => {
        doc.getText('t').insert(0, 'half ')
        throw new Error('the program is wrong')
      },
    })
    await expect(broken).rejects.toThrow('the program is wrong')
    await expect
      .poll(() => fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString()).catch(() => ''))
      .toBe('kept')
    client.text.insert(4, ' on')
    const fresh = fixture.client('w')
    await fresh.until(() => fresh.text.toString() === 'kept on')
  })

  it('[S24] an edit is refused before anything is done when storage fails', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await fixture.client('w').synced()
    store.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    let hasRun = false
    const write = fixture.server.workspaces.write(W, {
      writer,
      via: 'http',
      run: () => {
        hasRun = true
      },
    })
    await expect(write).rejects.toMatchObject({ code: 'storage_full' })
    expect(hasRun).toBe(false)
  })
})

describe('following', () => {
  it('[S25] a follower gets each record once and in order while the room stays open for it', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, limits: { roomIdleMs: 0, heartbeatMs: 5 } })
    const seen: number[] = []
    const stop = await fixture.server.workspaces.follow(W, ({ lsn }) => seen.push(lsn))
    for (let round = 0; round < 10; round++) {
      const client = await fixture.client('w?joinery=1').synced()
      client.text.insert(0, 'x')
      await client.until(() => client.message('durable')?.frames === 2)
      await client.close()
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(store.opens).toBe(1)
    stop()
    await expect.poll(() => store.openLogs).toBe(0)
  })
})
