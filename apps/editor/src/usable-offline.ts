import { pagePath } from './address.ts'
import { pageScript } from './page-build.ts'

/**
 * Keeps the page and its files on this device, so that it opens without a network next time, and so that it finds its late parts
 * after the server has a newer build. Does nothing on a development server, whose files change.
 */
export function stayUsableOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  // Held as long as the page is open: the service worker keeps the files of each build that has such a page.
  const script = pageScript()
  if (script !== undefined) void navigator.locks.request(script, { mode: 'shared' }, () => new Promise(() => undefined))
  navigator.serviceWorker.register(pagePath('service-worker.js')).catch((error: unknown) => {
    // Private windows and full disks refuse it; with a network the editor works all the same.
    console.warn('the editor will not open without a network:', error)
  })
}
