import { useObservable, usePresence } from '@joinery/react'
import { type ReactNode, useEffect } from 'react'
import { openBlock } from '../panels/open-block.ts'
import { follow, presentFollowed } from './followed.ts'
import { blockOf } from './shown-view.ts'
import './follow.css'

/**
 * Says whom this page follows, with a button that ends it; Escape ends it, too. While the list is shown, the block in which that
 * person writes is brought into view; the canvas follows their view itself.
 */
export function FollowNotice({ isList }: { isList: boolean }): ReactNode {
  const followed = useObservable(presentFollowed)
  const { others } = usePresence()
  const peer = others.find(({ clientId }) => clientId === followed?.clientId)
  const isGone = followed !== undefined && peer === undefined
  const block = isList && peer !== undefined ? blockOf(peer.state) : undefined
  useEffect(() => {
    if (isGone) follow(undefined)
  }, [isGone])
  useEffect(() => {
    if (block !== undefined) openBlock(block, { keepsFocus: true })
  }, [block])
  const isFollowing = followed !== undefined
  useEffect(() => {
    if (!isFollowing) return
    const onKeyDown = ({ key, defaultPrevented }: KeyboardEvent): void => {
      if (key === 'Escape' && !defaultPrevented) follow(undefined)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [isFollowing])
  useEffect(() => () => follow(undefined), [])
  return (
    <div className="follow" aria-live="polite" style={{ '--hue': followed?.hue ?? 0 }}>
      {followed !== undefined && (
        <p>
          <span>Following {followed.name}</span>
          <button type="button" onClick={() => follow(undefined)}>
            Stop
          </button>
        </p>
      )}
    </div>
  )
}

declare module 'react' {
  interface CSSProperties {
    '--hue'?: number
  }
}
