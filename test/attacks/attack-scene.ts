import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { decodeFrame, MESSAGE } from '@joinery/protocol'
import { WebSocket } from 'ws'
import { makeToken, type TestClaims } from '../support/tokens.ts'

/** One attack, which goes on until {@link AttackScene.isOver}. It throws only when the attack itself is written wrongly. */
export interface Attack {
  /** One line for people: the attacker, and the deed. */
  readonly title: string
  run(scene: AttackScene): Promise<void>
}

export interface EnterOptions {
  /** Defaults to the attacker's own workspace. */
  readonly workspace?: string
  readonly claims?: TestClaims
  /** Speaks Joinery's own messages, too. */
  readonly isJoinery?: boolean
  /** Reads nothing once it is in. */
  readonly isDeaf?: boolean
  /** Further text of the query, such as `&client=7`. */
  readonly query?: string
}

/** Bytes that one socket of an attacker keeps for itself before it waits: the attacker's memory is not measured. */
const UNSENT_MAX = 4 * 1024 * 1024

/** A server under attack, seen by the attacker: its door, tokens that open it, and a list of what the server said. */
export class AttackScene implements Disposable {
  readonly port: number
  /** Drawn anew by each run, so that an attack that runs again begins with a workspace that does not exist. */
  readonly workspace: string
  /** How often the server said what: close codes, HTTP codes, refusals. */
  readonly told = new Map<string, number>()
  readonly #endsAtMs: number
  readonly #sockets = new Set<Socket | WebSocket>()
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })

  constructor(options: { port: number; seconds: number; workspace: string }) {
    this.port = options.port
    this.workspace = options.workspace
    this.#endsAtMs = performance.now() + options.seconds * 1_000
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAtMs
  }

  tell(what: string): void {
    this.told.set(what, (this.told.get(what) ?? 0) + 1)
  }

  /** Waits, but not longer than the attack lasts. */
  async pause(ms: number): Promise<void> {
    const left = Math.max(0, this.#endsAtMs - performance.now())
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, left)))
  }

  /** A TCP connection to the server. Its errors are told, and it ends with the scene. */
  tcp(): Socket {
    const socket = connect({ port: this.port, host: '127.0.0.1' })
    this.#sockets.add(socket)
    socket.on('error', (error: NodeJS.ErrnoException) => this.tell(`socket ${error.code}`))
    socket.on('data', (bytes: Buffer) => {
      const status = /^HTTP\/1\.1 (\d+)/.exec(bytes.toString('latin1', 0, 32))?.[1]
      if (status !== undefined) this.tell(`http ${status}`)
    })
    socket.on('close', () => {
      if (this.#sockets.delete(socket)) this.tell('socket ended')
    })
    return socket
  }

  /** Connects by WebSocket. Returns undefined when the server refuses. */
  async enter(options: EnterOptions = {}): Promise<WebSocket | undefined> {
    const { workspace = this.workspace, claims, isJoinery = false, isDeaf = false, query = '' } = options
    const token = await makeToken({ sub: 'mallory', ...claims })
    const path = `${workspace}?token=${token}${isJoinery ? '&joinery=1' : ''}${query}`
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/${path}`, { perMessageDeflate: false })
    this.#sockets.add(socket)
    socket.on('message', (data: Buffer) => this.#hear(data))
    socket.on('unexpected-response', (asked, response) => {
      this.tell(`upgrade ${response.statusCode}`)
      asked.destroy()
    })
    // `close` follows, which is told.
    socket.on('error', () => undefined)
    const closed = once(socket, 'close').then(([code, reason]) => {
      if (this.#sockets.delete(socket)) this.tell(`close ${code} ${/^\w*/.exec(String(reason))?.[0] ?? ''}`.trim())
    })
    await Promise.race([once(socket, 'open'), closed]).catch(() => closed)
    if (socket.readyState !== WebSocket.OPEN) return undefined
    if (isDeaf) socket.pause()
    return socket
  }

  /** Sends one frame, and waits while too much has not gone out. Returns false once the socket or the attack is over. */
  async send(socket: WebSocket, frame: Uint8Array): Promise<boolean> {
    if (this.isOver || socket.readyState !== WebSocket.OPEN) return false
    socket.send(frame)
    while (socket.bufferedAmount > UNSENT_MAX && socket.readyState === WebSocket.OPEN && !this.isOver) {
      await this.pause(5)
    }
    return socket.readyState === WebSocket.OPEN && !this.isOver
  }

  /** Sends what `frame` gives again and again, a few hundred at a time. */
  async flood(socket: WebSocket, frame: () => Uint8Array): Promise<void> {
    for (let sent = 1; await this.send(socket, frame()); sent++) {
      if (sent % 200 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Has so many clients {@link flood}, each in turns of its own, and enter again when they are closed. */
  async floodByMany(
    connections: number,
    options: EnterOptions,
    frameOf: (turn: number, index: number) => Uint8Array,
  ): Promise<void> {
    await Promise.all(
      Array.from({ length: connections }, async (_, index) => {
        while (!this.isOver) {
          const socket = await this.enter(options)
          let turn = 0
          if (socket === undefined) await this.pause(10)
          else await this.flood(socket, () => frameOf(turn++, index))
        }
      }),
    )
  }

  /** Calls the API with JSON or bytes, and tells the answer. Returns its status, or 0 when the connection broke. */
  async call(
    method: string,
    path: string,
    options: { body?: unknown; bytes?: Uint8Array; claims?: TestClaims } = {},
  ): Promise<number> {
    const token = await makeToken({ sub: 'mallory', ...options.claims })
    return new Promise((resolve) => {
      const type = options.bytes === undefined ? 'application/json' : 'application/octet-stream'
      const headers = { authorization: `Bearer ${token}`, 'content-type': type }
      const asked = request({ host: '127.0.0.1', port: this.port, path, method, agent: this.#agent, headers })
      asked.on('response', (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          if (text.length < 4_096) text += chunk.toString()
        })
        response.on('close', () => {
          const code = /"code":"(\w+)"/.exec(text)?.[1] ?? ''
          this.tell(`http ${response.statusCode} ${(response.statusCode ?? 0) < 400 ? '' : code}`.trim())
          resolve(response.statusCode ?? 0)
        })
      })
      asked.on('error', (error: NodeJS.ErrnoException) => {
        this.tell(`http ${error.code}`)
        resolve(0)
      })
      asked.end(options.bytes ?? (options.body === undefined ? undefined : JSON.stringify(options.body)))
    })
  }

  #hear(data: Buffer): void {
    if (data[0] !== MESSAGE.joinery) return
    const frame = decodeFrame(data)
    if (frame.type === 'joinery' && frame.message?.type === 'rejected') this.tell(`rejected ${frame.message.code}`)
  }

  [Symbol.dispose](): void {
    const sockets = [...this.#sockets]
    this.#sockets.clear()
    for (const socket of sockets) socket instanceof WebSocket ? socket.terminate() : socket.destroy()
    this.#agent.destroy()
  }
}
