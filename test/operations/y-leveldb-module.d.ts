/** The part of y-leveldb that the tests use. The package's manifest hides its own types. */
declare module 'y-leveldb' {
  export class LeveldbPersistence {
    constructor(directory: string)
    storeUpdate(name: string, update: Uint8Array): Promise<number>
    flushDocument(name: string): Promise<void>
    setMeta(name: string, key: string, value: unknown): Promise<void>
    destroy(): Promise<void>
  }
}
