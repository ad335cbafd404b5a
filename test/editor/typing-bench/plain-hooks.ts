import type { Observable } from '@joinery/client'
import { type RefCallback, useCallback, useSyncExternalStore } from 'react'
import * as Y from 'yjs'

/**
 * The hooks of `@joinery/react` that the editor uses, answered from plain objects in the page's memory: no document, no
 * server, no copy on the device. Texts and titles can be edited; nothing else changes.
 */
interface PlainBlock {
  readonly id: string
  readonly title: string
  readonly text: string
}
const blocks = (globalThis as unknown as { plainBlocks: readonly PlainBlock[] }).plainBlocks
const ids: readonly string[] = blocks.map(({ id }) => id)
const titles = new Map(blocks.map(({ id, title }) => [id, title]))
const texts = new Map(blocks.map(({ id, text }) => [id, text]))
const listed = blocks.map(({ id, title }) => ({
  id,
  fields: { get: (key: string) => (key === 'title' ? title : undefined) },
}))
const listeners = new Map<string, Set<() => void>>()

/** The texts for the large editor, which reads its own when it opens. Nothing is written into them. */
const doc = new Y.Doc()
const yTexts = new Map(ids.map((id) => [id, doc.getText(id)]))
for (const [id, yText] of yTexts) yText.insert(0, texts.get(id) ?? '')

const NOTHING: readonly never[] = []
const never = (): (() => void) => () => undefined
const still = <T>(value: T) => ({ get: () => value, subscribe: never })

function subscribeTo(id: string, listener: () => void): () => void {
  const those = listeners.get(id) ?? new Set()
  listeners.set(id, those.add(listener))
  return () => those.delete(listener)
}

const workspace = {
  saveStatus: still({ state: 'saved' }),
  blocks: { list: () => listed, get: () => undefined, delete: () => false },
  undo: { split: () => undefined },
  presence: {
    others: still(NOTHING),
    progress: still({}),
    get: () => undefined,
    set: () => undefined,
    awareness: { setLocalStateField: () => undefined },
  },
  provenance: { of: () => undefined, subscribe: never },
  doc,
  transact: (edit: () => void) => edit(),
  onReset: never,
  onConflict: never,
}
const UNDO = { canUndo: false, canRedo: false, undo: () => false, redo: () => false }
const CONFLICTS = { conflicts: NOTHING, dismiss: () => undefined, clear: () => undefined }
const NO_LIST = { list: NOTHING, records: NOTHING, error: undefined }
const UPLOADS = { uploads: NOTHING, upload: () => undefined }
const PRESENCE = { others: NOTHING, set: () => undefined }

export const useWorkspace = () => workspace
export const useBlocks = () => ids
export const useObservable = <T>({ get, subscribe }: Observable<T>): T => useSyncExternalStore(subscribe, get)
export const useBlock = (id: string) => listed.find((block) => block.id === id)
export const useBlockType = () => 'text'
export const useEdges = () => NOTHING
export const useEdgesFrom = () => NOTHING
export const useIndexNames = () => NOTHING
export const useIndexingEntry = () => undefined
export const useIndexingList = () => NOTHING
export const useClaims = () => NOTHING
export const useRawStatuses = () => NOTHING
export const useStatuses = () => NOTHING
export const useUpload = () => UPLOADS
export const useComments = () => NOTHING
export const useLeases = () => NO_LIST
export const useTasks = () => NO_LIST
export const useHistory = () => NO_LIST
export const useStateAt = () => undefined
export const useDifference = () => undefined
export const useConnectionStatus = () => 'connected'
export const useServer = () => ({ actor: 'ann' })
export const useSaveStatus = () => workspace.saveStatus.get()
export const useUndo = () => UNDO
export const usePresence = () => PRESENCE
export const useProvenance = () => undefined
export const useConflicts = () => CONFLICTS
export const useField = (id: string, key: string) => (key === 'title' ? titles.get(id) : undefined)

export const useYText = (id: string) => yTexts.get(id)

export function useContent(id: string): { value: string; yText: undefined } {
  const subscribe = useCallback((listener: () => void) => subscribeTo(id, listener), [id])
  return { value: useSyncExternalStore(subscribe, () => texts.get(id) ?? ''), yText: undefined }
}

export function useContentField(id: string): RefCallback<HTMLTextAreaElement> {
  return useCallback(
    (field: HTMLTextAreaElement | null) => {
      if (field === null) return
      field.value = texts.get(id) ?? ''
      const onInput = (): void => {
        texts.set(id, field.value)
        for (const listener of [...(listeners.get(id) ?? [])]) listener()
      }
      field.addEventListener('input', onInput)
      return () => field.removeEventListener('input', onInput)
    },
    [id],
  )
}
