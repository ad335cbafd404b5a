/**
 * Lets the editor open without a network once it was opened with one. This worker keeps the page and its files; the SDK
 * keeps edits. The build fills in `FILES` and `VERSION`.
 */
/** Path below which the server has its pages; empty for none. */
const BASE = self.location.pathname.replace(/\/service-worker\.js$/, '')
const FILES = self.__FILES.map((path) => BASE + path)
const VERSION = self.__VERSION
/** How the names of this worker's caches begin: others of the same origin are not its own, also those below another path. */
const CACHES = `joinery editor ${BASE}/ `
const CACHE = CACHES + VERSION
/** Cache key of the page. The page is the same for every workspace, so one copy serves all of them. */
const PAGE = `${BASE}/w/-`
/** Answers of a proxy whose server is down. */
const GATEWAY_ERRORS = [502, 503, 504]
/** Time until the kept page is shown while nobody answers, ms: a person who waits longer takes the page for broken. */
const PATIENCE_MS = 4_000

self.addEventListener('install', (event) => {
  // A new version need not wait until open pages are closed: every visit asks the server for the page, and open pages find their
  // own files.
  event.waitUntil(keepFiles().then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOlder().then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== self.location.origin) return
  if (request.mode === 'navigate' && pathname.startsWith(`${BASE}/w/`)) event.respondWith(pageOf(request))
  else if (pathname.startsWith(`${BASE}/assets/`)) event.respondWith(fileOf(request))
})

async function keepFiles() {
  const cache = await caches.open(CACHE)
  await cache.addAll([PAGE, ...FILES])
}

/** Deletes the files of older builds, except of those with an open page, which loads its late parts from them. */
async function forgetOlder() {
  const { held } = await navigator.locks.query()
  for (const name of await caches.keys()) {
    if (name === CACHE || !name.startsWith(CACHES)) continue
    const cache = await caches.open(name)
    // A page holds a lock by the address of its first script (`usable-offline.ts`).
    const opened = await Promise.all(held.map((lock) => cache.match(lock.name)))
    if (opened.every((file) => file === undefined)) await caches.delete(name)
  }
}

/**
 * Answers with the server's page, which names its files. Answers with the kept one while the server can't be reached, while a proxy
 * says so in its place, and when nobody answers in time.
 */
async function pageOf(request) {
  const kept = await (await caches.open(CACHE)).match(PAGE)
  if (kept === undefined) return fetch(request)
  const asked = fetch(request).then(
    (response) => (GATEWAY_ERRORS.includes(response.status) ? kept : response),
    () => kept,
  )
  const silence = new Promise((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS))
  return Promise.race([asked, silence])
}

/** Answers with the kept file if there is one: it is never out of date, because a file's name has a hash of its content. */
async function fileOf(request) {
  return (await caches.match(request)) ?? fetch(request)
}
