import { replaceText } from '@joinery/blocks'
import { connectWorkspace, tasksOf } from '@joinery/client'

/** The smallest editor there can be: one text, a task of it, and whether it is saved. `?server=` says where. */
const server = new URLSearchParams(location.search).get('server') ?? location.origin
const workspace = connectWorkspace({ url: server, workspace: 'w' })
const textarea = document.createElement('textarea')
const status = document.createElement('output')
const button = document.createElement('button')
button.textContent = 'Start a task'
document.body.append(textarea, status, button)

const content = () => workspace.blocks.create('b', { type: 'text' }).content
const showText = (): void => {
  const text = workspace.blocks.get('b')?.content.toString() ?? ''
  if (textarea.value !== text) textarea.value = text
}
const showStatus = (): void => {
  const now = workspace.saveStatus.get()
  status.value = now.state === 'offline' && now.isKeptHere ? 'kept here' : now.state
}

textarea.addEventListener('input', () => workspace.transact(() => replaceText(content(), textarea.value)))
const showTask = (): void => {
  document.body.dataset.task = workspace.blocks.get('b')?.statuses('task@1').get('plan')?.status ?? 'none'
}
button.addEventListener('click', () =>
  tasksOf(workspace).request('plan', { from: 'page' }, { block: 'b', name: 'plan' }),
)
workspace.doc.on('update', showText)
workspace.doc.on('update', showTask)
workspace.saveStatus.subscribe(showStatus)
showStatus()
await workspace.whenLoaded
showText()
showTask()
document.body.dataset.loaded = 'yes'
