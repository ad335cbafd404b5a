import { useSaveStatus } from '@joinery/react'
import type { ReactNode } from 'react'
import { bannerWords } from './banner-words.ts'

/** What stands in the way of being saved for longer than a moment, and what a person can do about it. */
export function Banner(): ReactNode {
  const words = bannerWords(useSaveStatus())
  return (
    <div role="alert" className={words === undefined ? undefined : 'banner'}>
      {words !== undefined && (
        <>
          <strong>{words.title}</strong> {words.text}
        </>
      )}
    </div>
  )
}
