import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { API_LIMITS } from '@joinery/api'
import { JWKS_LIMITS, SERVER_LIMITS } from '@joinery/server'
import { TASK_LIMITS_DEFAULT } from '@joinery/tasks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from './app-error.mts'
import { readLimits } from './limits-setting.mts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'joinery-limits-'))
})
afterAll(() => rm(directory, { recursive: true }))

const read = (limits: string) => readLimits({ limits }, {}, directory)
function fault(text: string): string {
  try {
    read(text)
  } catch (error) {
    if (error instanceof AppError && error.code === 'usage') return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('readLimits', () => {
  it('[A60] sets limits of sockets, of requests and of the JWKS by their names', () => {
    const limits = {
      server: { unsentBytesMax: 1_000_000, principalCostShare: 0.25, updateBytesMax: 5 },
      http: { updateBytesMax: 7, requestsPerSecond: 50 },
      jwks: { jwksBytesMax: 9, jwksMs: 800 },
      tasks: { leaseMs: 5_000 },
      files: { partBytes: 6_000_000 },
    }
    const text =
      'unsentBytesMax=1000000, principalCostShare=0.25,updateBytesMax=5,http.updateBytesMax=7,http.requestsPerSecond=50,jwksBytesMax=9,jwksMs=800,tasks.leaseMs=5000,files.partBytes=6000000'
    expect(read(text)).toEqual(limits)
    expect(readLimits({}, { JOINERY_LIMITS: text }, directory)).toEqual(limits)
    expect(readLimits({ limits: 'jwksMs=1' }, { JOINERY_LIMITS: text }, directory).jwks).toEqual({ jwksMs: 1 })
    expect(readLimits({}, { JOINERY_LIMITS: '' }, directory)).toEqual({
      server: {},
      http: {},
      jwks: {},
      tasks: {},
      files: {},
    })
  })

  it('[A60] every limit of the four tables can be set to its default, and every time to none beyond a timer of Node', () => {
    const http = Object.entries(API_LIMITS).map(([name, value]) => [`http.${name}`, value] as const)
    const tasks = Object.entries(TASK_LIMITS_DEFAULT).map(([name, value]) => [`tasks.${name}`, value] as const)
    const all = [...Object.entries(SERVER_LIMITS), ...Object.entries(JWKS_LIMITS), ...http, ...tasks]
    for (const [name, value] of all) {
      const { server, http: ofHttp, jwks, tasks: ofTasks } = read(`${name}=${Number.isFinite(value) ? value : 5}`)
      expect(Object.values({ ...server, ...ofHttp, ...jwks, ...ofTasks })).toEqual([Number.isFinite(value) ? value : 5])
      if (/Ms/.test(name))
        expect(fault(`${name}=${2 ** 31}`)).toContain(`${name} must be a whole number from 1 to 2147`)
    }
  })

  it.each([
    ['unsentBytes=1', /there is no limit "unsentBytes"; these are: .*messagesPerSecond.*jwksMs.*http\.bodyBytesMax/],
    ['toString=1', /no limit "toString"/],
    ['__proto__=1', /no limit "__proto__"/],
    ['http.unsentBytesMax=1', /no limit "http.unsentBytesMax"/],
    [',', /no limit ""/],
    ['unsentBytesMax', /unsentBytesMax must be a whole number from 1 to \d+, not ""/],
    ['unsentBytesMax=0', /unsentBytesMax must be .* not 0;/],
    ['unsentBytesMax=1.5', /unsentBytesMax must be .* not 1.5;/],
    ['unsentBytesMax=-1', /unsentBytesMax must be .* not "-1"; for example: unsentBytesMax=268435456/],
    ['unsentBytesMax=1e9', /unsentBytesMax must be .* not "1e9"/],
    ['unsentBytesMax=1=2', /unsentBytesMax must be .* not "1=2"/],
    ['unsentBytesMax=1,unsentBytesMax=2', /unsentBytesMax stands twice/],
    ['principalCostShare=2', /principalCostShare must be a number above 0, at most 1, not 2/],
    ['syncBytesMax=2147483648', /syncBytesMax must be .* to 1073741824/],
    ['trialHeapBytes=1000', /trialHeapBytes must be a whole number from 16777216/],
    ['headersMs=300001', /headersMs \(300001\) must be at most requestMs \(300000\)/],
    ['@missing.json', /the file .*missing.json can't be read: ENOENT/],
  ])('[A60] %s is refused by an error that names the limit', (text, message) => {
    expect(fault(text)).toMatch(message)
    expect(fault(text)).toMatch(/^--limits: /)
  })

  it('[A60] reads limits from a file of JSON, which is held to the same rules', async () => {
    const file = join(directory, 'limits.json')
    await writeFile(file, '{ "messagesPerSecond": 20, "http.keysMax": 10 }')
    expect(read('@limits.json')).toEqual({
      server: { messagesPerSecond: 20 },
      http: { keysMax: 10 },
      jwks: {},
      tasks: {},
      files: {},
    })
    const wrong = [
      ['{ "messagesPerSecond": "20" }', /messagesPerSecond must be .* not "20"/],
      ['{ "messagesPerSecond": null }', /messagesPerSecond must be .* not null/],
      ['{ "messagesPerSecond": 1e300 }', /messagesPerSecond must be .* not 1e\+300/],
      ['{ "__proto__": 1 }', /no limit "__proto__"/],
      ['{ "messagesPerSecond": ', /limits.json can't be read: it is not JSON/],
      ['[]', /must be a JSON object of limits/],
      ['null', /must be a JSON object of limits/],
    ] as const
    for (const [text, message] of wrong) {
      await writeFile(file, text)
      expect(fault(`@${file}`), text).toMatch(message)
    }
  })
})
