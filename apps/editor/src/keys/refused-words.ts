import type { SaveStatus } from '@joinery/client'
import { plainReason } from '../save-status-words.ts'

export interface RefusedWords {
  readonly title: string
  readonly text: string
}

type Refused = Extract<SaveStatus, { state: 'rejected' }>

const BY_LINK = 'Ask for a new link and open it in this tab.'
const BY_LOGIN = 'Log in again to go on.'

/** Why a server with keys does not let this page in, and what its person can do about it. `hasLogin`: there is an address to log in. */
export function refusedWords(status: Refused, hasLogin: boolean): RefusedWords {
  const reason = plainReason(status)
  const next = hasLogin ? BY_LOGIN : BY_LINK
  const kept = status.pending > 0 ? ' What you wrote stays on this page meanwhile, and is sent then.' : ''
  if (status.code === 'forbidden')
    return {
      title: 'You have no right to do this here.',
      text: `${sentence(reason)} Ask the owner of this workspace.${kept}`,
    }
  if (/no token/.test(reason))
    return {
      title: 'This workspace needs a key.',
      text: hasLogin ? `Log in to open it.${kept}` : `Open it by the whole link that you were given.${kept}`,
    }
  if (/expired/.test(reason)) return { title: 'Your access has ended.', text: `${next}${kept}` }
  if (/revoked/.test(reason)) return { title: 'Your access was taken back.', text: `${next}${kept}` }
  return { title: 'Your key is not valid here.', text: `${sentence(reason)} ${next}${kept}` }
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
