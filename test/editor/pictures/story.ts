import { setEdge } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'
import type { Page } from 'playwright-core'
import { Film } from './film.ts'

const JOB = { source: 'workflow_execution', actor: 'summarizer' } as const
const JOINTS = 'A mortise and tenon holds without glue: the parts fit without force. Cut the mortise first.'
const BLOCKS = {
  plan: { type: 'text', title: 'Plan', text: 'Oak boards, planed.', x: 0, y: 0 },
  summary: { type: 'text', title: 'Summary', text: '', x: 380, y: 0 },
  index: { type: 'vector_collection', title: 'Passages', text: JOINTS, x: 760, y: 0 },
} as const

/** Prepares the workspace of the film as a job does, before anybody watches. */
export async function setScene(url: string, workspace: string): Promise<void> {
  await using job = connectWorkspace({ url, workspace, ...JOB })
  await job.whenSynced
  job.transact(() => {
    for (const [id, { type, title, text, x, y }] of Object.entries(BLOCKS)) {
      const block = job.blocks.create(id, { type })
      block.fields.set('title', title, JOB)
      block.content.insert(0, text)
      block.fields.set('position', { x, y }, JOB)
      block.fields.set('size', { width: 320, height: 300 }, JOB)
    }
    setEdge(job.doc, 'plan~summary', { source: 'plan', target: 'summary' })
  })
  await job.whenDurable()
}

/**
 * Plays a short story on the page of Ann: she and Bob write in one text while a job writes beside them, Bob moves a block, Ann
 * connects it and has it indexed, and takes a step of hers back.
 */
export async function playStory(ann: Page, bob: Page, url: string, workspace: string): Promise<Film> {
  const film = new Film(ann)
  const plan = ann.getByRole('textbox', { name: 'Content of Plan' })
  const node = (page: Page, title: string) => page.getByRole('region', { name: title, exact: true })
  const boxOf = async (page: Page, title: string) => {
    const box = await node(page, title).boundingBox()
    if (box === null) throw new Error(`${title} is not shown`)
    return box
  }
  await film.point(480, 420)
  await film.say('People and background jobs write the same blocks')
  await film.shoot(1_700)

  await film.say('Ann and Bob type in one text, a job writes beside them')
  const at = await boxOf(ann, 'Plan')
  await film.point(at.x + 120, at.y + 110)
  await plan.click()
  await ann.keyboard.press('Control+End')
  await bob.getByRole('textbox', { name: 'Content of Plan' }).click()
  await bob.keyboard.press('Control+Home')
  await film.shoot(300)
  await using job = connectWorkspace({ url, workspace, ...JOB })
  await job.whenSynced
  const words = 'Oak is measured twice, planed and cut to length, and the mortise comes first.'.split(/(?<= )/)
  const hers = pairs(' Cut the mortise first, then the tenon.')
  const his = pairs('Measure twice. ')
  for (const [beat, letters] of hers.entries()) {
    await ann.keyboard.type(letters)
    const theirs = his[beat]
    if (theirs !== undefined) await bob.keyboard.type(theirs)
    const word = words[beat]
    if (word !== undefined)
      job.blocks.get('summary')?.content.insert(job.blocks.get('summary')?.content.length ?? 0, word)
    await ann.waitForFunction(
      ([own, others, summary]) => {
        const textOf = (title: string): string =>
          document.querySelector<HTMLTextAreaElement>(`[aria-label="Content of ${title}"]`)?.value ?? ''
        const plan = textOf('Plan')
        return plan.endsWith(own) && plan.startsWith(others) && textOf('Summary') === summary
      },
      [hers.slice(0, beat + 1).join(''), his.slice(0, beat + 1).join(''), words.slice(0, beat + 1).join('')] as const,
    )
    await film.shoot(210)
  }
  await film.shoot(900)

  await film.say('Bob moves a block, and everybody sees him do it')
  const grip = await boxOf(bob, 'Passages')
  const from = { x: grip.x + grip.width / 2, y: grip.y + 10 }
  await bob.mouse.move(from.x, from.y)
  await bob.mouse.down()
  const style = () => ann.locator('.react-flow__node[data-id="index"]').getAttribute('style')
  for (let step = 1; step <= 8; step++) {
    const before = await style()
    await bob.mouse.move(from.x - step * 5, from.y + step * 8, { steps: 3 })
    await ann.waitForFunction(
      (before) => document.querySelector('.react-flow__node[data-id="index"]')?.getAttribute('style') !== before,
      before,
    )
    await film.shoot(130)
  }
  await bob.mouse.up()
  await ann.locator('.moved-by').waitFor({ state: 'detached' })
  await film.shoot(500)

  await film.say('Ann draws an edge, and a worker builds an index')
  const [start, end] = [await boxOf(ann, 'Summary'), await boxOf(ann, 'Passages')]
  const [a, b] = [
    { x: start.x + start.width, y: start.y + start.height / 2 },
    { x: end.x, y: end.y + end.height / 2 },
  ]
  await ann.mouse.move(a.x, a.y)
  await ann.mouse.down()
  for (const part of [0, 0.35, 0.7, 1]) {
    const [x, y] = [a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part]
    await ann.mouse.move(x, y)
    await film.point(x, y)
    await film.shoot(160)
  }
  await ann.mouse.up()
  await ann.getByRole('list', { name: 'Summary leads to' }).waitFor()
  await film.shoot(400)
  const button = node(ann, 'Passages').getByRole('button', { name: 'Start index' })
  const spot = await button.boundingBox()
  await film.point((spot?.x ?? 0) + 30, (spot?.y ?? 0) + 8)
  await film.shoot(250)
  await button.click()
  await node(ann, 'Passages')
    .getByText(/main: Processing/)
    .waitFor()
  await film.shoot(700)
  await node(ann, 'Passages')
    .getByText(/main: Done/)
    .waitFor()
  await film.shoot(700)
  await node(ann, 'Passages').getByRole('searchbox').click()
  for (const letters of pairs('without glue')) {
    await ann.keyboard.type(letters)
    await film.shoot(90)
  }
  await ann.keyboard.press('Enter')
  await node(ann, 'Passages')
    .getByText(/without glue: /)
    .first()
    .waitFor()
  await film.shoot(1_100)

  await film.say('Undo takes back her own step, and nobody else’s')
  await node(ann, 'Summary').locator('.kind').click()
  await film.shoot(500)
  await ann.keyboard.press('Control+Z')
  await ann.getByRole('list', { name: 'Summary leads to' }).waitFor({ state: 'detached' })
  await film.shoot(1_100)
  await film.say('“Saved” means logged on disk, with its author')
  await ann.getByRole('status', { name: 'Save status' }).getByText('Saved', { exact: true }).waitFor()
  await film.shoot(100)
  return film
}

/** Pairs of letters, as somebody types who is quick. */
const pairs = (text: string): string[] => text.match(/.{1,2}/gs) ?? []
