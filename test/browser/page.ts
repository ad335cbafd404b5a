import { replaceText } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'

/** The smallest editor there can be: one text, and whether it is saved. `?server=` says where. */
const server = new URLSearchParams(location.search).get('server') ?? location.origin
const workspace = connectWorkspace({ url: server, workspace: 'w' })
const textarea = document.createElement('textarea')
const status = document.createElement('output')
document.body.append(textarea, status)

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
workspace.doc.on('update', showText)
workspace.saveStatus.subscribe(showStatus)
showStatus()
await workspace.whenLoaded
showText()
document.body.dataset.loaded = 'yes'
