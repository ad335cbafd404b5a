import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partsOf, put, refOf, type StoreScene, TrialUpload } from './store-scene.ts'

type Case = (scene: () => StoreScene) => Promise<void>

const [FIVE, MORE] = ['12345', 'abcde']
/** Names that people, and attackers, give to files. */
const ODD_NAMES = [
  '../../etc/passwd',
  'C:\\x.txt',
  '😀 👩‍👩‍👧.pdf',
  '\u202egnp.exe',
  'שלום.txt',
  'ä'.repeat(256),
  'a\r\nx-odd: 1',
  `"; filename="x.html`,
  '%2e%2e%2f',
  ' ',
  "it's (1)*.txt",
]

/** The contract of a store, case by case. All stores are held to the same one. */
const CASES: Readonly<Record<string, Case>> = {
  'uploads parts in any order, one of them twice, and gives the same bytes back': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE, MORE, 'end'))
    await upload.begin()
    for (const n of [3, 1, 2, 1]) expect(await upload.send(n)).toBeLessThan(300)
    const listed = await upload.listed()
    expect(listed.map(({ n, bytes }) => [n, bytes])).toEqual([1, 2, 3].map((n) => [n, upload.parts[n - 1]?.length]))
    expect(await upload.store.has(upload.file)).toBe(false)
    await upload.complete()
    const told: number[] = []
    await upload.store.publish(upload.ref, upload.file, (bytes) => told.push(bytes))
    expect(told.at(-1)).toBe(upload.file.bytes)
    expect(await upload.store.has(upload.file)).toBe(true)
    const answer = await upload.download('a.bin', 'application/octet-stream')
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.concat(upload.parts))
  },
  'names a file by its content alone': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(`content ${randomUUID()}`))
    await upload.begin()
    await upload.sendAll()
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    const mine = (await scene().files()).filter((path) => path.includes(upload.file.scope))
    expect(mine).toEqual([`${upload.file.scope}/${upload.file.sha256}`])
  },
  'lists the parts that have arrived': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE, MORE))
    await upload.begin()
    await upload.send(2)
    expect(await upload.store.parts(upload.ref)).toMatchObject([{ n: 2, bytes: MORE.length }])
    await upload.store.abort(upload.ref)
  },
  'takes a file without content': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(''))
    await upload.begin()
    await upload.sendAll()
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    expect(await (await upload.download('empty', 'text/plain')).text()).toBe('')
  },
  'begins one upload under one name': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE))
    const first = await upload.begin()
    await upload.send(1)
    expect(await upload.begin(first.key)).toEqual(first)
    expect(await upload.store.parts(upload.ref)).toHaveLength(1)
    expect(await scene().uploads()).toBe(1)
    await upload.store.abort(upload.ref)
  },
  'finds what a repeated call has done before': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE, MORE))
    await upload.begin()
    await upload.sendAll()
    const parts = await upload.listed()
    await upload.store.complete(upload.ref, parts)
    await upload.store.complete(upload.ref, parts)
    await upload.store.publish(upload.ref, upload.file)
    await upload.store.publish(upload.ref, upload.file)
    expect(await upload.store.has(upload.file)).toBe(true)
    await upload.store.abort(upload.ref)
    await upload.store.abort(upload.ref)
    expect(await upload.store.has(upload.file)).toBe(true)
  },
  'refuses bytes of another digest, and keeps nothing of them': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE, MORE))
    await upload.begin()
    await upload.sendAll()
    await upload.complete()
    const other = refOf(Buffer.from('54321edcba'), upload.file.scope)
    await expect(upload.store.publish(upload.ref, other)).rejects.toMatchObject({ code: 'wrong_digest' })
    expect((await scene().files()).filter((path) => path.includes(upload.file.scope))).toEqual([])
    expect(await scene().uploads()).toBe(0)
  },
  'keeps a file that is there when the bytes of another upload under its digest are wrong': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE))
    await upload.begin()
    await upload.sendAll()
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    const liar = new TrialUpload(scene(), partsOf(MORE), { scope: upload.file.scope })
    await liar.begin()
    await liar.sendAll()
    await liar.complete()
    await liar.store.publish(liar.ref, upload.file)
    expect(await (await upload.download('a', 'text/plain')).text()).toBe(FIVE)
  },
  'says which parts are not there': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE, MORE))
    await upload.begin()
    await upload.send(1)
    const [first] = await upload.listed()
    const absent = { n: 2, bytes: MORE.length, etag: `"${createHash('md5').update(MORE).digest('hex')}"` }
    const completed = upload.store.complete(upload.ref, [first ?? absent, absent])
    await expect(completed).rejects.toMatchObject({ code: 'upload_incomplete' })
    await upload.store.abort(upload.ref)
  },
  'removes an upload that is aborted, and takes no part of it any more': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE, MORE))
    await upload.begin()
    await upload.send(1)
    const late = await upload.urlOf(2)
    await upload.store.abort(upload.ref)
    expect(await put(late, Buffer.from(MORE))).toBeGreaterThanOrEqual(400)
    await expect(upload.store.parts(upload.ref)).rejects.toMatchObject({ code: 'unknown_upload' })
    expect(await scene().uploads()).toBe(0)
  },
  'refuses a part of another length': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE))
    await upload.begin()
    const url = await upload.urlOf(1)
    for (const body of ['1234', '123456', '']) expect(await put(url, Buffer.from(body))).toBeGreaterThanOrEqual(400)
    expect(await upload.store.parts(upload.ref)).toEqual([])
    await upload.store.abort(upload.ref)
  },
  'refuses a URL that has expired': async (scene) => {
    const hourAgo = scene().open({ ticketMs: 60_000, now: () => Date.now() - 3_600_000 })
    const upload = new TrialUpload(scene(), partsOf(FIVE), { store: hourAgo })
    const fresh = scene().open({ ticketMs: 60_000 })
    const name = { scope: upload.file.scope, key: randomUUID() }
    const ref = { ...name, id: await fresh.begin(name) }
    const { url, expiresAtMs } = await hourAgo.urlOfPart(ref, { n: 1, bytes: 5 })
    expect(expiresAtMs).toBeLessThan(Date.now())
    expect(await put(upload.absolute(url), Buffer.from(FIVE))).toBe(403)
    const download = await hourAgo.urlOf(upload.file, { name: 'a', type: 'text/plain' })
    expect((await fetch(upload.absolute(download.url))).status).toBe(403)
    await fresh.abort(ref)
  },
  'refuses a URL that was changed in any place': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE))
    await upload.begin()
    const url = await upload.urlOf(1)
    for (const changed of changesOf(url)) {
      const status = await put(changed, Buffer.from(FIVE)).catch(() => 400)
      expect([changed, status]).toEqual([changed, expect.toSatisfy((code: number) => code >= 400)])
    }
    expect(await upload.store.parts(upload.ref)).toEqual([])
    await upload.store.abort(upload.ref)
  },
  'gives a file only to the scope that it belongs to': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE))
    await upload.begin()
    await upload.sendAll()
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    const elsewhere = { ...upload.file, scope: refOf(Buffer.from('x'), '').sha256.slice(0, 32) }
    expect(await upload.store.has(elsewhere)).toBe(false)
  },
  'has browsers save what could run in a page': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf('<script>alert(1)</script>'))
    await upload.begin()
    await upload.sendAll()
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    for (const type of ['text/html', 'image/svg+xml', 'application/pdf', 'text/javascript']) {
      const { headers } = await upload.download('täst".html', type)
      expect(headers.get('content-type')).toBe('application/octet-stream')
      expect(headers.get('content-disposition')).toBe(
        `attachment; filename="t_st_.html"; filename*=UTF-8''t%C3%A4st%22.html`,
      )
    }
    const { headers } = await upload.download('a.png', 'image/png')
    expect(headers.get('content-type')).toBe('image/png')
    expect(headers.get('content-disposition')).toMatch(/^inline;/)
  },
  'keeps the last of two contents of one part': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE, MORE))
    await upload.begin()
    await upload.send(2)
    await upload.send(1, Buffer.from('wrong'))
    await upload.send(1)
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    expect(await (await upload.download('a', 'text/plain')).text()).toBe(`${FIVE}${MORE}`)
  },
  'completes no upload that was aborted': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE))
    await upload.begin()
    await upload.send(1)
    const parts = await upload.listed()
    await upload.store.abort(upload.ref)
    await expect(upload.store.complete(upload.ref, parts)).rejects.toMatchObject({ code: 'unknown_upload' })
    await expect(upload.store.publish(upload.ref, upload.file)).rejects.toMatchObject({ code: 'unknown_upload' })
    expect((await scene().files()).filter((path) => path.includes(upload.file.scope))).toEqual([])
  },
  'sends any name with a download, and no header that a name wants to add': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(`names ${randomUUID()}`))
    await upload.begin()
    await upload.sendAll()
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    for (const name of ODD_NAMES) {
      const { status, headers } = await upload.download(name, 'application/pdf')
      const [, ascii = '', encoded = ''] =
        /^attachment; filename="([\x20-\x7e]*)"; filename\*=UTF-8''(\S*)$/.exec(
          headers.get('content-disposition') ?? '',
        ) ?? []
      expect([name, status, decodeURIComponent(encoded), headers.get('x-odd')]).toEqual([name, 200, name, null])
      expect(ascii).not.toMatch(/["\\/%]/)
    }
  },
  'takes no name from outside as a path or a key': async (scene) => {
    const { file, store } = new TrialUpload(scene(), partsOf(FIVE))
    const invalid = { code: 'invalid' }
    for (const odd of [
      '..',
      '../'.repeat(10),
      '',
      'a/b',
      `${file.scope}/..`,
      `${file.scope}\n`,
      '\0',
      '😀'.repeat(16),
    ]) {
      await expect(store.has({ ...file, scope: odd })).rejects.toMatchObject(invalid)
      await expect(store.has({ ...file, sha256: odd })).rejects.toMatchObject(invalid)
      await expect(store.begin({ scope: file.scope, key: odd })).rejects.toMatchObject(invalid)
      await expect(store.removeScope(odd)).rejects.toMatchObject(invalid)
    }
  },
  'aborts what was begun twice under one name': async (scene) => {
    const upload = new TrialUpload(scene(), partsOf(FIVE))
    const name = { scope: upload.file.scope, key: randomUUID() }
    const ids = await Promise.all([1, 2, 3].map(() => upload.store.begin(name)))
    await upload.store.abort({ ...name, id: ids[0] ?? '' })
    expect(await scene().uploads()).toBe(0)
  },
  'removes all files and uploads of a scope, and no others': async (scene) => {
    const mine = new TrialUpload(scene(), partsOf(FIVE))
    const theirs = new TrialUpload(scene(), partsOf(FIVE))
    for (const upload of [mine, theirs]) {
      await upload.begin()
      await upload.sendAll()
      await upload.complete()
      await upload.store.publish(upload.ref, upload.file)
    }
    await mine.begin()
    await mine.send(1)
    await mine.store.removeScope(mine.file.scope)
    expect(await mine.store.has(mine.file)).toBe(false)
    expect(await scene().uploads()).toBe(0)
    expect(await theirs.store.has(theirs.file)).toBe(true)
  },
}

