import { decodeFrame, encodeSyncStep1, encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { WebsocketProvider } from '@y/websocket'
import * as Y14 from '@y/y'
import { WebSocket } from 'ws'
import * as wasm from 'ywasm'

/** The text and the map that {@link OtherClient} edits. */
const TEXT = 'content'
const MAP = 'map'

export interface OtherOptions {
  readonly url: string
  readonly workspace: string
  readonly params?: Record<string, string>
}

/** A client that stands on another implementation of Yjs than the server. */
export interface OtherClient extends Disposable {
  readonly isConnected: boolean
  readonly isSynced: boolean
  /** Codes with which the server closed its connections. */
  readonly closeCodes: readonly number[]
  /** Length of the text. */
  readonly length: number
  text(): string
  map(): unknown
  insert(at: number, text: string): void
  delete(at: number, length: number): void
  set(key: string, value: string): void
  /** A nested type, with a text in it, under a key of the map. */
  nest(key: string, text: string): void
  /** The whole document as one V1 update. */
  state(): Uint8Array
  connect(): void
  disconnect(): void
}

/** The other implementations, and what connects a client of each. */
export const OTHER_CLIENTS: Readonly<Record<string, (options: OtherOptions) => OtherClient>> = {
  '@y/websocket 4 with @y/y 14': (options) => new Yjs14Client(options),
  'ywasm 0.18': (options) => new WasmClient(options),
}

/** Yjs 14 behind its own stock client, unchanged. It draws client ids of 53 bits. */
export class Yjs14Client implements OtherClient {
  readonly doc = new Y14.Doc()
  readonly provider: WebsocketProvider
  readonly closeCodes: number[] = []

  constructor({ url, workspace, params = {} }: OtherOptions) {
    this.provider = new WebsocketProvider(url, workspace, this.doc, {
      params,
      disableBc: true,
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    })
    this.provider.on('connection-close', (event) => {
      if (event !== null) this.closeCodes.push(event.code)
    })
  }

  get isConnected(): boolean {
    return this.provider.wsconnected
  }
  get isSynced(): boolean {
    return this.provider.synced
  }
  get length(): number {
    return this.doc.get(TEXT).length
  }
  text(): string {
    return this.doc.get(TEXT).toString()
  }
  map(): unknown {
    const { attrs = {} } = this.doc.get(MAP).toJSON() as { attrs?: unknown }
    return attrs
  }
  insert(at: number, text: string): void {
    this.doc.get(TEXT).insert(at, text)
  }
  delete(at: number, length: number): void {
    this.doc.get(TEXT).delete(at, length)
  }
  set(key: string, value: string): void {
    this.doc.get(MAP).setAttr(key, value)
  }
  nest(key: string, text: string): void {
    const nested = new Y14.Type()
    this.doc.get(MAP).setAttr(key, nested)
    nested.insert(0, text)
  }
  state(): Uint8Array {
    return Y14.encodeStateAsUpdate(this.doc)
  }
  connect(): void {
    this.provider.connect()
  }
  disconnect(): void {
    this.provider.disconnect()
  }
  [Symbol.dispose](): void {
    this.provider.destroy()
    this.provider.awareness.destroy()
    this.doc.destroy()
  }
}

const RECONNECT_MS = 100

/** Yrs, the implementation in Rust, as WebAssembly, behind a plain client of y-websocket's protocol. */
export class WasmClient implements OtherClient {
  readonly doc: wasm.YDoc
  readonly closeCodes: number[] = []
  readonly #address: string
  #socket: WebSocket | undefined
  #isWanted = true
  #isSynced = false
  #isFromServer = false
  #reconnect: NodeJS.Timeout | undefined

  constructor({ url, workspace, params = {} }: OtherOptions) {
    this.doc = new wasm.YDoc({})
    const query = new URLSearchParams(params).toString()
    this.#address = `${url}/${workspace}${query === '' ? '' : `?${query}`}`
    // Types are made before anything is applied: later they would be of no kind.
    this.doc.getText(TEXT)
    this.doc.getMap(MAP)
    this.doc.onUpdate((update: Uint8Array) => {
      if (!this.#isFromServer && this.isConnected) this.#socket?.send(encodeUpdate(update))
    })
    this.#open()
  }

  get isConnected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }
  get isSynced(): boolean {
    return this.#isSynced
  }
  get length(): number {
    return this.doc.getText(TEXT).length(undefined)
  }
  text(): string {
    return this.doc.getText(TEXT).toString(undefined)
  }
  map(): unknown {
    return this.doc.getMap(MAP).toJson(undefined)
  }
  insert(at: number, text: string): void {
    this.doc.getText(TEXT).insert(at, text, undefined, undefined)
  }
  delete(at: number, length: number): void {
    this.doc.getText(TEXT).delete(at, length, undefined)
  }
  set(key: string, value: string): void {
    this.doc.getMap(MAP).set(key, value, undefined)
  }
  nest(key: string, text: string): void {
    this.doc.getMap(MAP).set(key, new wasm.YText(text), undefined)
  }
  state(): Uint8Array {
    return wasm.encodeStateAsUpdate(this.doc)
  }
  connect(): void {
    this.#isWanted = true
    if (this.#socket === undefined) this.#open()
  }
  disconnect(): void {
    this.#isWanted = false
    clearTimeout(this.#reconnect)
    this.#socket?.close()
  }
  [Symbol.dispose](): void {
    this.disconnect()
    this.#socket?.terminate()
  }

  #open(): void {
    const socket = new WebSocket(this.#address, { perMessageDeflate: false })
    this.#socket = socket
    socket.on('open', () => socket.send(encodeSyncStep1(wasm.encodeStateVector(this.doc))))
    socket.on('message', (data: Buffer) => this.#receive(new Uint8Array(data), socket))
    // A refused upgrade or connection ends in a close, too.
    socket.on('error', () => undefined)
    socket.on('close', (code) => {
      this.closeCodes.push(code)
      this.#isSynced = false
      this.#socket = undefined
      if (this.#isWanted) this.#reconnect = setTimeout(() => this.#open(), RECONNECT_MS)
    })
  }

  #receive(bytes: Uint8Array, socket: WebSocket): void {
    const frame = decodeFrame(bytes)
    if (frame.type === 'syncStep1') {
      socket.send(encodeSyncStep2(wasm.encodeStateAsUpdate(this.doc, frame.stateVector)))
    } else if (frame.type === 'syncStep2' || frame.type === 'update') {
      this.#isFromServer = true
      wasm.applyUpdate(this.doc, frame.update, undefined)
      this.#isFromServer = false
      if (frame.type === 'syncStep2') this.#isSynced = true
    }
  }
}
