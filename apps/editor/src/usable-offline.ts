/** Keeps the page and its files on this device, so that it opens without a network next time. Only in a build: a development server's files change. */
export function stayUsableOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  navigator.serviceWorker.register('/service-worker.js').catch((error: unknown) => {
    // Private windows and full disks refuse; the editor works all the same while there is a network.
    console.warn('the editor will not open without a network:', error)
  })
}
