import { useBlocks, useWorkspace } from '@joinery/react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { titleOf } from '../block-title.ts'
import { openBlock } from '../panels/open-block.ts'
import { Panel } from '../panels/panel.tsx'
import type { DemonstrationView, ScenarioOffer } from './demonstration-client.ts'
import { Performance } from './performance.tsx'
import { useDemonstration } from './use-demonstration.ts'
import './demonstration.css'

export interface DemonstrationPanelProps {
  readonly name: string
  /** Scenario to play when the panel opens. */
  readonly first: string | undefined
  readonly onClose: () => void
}

export function DemonstrationPanel({ name, first, onClose }: DemonstrationPanelProps): ReactNode {
  const { status, problem, start, stop } = useDemonstration(name)
  const [block, setBlock] = useState('')
  const isRunning = status?.demonstration?.state === 'running'
  const followNext = useFollowing(status?.demonstration)
  const play = (scenario: string, takesBlock: boolean): void => {
    followNext()
    start(scenario, takesBlock && block !== '' ? block : undefined)
  }
  useOnce(() => {
    if (first !== undefined) play(first, false)
  })
  const offers = status?.scenarios ?? []
  return (
    <Panel title="Demonstration" onClose={onClose}>
      <p>
        Real background jobs, each a process of its own on this machine, write the blocks you type in. They provoke
        failures that happen without Joinery.
      </p>
      {problem !== '' && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      {status?.demonstration && <Performance view={status.demonstration} offers={offers} onStop={stop} />}
      <Offers
        offers={offers.filter(({ takesBlock }) => !takesBlock)}
        isBusy={isRunning}
        onPlay={({ name: scenario, takesBlock }) => play(scenario, takesBlock)}
      />
      <h3>Provoke one failure</h3>
      <BlockChoice value={block} onChoose={setBlock} />
      <Offers
        offers={offers.filter(({ takesBlock }) => takesBlock)}
        isBusy={isRunning}
        onPlay={({ name: scenario, takesBlock }) => play(scenario, takesBlock)}
      />
      <p className="soft">
        The jobs build real indexes, which you can search on the block. Embedding: {status?.embedding ?? '…'}. Jobs end
        by themselves, after two minutes at the latest.
      </p>
    </Panel>
  )
}

/** Returns a function. After a call of it, the page scrolls once to the block of the next demonstration, as soon as it is shown. */
function useFollowing(view: DemonstrationView | null | undefined): () => void {
  const isFollowing = useRef(false)
  useEffect(() => {
    if (!isFollowing.current || view?.state !== 'running' || view.block === undefined) return
    isFollowing.current = !openBlock(view.block)
  }, [view])
  return () => {
    isFollowing.current = true
  }
}

/** Calls `run` when the component is mounted, once even if React mounts it twice (strict mode). */
function useOnce(run: () => void): void {
  const isDone = useRef(false)
  useEffect(() => {
    if (isDone.current) return
    isDone.current = true
    run()
  })
}

interface OffersProps {
  readonly offers: readonly ScenarioOffer[]
  readonly isBusy: boolean
  readonly onPlay: (offer: ScenarioOffer) => void
}

function Offers({ offers, isBusy, onPlay }: OffersProps): ReactNode {
  return (
    <ul className="offers">
      {offers.map((offer) => (
        <li key={offer.name}>
          <button type="button" disabled={isBusy} onClick={() => onPlay(offer)}>
            {offer.title}
          </button>
          <p className="soft">{offer.danger}</p>
        </li>
      ))}
    </ul>
  )
}

function BlockChoice({ value, onChoose }: { value: string; onChoose: (id: string) => void }): ReactNode {
  const workspace = useWorkspace()
  const ids = useBlocks()
  return (
    <label className="block-choice">
      <span>Work on</span>
      <select value={ids.includes(value) ? value : ''} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
        <option value="">a new block</option>
        {ids.map((id) => (
          <option key={id} value={id}>
            {titleOf(workspace.blocks.get(id)?.fields.get('title'), id)}
          </option>
        ))}
      </select>
    </label>
  )
}
