import { uploadsOf } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { type ReactNode, useEffect, useState } from 'react'
import { addFileBlock } from '../add-block.ts'
import { mayWrite } from '../keys/use-can-write.ts'
import { onProblem } from './file-problem.ts'
import { filesIn, hasFiles, isPasteOfFile, TEXT_PASTE_MAX, tooLongText } from './transfer.ts'

/** The block under an event; undefined beside all blocks. */
function blockAt(target: EventTarget | null): string | undefined {
  if (!(target instanceof Element)) return undefined
  return target.closest('[data-block]')?.getAttribute('data-block') ?? undefined
}

/** Names of folders that are told. */
const NAMES_MAX = 3

function othersWords(names: readonly string[]): string {
  const told = names.slice(0, NAMES_MAX).map((name) => `“${name}”`)
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
  return `${told.join(', ')}${more} can’t be read as files. Of a folder, drop the files that are in it.`
}

interface FileDropProps {
  readonly actor: string
  readonly onSay: (words: string) => void
}

/**
 * Takes files that a person drags onto the page or pastes: onto a block they belong to it, and beside all blocks they get a new one.
 * Shows where they would fall.
 */
export function FileDrop({ actor, onSay }: FileDropProps): ReactNode {
  const workspace = useWorkspace()
  const [over, setOver] = useState<string | 'board'>()
  const [problem, setProblem] = useState('')
  useEffect(() => onProblem(setProblem), [])
  useEffect(() => {
    const take = (files: readonly File[], block: string | undefined): void => {
      if (files.length === 0 || !mayWrite(workspace)) return
      const id = block ?? addFileBlock(workspace, files[0]?.name ?? '', actor)
      for (const file of files) uploadsOf(workspace).upload(id, file)
      onSay(files.length === 1 ? `${files[0]?.name} is being uploaded` : `${files.length} files are being uploaded`)
    }
    /** Keeps a text that is too long for a text as a file of its block. */
    const takeTooLong = (event: DragEvent | ClipboardEvent, data: DataTransfer | null): boolean => {
      const file = tooLongText(data, event.target)
      if (file === undefined) return false
      event.preventDefault()
      event.stopPropagation()
      take([file], blockAt(event.target))
      setProblem(
        `A text takes ${TEXT_PASTE_MAX.toLocaleString('en')} characters at once, and these are more: they are kept as a file of the block.`,
      )
      return true
    }
    const onDragOver = (event: DragEvent): void => {
      if (!hasFiles(event.dataTransfer)) return
      event.preventDefault()
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'copy'
      setOver(blockAt(event.target) ?? 'board')
    }
    const onDragLeave = (event: DragEvent): void => {
      // The pointer has left the page, and not just one element for another.
      if (event.relatedTarget === null) setOver(undefined)
    }
    const onDrop = (event: DragEvent): void => {
      setOver(undefined)
      if (takeTooLong(event, event.dataTransfer) || !hasFiles(event.dataTransfer)) return
      event.preventDefault()
      event.stopPropagation()
      const block = blockAt(event.target)
      filesIn(event.dataTransfer).then(({ files, others }) => {
        take(files, block)
        if (others.length > 0) setProblem(othersWords(others))
      }, reportError)
    }
    const onPaste = (event: ClipboardEvent): void => {
      if (takeTooLong(event, event.clipboardData) || !isPasteOfFile(event.clipboardData)) return
      event.preventDefault()
      event.stopPropagation()
      take([...(event.clipboardData?.files ?? [])], blockAt(event.target) ?? blockAt(document.activeElement))
    }
    const all = { capture: true }
    document.addEventListener('dragover', onDragOver, all)
    document.addEventListener('dragleave', onDragLeave, all)
    document.addEventListener('drop', onDrop, all)
    document.addEventListener('paste', onPaste, all)
    return () => {
      document.removeEventListener('dragover', onDragOver, all)
      document.removeEventListener('dragleave', onDragLeave, all)
      document.removeEventListener('drop', onDrop, all)
      document.removeEventListener('paste', onPaste, all)
    }
  }, [workspace, actor, onSay])
  useEffect(() => {
    const card =
      over === undefined || over === 'board' ? null : document.querySelector(`[data-block="${CSS.escape(over)}"]`)
    card?.classList.add('dropping')
    return () => card?.classList.remove('dropping')
  }, [over])
  return (
    <>
      {over === 'board' && <p className="dropNote">Drop the files here: they get a block of their own.</p>}
      {problem !== '' && (
        <p role="alert" className="dropNote problem">
          {problem}{' '}
          <button type="button" className="quiet" onClick={() => setProblem('')}>
            Close
          </button>
        </p>
      )}
    </>
  )
}
