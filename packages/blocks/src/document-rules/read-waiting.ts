import * as Y from 'yjs'
import { type ReadUpdate, readUpdate } from './update-reader.ts'

/** The structs of a document that wait for others; undefined for none. Each was inspected when it came. Yjs keeps them as V2. */
export function readWaiting({ store: { pendingStructs } }: Y.Doc): ReadUpdate | undefined {
  return pendingStructs === null ? undefined : readUpdate(Y.convertUpdateFormatV2ToV1(pendingStructs.update))
}
