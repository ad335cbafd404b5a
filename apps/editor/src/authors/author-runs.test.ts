import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { type Author, authorAt, authorRuns, clientRuns, sharesOf } from './author-runs.ts'

const ANN: Author = { actor: 'ann', source: 'user_action' }
const JOB: Author = { actor: 'ann', source: 'workflow_execution' }

/** A text that three clients have written, each from a document of its own. */
function written(): Y.Text {
  const doc = new Y.Doc()
  const write = (client: number, edit: (text: Y.Text) => void): void => {
    const own = new Y.Doc()
    own.clientID = client
    Y.applyUpdate(own, Y.encodeStateAsUpdate(doc))
    edit(own.getText('t'))
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(own))
  }
  write(1, (text) => text.insert(0, 'one three'))
  write(2, (text) => text.insert(4, 'two '))
  write(3, (text) => text.insertEmbed(0, { image: 'x' }))
  write(1, (text) => text.delete(1, 1))
  return doc.getText('t')
}

it('[E133] passages have their clients, in indexes of the plain string: deleted characters and embeds count for none', () => {
  const text = written()
  expect(text.toString()).toBe('ne two three')
  expect(clientRuns(text)).toEqual([
    { from: 0, to: 3, by: 1 },
    { from: 3, to: 7, by: 2 },
    { from: 7, to: 12, by: 1 },
  ])
})

it('[E133] passages side by side of one author are one, a job of the same name is another, and an unknown one stays unknown', () => {
  const runs = clientRuns(written())
  expect(authorRuns(runs, new Map([1, 2].map((client) => [client, ANN])))).toEqual([{ from: 0, to: 12, by: ANN }])
  const both = authorRuns(
    runs,
    new Map([
      [1, ANN],
      [2, JOB],
    ]),
  )
  expect(both.map(({ by }) => by)).toEqual([ANN, JOB, ANN])
  expect(sharesOf(both)).toEqual([
    { by: ANN, characters: 8, percent: 67 },
    { by: JOB, characters: 4, percent: 33 },
  ])
  expect([0, 3, 4, 7, 8, 12].map((index) => authorAt(both, index)?.source)).toEqual([
    ANN.source,
    ANN.source,
    JOB.source,
    JOB.source,
    ANN.source,
    ANN.source,
  ])
  expect(authorRuns(runs, new Map([[2, JOB]]))[0]?.by).toBeUndefined()
  const poller: Author = { actor: 'ann', source: 'polling_sync' }
  const ofJobs = authorRuns(
    runs,
    new Map([
      [1, JOB],
      [2, poller],
    ]),
  )
  expect(ofJobs.map(({ by }) => by)).toEqual([JOB, poller, JOB])
})
