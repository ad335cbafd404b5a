/**
 * Lets the editor open without a network once it was opened with one. What is typed is the SDK's business; this keeps the
 * page and its files. `FILES` and `VERSION` are filled in by the build.
 */
const FILES = self.__FILES
const VERSION = self.__VERSION
const CACHE = `editor ${VERSION}`
/** The page is the same for every workspace, so one copy stands for all of them. */
const PAGE = '/w/-'

self.addEventListener('install', (event) => {
  // The page is asked for at every visit, so an old one is never what a new version has to wait for.
  event.waitUntil(keepFiles().then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOlder().then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== self.location.origin) return
  if (request.mode === 'navigate' && pathname.startsWith('/w/')) event.respondWith(pageOf(request))
  else if (pathname.startsWith('/assets/')) event.respondWith(fileOf(request))
})

async function keepFiles() {
  const cache = await caches.open(CACHE)
  await cache.addAll([PAGE, ...FILES])
}

async function forgetOlder() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name)
}

/** The server's own page, which names the files it goes with; the kept one only while the server can't be reached. */
async function pageOf(request) {
  try {
    return await fetch(request)
  } catch (error) {
    const kept = await caches.match(PAGE)
    if (kept === undefined) throw error
    return kept
  }
}

/** Files are named by what they hold: a kept one is never out of date. */
async function fileOf(request) {
  return (await caches.match(request)) ?? fetch(request)
}
