import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { workspaceOf } from './address.ts'
import { takeTokens } from './keys/page-keys.ts'
import { WorkspaceList } from './keys/workspace-list.tsx'
import { Notice, PageProblem } from './page-problem.tsx'
import { stayUsableOffline } from './usable-offline.ts'
import { Visit } from './visit.tsx'
import './editor.css'
import './print.css'

takeTokens()
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
const name = workspaceOf(location.pathname)
const isList = name === undefined && location.pathname.endsWith('/w/')

if (name !== undefined) document.title = `${name} · Joinery`
stayUsableOffline()
createRoot(root).render(
  <StrictMode>
    {isList ? (
      <WorkspaceList />
    ) : name === undefined ? (
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
