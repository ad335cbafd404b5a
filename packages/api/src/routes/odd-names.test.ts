import { blocksMap, getBlock } from '@joinery/blocks'
import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'

const ODD_KEYS = ['constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__']

/** One value for each key, with the key inside, too. */
function oddData(): Record<string, unknown> {
  return Object.fromEntries(ODD_KEYS.map((key) => [key, { [key]: { [key]: [key] } }]))
}

it('[H50] keys that every object inherits are written, read, patched, compared and restored like others', async () => {
  await using api = await ApiFixture.start()
  const data = { nested: oddData(), ...oddData() }
  const fields = oddData()
  for (const id of ['b1', 'constructor']) {
    expect((await api.call('PUT', `/blocks/${id}`, { type: 'text', data, fields })).status).toBe(201)
    const read = (await api.call('GET', `/blocks/${id}`)).body
    expect(read).toMatchObject({ data, fields })
    // The body of a GET changes nothing as a PATCH.
    const patched = await api.call('PATCH', `/blocks/${id}`, { data: read.data, fields: read.fields })
    expect(patched.body).toMatchObject({ data, fields, version: read.version })
  }
  const more = { constructor: { more: null, prototype: { deep: 1 } } }
  const merged = (await api.call('PATCH', '/blocks/b1', { data: { fresh: more, ...more }, fields: { fresh: more } }))
    .body
  expect(merged.data.fresh).toEqual({ constructor: { prototype: { deep: 1 } } })
  expect(merged.fields.fresh).toEqual({ constructor: { prototype: { deep: 1 } } })
  expect(merged.data.constructor).toEqual({ constructor: { constructor: ['constructor'] }, prototype: { deep: 1 } })
  const edge = { source: 'b1', target: 'constructor', data: oddData() }
  expect((await api.call('PUT', '/edges/prototype', edge)).status).toBe(200)
  expect((await api.call('GET', '/edges/prototype')).body).toMatchObject(edge)
})

it('[H50] a restore brings such keys back, a difference names them, and __proto__ stays where a stock client put it', async () => {
  await using api = await ApiFixture.start()
  const data = oddData()
  await api.call('PUT', '/blocks/b1', { type: 'text', data, fields: data })
  await api.server.workspaces.write('w' as WorkspaceId, {
    writer: { actor: 'stock', source: 'user_action' },
    via: 'test',
    run: (doc) => getBlock(doc, 'b1')?.data.set('__proto__', new Y.Map([['__proto__', 'kept']])),
  })
  const lsn = 2
  const none = Object.fromEntries(ODD_KEYS.map((key) => [key, null]))
  await api.call('PATCH', '/blocks/b1', { data: none, fields: none })
  const { body: diff } = await api.call('GET', `/diff?from=${lsn}&to=3`)
  expect(JSON.stringify(diff)).toContain('"before":{"constructor":{"constructor":["constructor"]}},"after":null')
  expect((await api.call('POST', '/restore', { lsn })).status).toBe(200)
  expect((await api.call('GET', '/blocks/b1')).body).toMatchObject({ data, fields: data })
  const kept = await api.server.workspaces.read('w' as WorkspaceId, ({ doc }) => {
    const block = blocksMap(doc).get('b1') as Y.Map<Y.Map<Y.Map<unknown>>>
    return block.get('data')?.get('__proto__')?.get('__proto__')
  })
  expect(kept).toBe('kept')
  const replaced = await api.call('PUT', '/blocks/b1', '{"data":{"__proto__":{"isAdmin":true}}}')
  expect([replaced.status, ({} as { isAdmin?: boolean }).isAdmin]).toEqual([400, undefined])
})

it('[H51] every name that a request may give can stand in a path', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text' })
  const names = [
    '...',
    '%',
    '%2e',
    '%2F',
    '?a=b',
    '#a',
    '\\',
    ' ',
    '+',
    ';',
    ':',
    '"',
    '漢'.repeat(256),
    '😀',
    '__index__',
  ]
  for (const name of [...names, 'a/b', '/', './..', 'line\nend', '\u0000']) {
    const path = `/blocks/b1/indexing/${encodeURIComponent(name)}`
    const started = await api.call('POST', `${path}/runs`, { runId: name })
    expect([name, started.status]).toEqual([name, 201])
    const told = await api.call('POST', `${path}/runs/${encodeURIComponent(name)}/reports`, { status: 'done' })
    expect(told.body).toMatchObject({ shown: true, entry: { index_name: name, run: { id: name } } })
    expect((await api.call('DELETE', path)).status).toBe(204)
  }
  for (const name of names.map((each) => each.slice(0, 128))) {
    const id = encodeURIComponent(name)
    expect([name, (await api.call('PUT', `/blocks/${id}`, { type: 'text' })).body.id]).toEqual([name, name])
    expect((await api.call('GET', `/blocks/${id}`)).body.id).toBe(name)
    const edge = await api.call('PUT', `/edges/${id}`, { source: name, target: 'b1' })
    expect(edge.body).toMatchObject({ id: name, source: name })
  }
})

it('[H51] names that no URL can name are refused before anything is written', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text' })
  for (const name of ['.', '..']) {
    const operations = [
      { op: 'put', block: name, type: 'text' },
      { op: 'startRun', block: 'b1', index: name },
      { op: 'startRun', block: 'b1', index: 'main', runId: name },
    ]
    for (const operation of operations) {
      const { status, body } = await api.call('POST', '/transactions', { operations: [operation] })
      expect([operation.op, status, body.error.code]).toEqual([operation.op, 422, 'invalid'])
    }
    expect((await api.call('POST', '/blocks/b1/indexing/main/runs', { runId: name })).status).toBe(422)
  }
  expect((await api.call('GET', '/blocks/b1')).body).toMatchObject({ indexingList: [], version: 1 })
})
