import type { ReactNode } from 'react'
import { openBlock } from '../panels/open-block.ts'
import type { DemonstrationView, ScenarioOffer } from './demonstration-client.ts'

const STATES = { running: 'Running', finished: 'Finished', stopped: 'Stopped', failed: 'Failed' } as const
const WRITER_STATES: Readonly<Record<string, string>> = {
  starting: 'starting',
  working: 'working',
  ended: 'ended',
  killed: 'killed',
}

/** Shows the running or last scenario: its processes, remarks and findings. */
export function Performance({
  view,
  offers,
  onStop,
}: {
  view: DemonstrationView
  offers: readonly ScenarioOffer[]
  onStop: () => void
}): ReactNode {
  const { scenario, state, reason, block, writers, remarks, findings } = view
  const title = offers.find(({ name }) => name === scenario)?.title ?? scenario
  return (
    <section className="performance" aria-label="What is played">
      <header>
        <h3>{title}</h3>
        <span className={`pill ${state === 'failed' ? 'bad' : state === 'running' ? '' : 'good'}`} data-state={state}>
          {STATES[state]}
        </span>
      </header>
      {reason !== undefined && <p className="problem">{reason}</p>}
      <ul className="writers" aria-label="Processes">
        {writers.map(({ pid, actor, source, state: writerState }, at) => (
          // The same actor may be in the list twice, as two processes; the list only grows.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <li key={at} className={writerState} title={`${source} · process ${pid ?? 'not started'}`}>
            {actor} <span className="soft">{WRITER_STATES[writerState]}</span>
          </li>
        ))}
      </ul>
      <ul className="findings" aria-label="Findings">
        {findings.map(({ holds, text }) => (
          <li key={text} className={holds ? 'holds' : 'broken'}>
            <span aria-hidden="true">{holds ? '✓' : '✗'}</span>
            <span className="hidden">{holds ? 'Holds: ' : 'Broken: '}</span>
            <span>{text}</span>
          </li>
        ))}
      </ul>
      <ol className="remarks" aria-live="polite" aria-label="What happened">
        {remarks.map(({ atMs, who, text }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: remarks are only added at the end
          <li key={`${atMs} ${at}`}>
            {who !== '' && <strong>{who} </strong>}
            {text}
          </li>
        ))}
      </ol>
      <footer>
        {block !== undefined && (
          <button type="button" onClick={() => openBlock(block)}>
            Open its block
          </button>
        )}
        {state === 'running' && (
          <button type="button" onClick={onStop}>
            Stop
          </button>
        )}
      </footer>
    </section>
  )
}
