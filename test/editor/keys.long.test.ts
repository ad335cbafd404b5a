import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { signToken } from '@joinery/server'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { TWO_LOOKS, violationsIn } from './axe.ts'
import { dropFile } from './drop-files.ts'
import { addText, openPages, saved } from './open-pages.ts'

const SECRET = 'a secret of thirty-two bytes or more'
const pages = openPages()
let home: TempDirectory
let server: JoineryProcess
let http: string
/** A page of another application: it gives tokens to pages that it opens, and at its login address. */
let application: { readonly origin: string; next: (() => Promise<string>) | undefined; close(): void }

function token(claims: Partial<Parameters<typeof signToken>[1]> = {}, seconds = 3_600): Promise<string> {
  const exp = Math.floor(Date.now() / 1_000) + seconds
  return signToken(SECRET, {
    sub: 'Ada Lovelace',
    workspaces: ['team/*', 'notes'],
    access: 'write',
    sources: ['user_action'],
    exp,
    ...claims,
  })
}

async function startApplication(): Promise<typeof application> {
  const given: typeof application = { origin: '', next: undefined, close: () => undefined }
  const host = createServer(async (request, response) => {
    const cors = { 'access-control-allow-origin': http, 'access-control-allow-credentials': 'true' }
    if (request.url?.startsWith('/login')) {
      const next = await given.next?.()
      response.writeHead(next === undefined ? 401 : 200, { ...cors, 'access-control-allow-headers': 'accept' })
      response.end(JSON.stringify({ token: next }))
    } else response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>App</title>')
  })
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
  return Object.assign(given, { origin, close: () => void host.close() })
}

beforeAll(async () => {
  if (!pages.isThere) return
  home = await tempDirectory()
  application = await startApplication()
  server = await startJoinery({
    directory: join(home.path, 'data'),
    env: {
      JOINERY_JWT_SECRET: SECRET,
      JOINERY_LOGIN: `${application.origin}/login`,
      JOINERY_TOKEN_ORIGINS: application.origin,
    },
  })
  http = server.url.replace('ws', 'http')
})
afterAll(async () => {
  application?.close()
  await server?.[Symbol.asyncDispose]()
  await home?.[Symbol.asyncDispose]()
})
/** A refused socket is an error on the console. */
afterEach(() => {
  if (application !== undefined) application.next = undefined
  pages.errors.splice(0)
})

/** Opens `url` from a page, as applications do: `window.board` there is the new page. */
async function openFrom(page: Page, url: string): Promise<Page> {
  const opening = page.context().waitForEvent('page')
  await page.evaluate((url) => void Object.assign(window, { board: window.open(url) }), url)
  return await opening
}

/** Counts from now on the messages with a token that reach a page, after its own listener has had them. */
async function messagesOf(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const counted = Object.assign(window, { heard: 0 })
    addEventListener('message', ({ data }) => {
      if (Object(data).type === 'joinery:token') counted.heard++
    })
  })
  return () => page.evaluate(() => (window as unknown as { heard: number }).heard)
}

