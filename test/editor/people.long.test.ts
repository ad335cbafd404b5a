import { expect, it } from 'vitest'
import { saved } from './open-pages.ts'
import { openPlainServer } from './plain-server.ts'

const { pages, visit, content } = openPlainServer()

it.skipIf(!pages.isThere)(
  '[E6] two people who type at once in one block and in two read the same, and a third who joins late',
  async () => {
    const ann = await visit('together')
    const bob = await visit('together')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    await content(bob, 'Collection 1').waitFor()
    await ann.getByRole('listitem').nth(1).waitFor()
    await content(ann, 'Text 1').click()
    await content(bob, 'Text 1').click()
    // Slow enough that each sees the other's letters come in between their own.
    const pace = { delay: 15 }
    await Promise.all([ann.keyboard.type('abcdefghijklmnopqrstuvwxyz', pace), bob.keyboard.type('0123456789', pace)])
    await content(bob, 'Collection 1').click()
    await Promise.all([ann.keyboard.type('ABCD', pace), bob.keyboard.type('elsewhere', pace)])
    await Promise.all([saved(ann), saved(bob)])
    const late = await visit('together')
    await content(late, 'Text 1').waitFor()
    const text = await content(late, 'Text 1').inputValue()
    expect(text.replaceAll(/\d/g, '')).toBe('abcdefghijklmnopqrstuvwxyzABCD')
    expect(text.replaceAll(/\D/g, '')).toBe('0123456789')
    const people = late.getByRole('list', { name: 'People here' }).getByRole('listitem')
    await expect.poll(() => people.count()).toBe(3)
    for (const page of [ann, bob]) await expect.poll(() => content(page, 'Text 1').inputValue()).toBe(text)
    await expect.poll(() => content(ann, 'Collection 1').inputValue()).toBe('elsewhere')
  },
)

it.skipIf(!pages.isThere)(
  '[E7, E20] a caret, and what an input method composes at it, keep their place when somebody types around them',
  async () => {
    const ann = await visit('caret')
    const bob = await visit('caret')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await content(ann, 'Text 1').fill('hello world')
    await expect.poll(() => content(bob, 'Text 1').inputValue()).toBe('hello world')
    await content(ann, 'Text 1').evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(6, 6))
    await content(bob, 'Text 1').evaluate((field: HTMLTextAreaElement) => {
      field.focus()
      field.setSelectionRange(0, 0)
    })
    await bob.keyboard.type('>> ')
    await expect.poll(() => content(ann, 'Text 1').inputValue()).toBe('>> hello world')
    await content(ann, 'Text 1').focus()
    await ann.keyboard.type('my ')
    await expect.poll(() => content(bob, 'Text 1').inputValue()).toBe('>> hello my world')

    const keyboard = await ann.context().newCDPSession(ann)
    const compose = (text: string) =>
      keyboard.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length })
    await compose('n')
    await compose('ni')
    await expect.poll(() => content(bob, 'Text 1').inputValue()).toBe('>> hello my niworld')
    // Behind what is being composed, and before it.
    await content(bob, 'Text 1').evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(15, 15))
    await bob.keyboard.type('W')
    await content(bob, 'Text 1').evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(0, 0))
    await bob.keyboard.type('>')
    await saved(bob)
    await compose('nihao')
    await expect.poll(() => content(bob, 'Text 1').inputValue()).toBe('>>> hello my nihaowWorld')
    expect(await content(ann, 'Text 1').inputValue()).toBe('>> hello my nihaoworld')
    await keyboard.send('Input.insertText', { text: '你好' })
    for (const page of [ann, bob]) {
      await expect.poll(() => content(page, 'Text 1').inputValue()).toBe('>>> hello my 你好wWorld')
    }
  },
)

it.skipIf(!pages.isThere)(
  '[E21] a person changes the name they were given, which others see, edits carry and the next visit knows',
  async () => {
    const ann = await visit('names')
    const bob = await visit('names')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: /\(you\): change your name$/ }).click()
    await ann.keyboard.press('Escape')
    await ann.keyboard.press('Enter')
    await ann.keyboard.type('Ann Ängström')
    await ann.keyboard.press('Enter')
    await ann.getByRole('button', { name: 'Ann Ängström (you): change your name' }).waitFor()
    const people = bob.getByRole('list', { name: 'People here' }).getByRole('listitem')
    await expect.poll(() => people.allTextContents()).toContainEqual(expect.stringMatching(/Ann Ängström$/))
    expect(await people.count()).toBe(2)
    await content(ann, 'Text 1').fill('signed')
    await bob.getByText(/^Text by Ann Ängström, by hand/).waitFor()
    await saved(ann)
    await ann.reload()
    await ann.getByRole('button', { name: 'Ann Ängström (you): change your name' }).waitFor()
  },
)

it.skipIf(!pages.isThere)(
  '[E9] a block is connected to another by keyboard, seen by others, and cut again',
  async () => {
    const ann = await visit('edges')
    const bob = await visit('edges')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    await ann.getByRole('button', { name: 'Connect Text 1 to…' }).press('Enter')
    await ann.getByRole('combobox', { name: 'Connect Text 1 to' }).selectOption({ label: 'Collection 1' })
    const edges = bob.getByRole('list', { name: 'Text 1 leads to' })
    await edges.getByText('→ Collection 1').waitFor()
    await edges.getByRole('button', { name: 'Cut the edge to Collection 1' }).click()
    await ann.getByRole('list', { name: 'Text 1 leads to' }).waitFor({ state: 'detached' })
    await content(ann, 'Text 1').fill('signed')
    await bob.getByText(/^Text by .+, by hand/).waitFor()
  },
)

it.skipIf(!pages.isThere)(
  '[E15] a chip tells who said what it says, to the pointer and to the keyboard, until Escape',
  async () => {
    const ann = await visit('notes')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: 'Start index' }).click()
    const note = ann.getByRole('tooltip')
    await ann.getByRole('heading', { level: 1 }).hover()
    await note.waitFor({ state: 'hidden' })
    await ann.getByText('main: Waiting for a worker').hover()
    await note.waitFor()
    expect(await note.textContent()).toMatch(/^Reported by .+, by hand, .*\d.*\. Run 1, started by hand\.$/)
    await ann.getByRole('heading', { level: 1 }).hover()
    await note.waitFor({ state: 'hidden' })
    const remove = ann.getByRole('button', { name: 'Remove index main' })
    await remove.focus()
    await note.waitFor()
    expect(await remove.getAttribute('aria-describedby')).toBe(await note.getAttribute('id'))
    await remove.press('Escape')
    await note.waitFor({ state: 'detached' })
  },
)
