import { WorkspaceProvider } from '@joinery/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { workspaceOf } from './address.ts'
import { Board } from './board.tsx'
import { Notice, PageProblem } from './page-problem.tsx'
import { readPerson } from './person.ts'
import { stayUsableOffline } from './usable-offline.ts'
import './editor.css'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
const name = workspaceOf(location.pathname)
const person = readPerson(localStorage, Math.random)
const token = new URLSearchParams(location.search).get('token') ?? undefined

if (name !== undefined) document.title = `${name} · Joinery`
stayUsableOffline()
createRoot(root).render(
  <StrictMode>
    {name === undefined ? (
      <Notice title="No such place" text="An address names its workspace: /w/my-workspace" />
    ) : (
      <PageProblem>
        <WorkspaceProvider
          options={{ url: location.origin, workspace: name, actor: person.name, ...(token !== undefined && { token }) }}
        >
          <Board name={name} person={person} />
        </WorkspaceProvider>
      </PageProblem>
    )}
  </StrictMode>,
)
