import { useSaveStatus } from '@joinery/react'
import type { ReactNode } from 'react'
import { bannerWords } from './banner-words.ts'

/** Shows a lasting problem that keeps edits from being saved, and what a person can do about it. */
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
