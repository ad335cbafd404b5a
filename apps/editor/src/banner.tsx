import { useSaveStatus } from '@joinery/react'
import type { ReactNode } from 'react'
import { pagePath } from './address.ts'
import { bannerWords } from './banner-words.ts'
import { loginAddress } from './keys/page-keys.ts'

/** Shows a lasting problem that keeps edits from being saved, and what a person can do about it. */
export function Banner(): ReactNode {
  const status = useSaveStatus()
  const login = loginAddress()
  const words = bannerWords(status, login !== undefined)
  const isRefused = status.state === 'rejected' && status.what === 'connection'
  return (
    <div role="alert" className={words === undefined ? undefined : 'banner'}>
      {words !== undefined && (
        <>
          <strong>{words.title}</strong> {words.text}
          {isRefused && status.code === 'unauthorized' && login !== undefined && (
            <>
              {' '}
              <a href={login}>Log in</a>
            </>
          )}
          {isRefused && status.code === 'forbidden' && (
            <>
              {' '}
              <a href={pagePath('w/')}>See your workspaces</a>
            </>
          )}
        </>
      )}
    </div>
  )
}
