import type { Workspace } from '@joinery/client'
import { until } from '../support/until.ts'

/** The writers of the four failures, each a process of its own. */
export type Role = 'instantiation' | 'workflow' | 'poller'
/** How they write: whole objects, or by Joinery's blocks. */
export type Style = 'naive' | 'joinery'

const key = (role: Role, step: string): string => `${role}/${step}`

/** Cues go through the workspace itself, so that everything between two of them has arrived when the next one does. */
export function cue(workspace: Workspace, role: Role, step: string): void {
  workspace.doc.getMap('cues').set(key(role, step), 'go')
}

export function isCued(workspace: Workspace, role: Role, step: string): boolean {
  return workspace.doc.getMap('cues').get(key(role, step)) === 'go'
}

export function markDone(workspace: Workspace, role: Role, step: string): void {
  workspace.doc.getMap('cues').set(key(role, step), 'done')
}

export function whenDone(workspace: Workspace, role: Role, step: string): Promise<void> {
  return until(`${key(role, step)} is done`, () => workspace.doc.getMap('cues').get(key(role, step)) === 'done')
}
