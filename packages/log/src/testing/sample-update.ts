/** Bytes that only this record of this workspace has; each seventh is large enough to be stored compressed. */
export function sampleUpdate(workspace: string, lsn: number): Uint8Array {
  return Buffer.from(`${workspace}/${lsn} `.repeat(lsn % 7 === 0 ? 400 : 3))
}
