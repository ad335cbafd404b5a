import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { workspaceOf } from './address.ts'
import { Notice, PageProblem } from './page-problem.tsx'
import { stayUsableOffline } from './usable-offline.ts'
import { Visit } from './visit.tsx'
import './editor.css'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
const name = workspaceOf(location.pathname)

if (name !== undefined) document.title = `${name} · Joinery`
stayUsableOffline()
createRoot(root).render(
  <StrictMode>
    {name === undefined ? (
      <Notice
        title="No such workspace"
        text="The address names no workspace. It must look like this: /w/my-workspace"
      />
    ) : (
      <PageProblem>
        <Visit name={name} />
      </PageProblem>
    )}
  </StrictMode>,
)