/** The texts of a workspace, as the server has them. */
async function textsOf(workspace: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${await token()}` }
  const answer = await fetch(`${http}/v1/workspaces/${workspace}/blocks`, { headers })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { blocks: { content: string }[] }).blocks.map(({ content }) => content)
}

const addresses = (page: Page): Promise<string> => page.evaluate(() => location.href + JSON.stringify(history.state))

describe.skipIf(!pages.isThere)('a page with keys', () => {
  it('[E90, E82] a token in the fragment opens the workspace, is gone from the address at once, lasts for the tab, and names its person', async () => {
    const key = await token()
    const requests: string[] = []
    const ada = await pages.open(`${http}/w/notes#token=${key}&a=1`, {
      serviceWorkers: 'allow',
      prepare: async (page) => void page.on('request', (request) => requests.push(request.url())),
    })
    await saved(ada)
    expect(await addresses(ada)).not.toContain(key)
    expect(new URL(ada.url()).hash).toBe('#a=1')
    expect(requests.filter((url) => url.includes(key))).toEqual([])
    await ada
      .getByRole('list', { name: 'People here' })
      .getByText('Ada Lovelace (you)', { exact: true })
      .waitFor({ state: 'attached' })
    await addText(ada)
    await ada.keyboard.type('signed')
    await ada.getByText(/^Text by Ada Lovelace, by hand/).waitFor()
    await saved(ada)
    await ada.reload()
    await saved(ada)
    expect(await ada.getByRole('textbox', { name: 'Content of Text 1' }).inputValue()).toBe('signed')
  })

  it('[E91] a token is renewed in the open page before it ends, and edits go on', async () => {
    let given = 0
    application.next = async () => {
      given += 1
      return token()
    }
    const endsAt = Date.now() + 8_000
    const ada = await pages.open(`${http}/w/team/renewed#token=${await token({}, 8)}`)
    await saved(ada)
    await ada.getByRole('button', { name: 'Add text block' }).click()
    await expect.poll(() => given).toBeGreaterThan(0)
    // The first token is over by then: without another one the server would take no more edits.
    await expect.poll(() => Date.now() > endsAt + 1_000).toBe(true)
    await ada.keyboard.type('still here')
    await saved(ada)
    await expect.poll(async () => JSON.stringify(await textsOf('team%2Frenewed'))).toContain('still here')
    expect(await addresses(ada)).not.toContain('token')
  })

  it('[E91] the page that opened this one gives a token; another origin is neither asked nor heard', async () => {
    const key = await token({ sub: 'Opened' })
    const forged = await token({ sub: 'Forged' })
    const app = await pages.open(application.origin)
    await app.evaluate(
      ([key, http]) => {
        addEventListener('message', ({ data, origin, source }) => {
          if (data.type === 'joinery:token-wanted' && origin === http)
            (source as Window).postMessage({ type: 'joinery:token', token: key }, http)
        })
      },
      [key, http],
    )
    const board = await openFrom(app, `${http}/w/notes`)
    await saved(board)
    await board.getByText('Opened (you)').waitFor({ state: 'attached' })
    const isStill = async (name: string): Promise<void> => {
      await board.reload()
      await saved(board)
      await board.getByText(`${name} (you)`).waitFor({ state: 'attached' })
    }
    // A frame of the right origin, which is not the page that opened this one.
    const heard = await messagesOf(board)
    await app.evaluate(async (forged) => {
      const frame = document.body.appendChild(document.createElement('iframe'))
      frame.src = location.href
      await new Promise((resolve) => frame.addEventListener('load', resolve))
      const script = frame.contentDocument?.createElement('script')
      if (!script) throw new Error('no frame')
      script.textContent = `parent.board.postMessage({ type: 'joinery:token', token: ${JSON.stringify(forged)} }, '*')`
      frame.contentDocument?.body.append(script)
    }, forged)
    await expect.poll(heard).toBe(1)
    await isStill('Opened')
    // The same words from the page itself are heard, so that the ones before were not only lost on the way.
    const second = await token({ sub: 'Second' })
    const heardAgain = await messagesOf(board)
    await app.evaluate((token) => {
      const { board } = window as unknown as { board: Window }
      board.postMessage({ type: 'joinery:token', token }, '*')
    }, second)
    await expect.poll(heardAgain).toBe(1)
    await isStill('Second')
  })

  it('[E91] a page of another origin that opens this one is not asked for a token, and its own one is not taken', async () => {
    const thief = await pages.open(application.origin.replace('127.0.0.1', 'localhost'))
    await thief.evaluate(() => {
      Object.assign(window, { asked: 0 })
      addEventListener('message', () => (window as unknown as { asked: number }).asked++)
    })
    const board = await openFrom(thief, `${http}/w/notes`)
    const problem = board.getByText('This workspace needs a key.')
    await problem.waitFor()
    const heard = await messagesOf(board)
    await thief.evaluate(
      (token) => {
        const { board } = window as unknown as { board: Window }
        board.postMessage({ type: 'joinery:token', token }, '*')
      },
      await token({ sub: 'Forged' }),
    )
    await expect.poll(heard).toBe(1)
    await board.reload()
    await problem.waitFor()
    expect(await board.getByText('Forged (you)').count()).toBe(0)
    expect(await thief.evaluate(() => (window as unknown as { asked: number }).asked)).toBe(0)
  })

  it('[E83] a reader reads: nothing can be written, and the page says so', async () => {
    const ada = await pages.open(`${http}/w/notes#token=${await token()}`)
    await saved(ada)
    await ada.getByRole('button', { name: 'Add text block' }).click()
    await saved(ada)
    const reader = await pages.open(`${http}/w/notes#token=${await token({ sub: 'Reader', access: 'read' })}`)
    await reader.getByText('You may read here, not write').waitFor()
    const text = reader.getByRole('textbox', { name: /^Content of Text 1/ }).first()
    await text.waitFor()
    expect(await text.evaluate((field: HTMLTextAreaElement) => field.readOnly)).toBe(true)
    expect(await reader.getByRole('button', { name: 'Add text block' }).isDisabled()).toBe(true)
    expect(await reader.getByRole('button', { name: /^Delete/ }).count()).toBe(0)
    await reader
      .getByRole('button', { name: /^Large editor/ })
      .first()
      .click()
    const large = reader.getByRole('textbox', { name: /^Text of/ })
    await large.waitFor()
    expect(await large.getAttribute('aria-readonly')).toBe('true')
  })

  it('[E97] no key, drag or drop of a reader changes anything or looks as if, and the page says why', async () => {
    const ada = await pages.open(`${http}/w/team/read#token=${await token()}`)
    await saved(ada)
    for (const [title, words] of Object.entries({ 'Text 1': 'measure', 'Text 2': 'cut' })) {
      await addText(ada, title)
      await ada.keyboard.type(words)
    }
    await ada.getByRole('group', { name: 'Text 1', exact: true }).focus()
    await ada.keyboard.press('Enter')
    await ada.keyboard.press('Control+G')
    await ada.getByRole('region', { name: 'Frame 1' }).waitFor()
    await saved(ada)
    const key = await token({ sub: 'Reader', access: 'read' })
    const headOf = async () => {
      const asked = await fetch(`${http}/v1/workspaces/team%2Fread`, { headers: { authorization: `Bearer ${key}` } })
      return ((await asked.json()) as { lsn: number }).lsn
    }
    const head = await headOf()
    expect(head).toBeGreaterThan(0)
    const reader = await pages.open(`${http}/w/team/read#token=${key}`)
    await reader.getByText('You may read here, not write', { exact: true }).waitFor()
    await saved(reader)
    const group = reader.getByRole('group', { name: 'Text 1', exact: true })
    const look = () =>
      reader.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('.react-flow__node, .react-flow__edge')].map(
          ({ dataset, style, textContent }) => [dataset.id, style.transform, textContent],
        ),
      )
    const before = await look()
    expect(before).toHaveLength(3)
    const notice = reader.getByText('You may read here, not write: nothing was changed.')
    const isTold = async (): Promise<void> => {
      await notice.waitFor()
      await reader.getByRole('button', { name: 'Close this notice' }).click()
      await notice.waitFor({ state: 'detached' })
    }
    await group.focus()
    await reader.keyboard.press('Enter')
    await reader.keyboard.press('Control+C')
    for (const press of ['Delete', 'Backspace', 'Control+X', 'Control+V', 'Control+D', 'Control+G', 'Control+Z']) {
      await group.focus()
      await reader.keyboard.press(press)
      await isTold()
    }
    await group.focus()
    await reader.keyboard.press('Shift+ArrowDown')
    await reader.getByRole('textbox', { name: 'Content of Text 2' }).focus()
    await reader.keyboard.press('Control+Shift+ArrowUp')
    await isTold()
    // By pointer: a drag of a block, one of its corner, and one from handle to handle.
    const box = (await group.boundingBox()) ?? expect.fail('no node')
    for (const [x, y] of [
      [box.x + box.width / 2, box.y + 12],
      [box.x + box.width - 4, box.y + box.height - 4],
      [box.x + box.width, box.y + box.height / 2],
    ] as const) {
      await reader.mouse.move(x, y)
      await reader.mouse.down()
      await reader.mouse.move(x + 60, y + 40, { steps: 4 })
      await reader.mouse.up()
    }
    await dropFile(reader, '[data-block]', { name: 'plan.txt', type: 'text/plain', text: 'cut' })
    await isTold()
    await reader.keyboard.press('Control+K')
    const palette = reader.getByRole('dialog', { name: 'Commands and search' })
    await palette.waitFor()
    for (const query of ['delete', 'add', 'undo', 'comment on']) {
      await reader.keyboard.press('Control+A')
      await reader.keyboard.type(query)
      await palette.getByText(`Nothing has “${query}” in it.`).waitFor()
    }
    await reader.keyboard.press('Escape')
    expect(await reader.getByRole('toolbar', { name: 'Selected blocks' }).count()).toBe(0)
    expect(await reader.getByRole('button', { name: /Remove frame|^Comment on|Duplicate/ }).count()).toBe(0)
    expect(await look()).toEqual(before)
    await saved(reader)
    expect(await headOf()).toBe(head)
  })

  it('[E11, E83, E84, E85] the end of an access is said plainly, with what to do, and a new link goes on', async () => {
    const nobody = await pages.open(`${http}/w/notes`)
    await nobody.getByText('This workspace needs a key.').waitFor()
    expect(await nobody.getByRole('button', { name: /^Add / }).and(nobody.locator(':disabled')).count()).toBe(2)
    expect(await nobody.getByText('You may read here').count()).toBe(0)
    expect(await nobody.getByRole('link', { name: 'Log in' }).getAttribute('href')).toBe(
      `${application.origin}/login?return=${encodeURIComponent(`${http}/w/notes`)}`,
    )
    await nobody.goto(`${http}/w/notes#token=${await token({}, -60)}`)
    await nobody.getByText('Your access has ended.').waitFor()
    await nobody.goto(`${http}/w/notes#token=${await token()}`)
    await saved(nobody)
    await nobody.getByRole('button', { name: 'Add text block' }).click({ trial: true })
    const stranger = await pages.open(`${http}/w/other#token=${await token()}`)
    await stranger.getByText('You have no right to do this here.').waitFor()
    await stranger.getByRole('link', { name: 'See your workspaces' }).click()
    await stranger.getByRole('list', { name: 'Workspaces' }).getByRole('link', { name: 'notes', exact: true }).waitFor()
    expect(await violationsIn(stranger, TWO_LOOKS)).toEqual([])
  })
})
