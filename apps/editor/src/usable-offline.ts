import { pagePath } from './address.ts'

/**
 * Keeps the page and its files on this device, so that it opens without a network next time. Does nothing on a
 * development server, whose files change.
 */
export function stayUsableOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  navigator.serviceWorker.register(pagePath('service-worker.js')).catch((error: unknown) => {
    // Private windows and full disks refuse it; with a network the editor works all the same.
    console.warn('the editor will not open without a network:', error)
  })
}