/** The titles of the cases. */
export const STORE_CASES: readonly string[] = Object.keys(CASES)

/** URLs that differ from `url` in the query or the ticket: each value, and a character in the middle of each. */
function* changesOf(url: string): Generator<string> {
  const { origin, pathname, searchParams } = new URL(url)
  const swapped = (text: string): string => {
    const middle = Math.floor(text.length / 2)
    const other = text[middle] === 'a' ? 'b' : 'a'
    return text.slice(0, middle) + other + text.slice(middle + 1)
  }
  if (searchParams.size === 0) {
    const [payload = '', signature = ''] = pathname.split('/').pop()?.split('.') ?? []
    const path = pathname.slice(0, pathname.lastIndexOf('/'))
    for (const ticket of [`${swapped(payload)}.${signature}`, `${payload}.${swapped(signature)}`, payload, '', '.'])
      yield `${origin}${path}/${ticket}`
    return
  }
  for (const [name, value] of searchParams) {
    const changed = new URLSearchParams(searchParams)
    changed.set(name, /^\d+$/.test(value) ? String(Number(value) + 1) : swapped(value))
    yield `${origin}${pathname}?${changed}`
  }
}

export interface SuiteOptions {
  readonly name: string
  open(): Promise<StoreScene>
  /** Cases that this store can't meet, each with the cause. They must fail: a store that has learned one is held to it. */
  readonly cannot?: Readonly<Record<string, string>>
}

/** Runs the contract on one store. The titles say what the store can't do, so that nothing stays untested in silence. */
export function describeStore({ name, open, cannot = {} }: SuiteOptions): void {
  describe(name, () => {
    let scene: StoreScene | undefined
    const current = (): StoreScene => {
      if (scene === undefined) throw new Error('the store is not open')
      return scene
    }
    beforeAll(async () => {
      scene = await open()
    })
    afterAll(async () => {
      await scene?.close()
    })
    for (const [title, run] of Object.entries(CASES)) {
      const why = cannot[title]
      if (why === undefined) it(`[RU1] ${name} ${title}`, () => run(current))
      else it.fails(`[RU1] ${name} can’t do this: it ${title} (${why})`, () => run(current))
    }
    const lacks = Object.entries(cannot).map(([title, why]) => `  it ${title}: ${why}`)
    if (lacks.length > 0)
      console.log(`${name} fails ${lacks.length} of ${STORE_CASES.length} cases:\n${lacks.join('\n')}`)
    it(`[RU1] the list of what ${name} can’t do names cases of the suite`, () => {
      expect(Object.keys(CASES)).toEqual(expect.arrayContaining(Object.keys(cannot)))
    })
  })
}
