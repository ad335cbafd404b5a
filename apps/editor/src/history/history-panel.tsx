import { historyOf, type WorkspaceHistory } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { type ReactNode, useCallback, useMemo, useState } from 'react'
import { titleOf } from '../block-title.ts'
import { useCanWrite } from '../keys/use-can-write.ts'
import { Panel } from '../panels/panel.tsx'
import { Problem } from '../panels/problem.tsx'
import { DifferenceList } from './difference-list.tsx'
import { PastBlocks } from './past-blocks.tsx'
import { RestoreControl } from './restore-control.tsx'
import { SessionList } from './session-list.tsx'
import { sessionsOf } from './sessions.ts'
import { type Answer, useDifference, useHead, useRecords, useStateAt } from './use-history.ts'
import './history.css'

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

export function HistoryPanel({ onClose }: { onClose: () => void }): ReactNode {
  const source = historyOf(useWorkspace())
  const { head, problem } = useHead(source)
  return (
    <Panel title="History" onClose={onClose}>
      {problem !== '' && <Problem reason={problem} />}
      {head === undefined && problem === '' && <p className="soft">Reading the history…</p>}
      {head === 0 && <p className="soft">Nothing was written here yet.</p>}
      {head !== undefined && head > 0 && <Timeline source={source} head={head} />}
    </Panel>
  )
}

const VIEWS = { changes: 'Changed since then', state: 'As it was' } as const

function Timeline({ source, head }: { source: WorkspaceHistory; head: number }): ReactNode {
  const workspace = useWorkspace()
  const canWrite = useCanWrite()
  // Undefined means "now", which follows new records.
  const [chosen, choose] = useState<number>()
  const [news, setNews] = useState('')
  const [view, setView] = useState<keyof typeof VIEWS>('changes')
  const lsn = Math.min(chosen ?? head, head)
  const records = useRecords(source, lsn, head)
  const isRoot = useCallback(
    (name: string) => workspace.doc.share.has(name) && workspace.blocks.get(name) === undefined,
    [workspace],
  )
  const sessions = useMemo(() => sessionsOf(records, isRoot), [records, isRoot])
  const record = records.find((it) => it.lsn === lsn)
  const knownTitle = (id: string): string | undefined => {
    const block = workspace.blocks.get(id)
    return block && titleOf(block.fields.get('title'), id)
  }
  const title = (id: string): string => knownTitle(id) ?? id
  const place = lsn === head ? 'Now' : `${lsn} of ${head}`
  const moment = record === undefined ? undefined : MOMENT.format(record.at)
  const words = record === undefined ? place : `${place}, ${MOMENT.format(record.at)}, ${record.actor}`
  const restoredOnDone = (made: number): void => {
    choose(undefined)
    setNews(
      `Everybody sees the board as it was at ${moment ?? `step ${lsn}`} again. To take that back, restore step ${made - 1} of the slider.`,
    )
  }
  return (
    <>
      <p role="status" className={news === '' ? 'hidden' : 'news'}>
        {news}
      </p>
      <div className="moment">
        <strong>{record === undefined ? '…' : MOMENT.format(record.at)}</strong>
        <span className="soft">{record?.actor ?? ''}</span>
        <span className="place">{place}</span>
      </div>
      <input
        type="range"
        aria-label="Point in the history"
        aria-valuetext={words}
        min={1}
        max={head}
        value={lsn}
        onChange={({ currentTarget: { valueAsNumber } }) => choose(valueAsNumber === head ? undefined : valueAsNumber)}
      />
      <SessionList
        source={source}
        sessions={sessions}
        lsn={lsn}
        titleOf={knownTitle}
        isRoot={isRoot}
        onChoose={choose}
      />
      <div className="past-views">
        {(['changes', 'state'] as const).map((it) => (
          <button key={it} type="button" aria-pressed={view === it} onClick={() => setView(it)}>
            {VIEWS[it]}
          </button>
        ))}
      </div>
      {view === 'state' ? (
        <StateAt source={source} lsn={lsn} />
      ) : lsn === head ? (
        <p className="soft">
          This is what everybody sees. Move the slider back, or choose a step above, to see what has changed since.
        </p>
      ) : (
        <ChangesSince source={source} lsn={lsn} head={head} titleOf={title} />
      )}
      {lsn !== head && canWrite && <RestoreControl key={lsn} source={source} lsn={lsn} onRestored={restoredOnDone} />}
    </>
  )
}

interface PointProps {
  readonly source: WorkspaceHistory
  readonly lsn: number
}

function ChangesSince(props: PointProps & { head: number; titleOf: (id: string) => string }): ReactNode {
  const answer = useDifference(props.source, props.lsn, props.head)
  if (answer.state !== 'ready') return <Waiting answer={answer} />
  return <DifferenceList difference={answer.value} titleOf={props.titleOf} />
}

function StateAt({ source, lsn }: PointProps): ReactNode {
  const answer = useStateAt(source, lsn)
  return answer.state === 'ready' ? <PastBlocks past={answer.value} /> : <Waiting answer={answer} />
}

function Waiting({ answer }: { answer: Exclude<Answer<unknown>, { state: 'ready' }> }): ReactNode {
  if (answer.state === 'loading') return <p className="soft">Reading…</p>
  return <Problem reason={answer.reason} />
}
