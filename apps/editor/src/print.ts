import { useSyncExternalStore } from 'react'

const media = matchMedia('print')
/** True between `beforeprint` and `afterprint`: the pages are counted before the media query changes. */
let isPrinting = false

addEventListener('beforeprint', () => {
  isPrinting = true
})
addEventListener('afterprint', () => {
  isPrinting = false
})

/** Whether the page is on paper now, or about to be. */
export function useIsPrinted(): boolean {
  return useSyncExternalStore(subscribe, isPrinted)
}

const isPrinted = (): boolean => isPrinting || media.matches

function subscribe(listener: () => void): () => void {
  media.addEventListener('change', listener)
  addEventListener('beforeprint', listener)
  addEventListener('afterprint', listener)
  return () => {
    media.removeEventListener('change', listener)
    removeEventListener('beforeprint', listener)
    removeEventListener('afterprint', listener)
  }
}
