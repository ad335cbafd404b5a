/** What the tests use of y-leveldb, whose own types its manifest hides. */
declare module 'y-leveldb' {
  export class LeveldbPersistence {
    constructor(directory: string)
    storeUpdate(name: string, update: Uint8Array): Promise<number>
    flushDocument(name: string): Promise<void>
    setMeta(name: string, key: string, value: unknown): Promise<void>
    destroy(): Promise<void>
  }
}
