import { type Codec, type Fold, jsonCodec, readVersioned, versioned } from '@joinery/log'
import { z } from 'zod'

const hold = z.object({
  workspace: z.string(),
  /** The actor of a token, and without tokens an address. */
  principal: z.string(),
  bytes: z.number().int().min(0),
  sha256: z.string(),
})
const event = z.discriminatedUnion('type', [
  /** An upload has begun: its bytes count until it ends. */
  hold.extend({ type: z.literal('held'), task: z.string() }),
  /** The upload brings a file that the workspace does not have. It is told before the store has the file. */
  z.object({ type: z.literal('bringing'), task: z.string() }),
  /** The store has the file that the upload has brought. */
  z.object({ type: z.literal('kept'), task: z.string() }),
  /** The upload has ended, and has brought nothing. */
  z.object({ type: z.literal('freed'), task: z.string() }),
  z.object({ type: z.literal('purged'), workspace: z.string() }),
  /** Stands at the end of a log from which something was erased. */
  z.object({ type: z.literal('tidied') }),
])

/** One entry of the journal of files. */
export type FileEvent = z.infer<typeof event>

/** The bytes of an upload that has not ended. */
export interface Hold extends z.infer<typeof hold> {
  readonly isBringing: boolean
}

/** The bytes of files, by workspace and by the principal who has brought each. */
export class FileUse implements Fold<FileEvent> {
  /** Uploads that have not ended, by task. */
  readonly holds = new Map<string, Hold>()
  /** Bytes that stores have, by workspace and principal. */
  readonly kept = new Map<string, Map<string, number>>()

  take(happened: FileEvent): void {
    if (happened.type === 'tidied') return
    if (happened.type === 'purged') {
      const { workspace } = happened
      this.kept.delete(workspace)
      for (const [task, held] of this.holds) if (held.workspace === workspace) this.holds.delete(task)
      return
    }
    const { task } = happened
    if (happened.type === 'held') {
      const { workspace, principal, bytes, sha256 } = happened
      this.holds.set(task, { workspace, principal, bytes, sha256, isBringing: false })
      return
    }
    const held = this.holds.get(task)
    if (held === undefined) return
    if (happened.type === 'bringing') {
      this.holds.set(task, { ...held, isBringing: true })
      return
    }
    this.holds.delete(task)
    if (happened.type === 'freed') return
    const ofWorkspace = this.kept.get(held.workspace) ?? new Map<string, number>()
    ofWorkspace.set(held.principal, (ofWorkspace.get(held.principal) ?? 0) + held.bytes)
    this.kept.set(held.workspace, ofWorkspace)
  }

  /** Bytes of a workspace, those of open uploads included. */
  ofWorkspace(workspace: string): number {
    let bytes = 0
    for (const each of this.kept.get(workspace)?.values() ?? []) bytes += each
    for (const held of this.holds.values()) if (held.workspace === workspace) bytes += held.bytes
    return bytes
  }

  /** Bytes of a principal in all workspaces, those of open uploads included. */
  ofPrincipal(principal: string): number {
    let bytes = 0
    for (const ofWorkspace of this.kept.values()) bytes += ofWorkspace.get(principal) ?? 0
    for (const held of this.holds.values()) if (held.principal === principal) bytes += held.bytes
    return bytes
  }
}

export const fileEvents: Codec<FileEvent> = jsonCodec(event, 'a record of the journal of files')

const state = z.object({
  holds: z.array(z.tuple([z.string(), hold.extend({ isBringing: z.boolean() })])),
  kept: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.number()]))])),
})

export const fileUses: Codec<FileUse> = {
  encode: ({ holds, kept }) =>
    versioned([JSON.stringify({ holds: [...holds], kept: [...kept].map(([name, of]) => [name, [...of]]) })]),
  decode: (bytes) =>
    readVersioned(bytes, 'the state of the journal of files', (text) => {
      const read = state.parse(JSON.parse(text))
      const use = new FileUse()
      for (const [task, held] of read.holds) use.holds.set(task, held)
      for (const [workspace, of] of read.kept) use.kept.set(workspace, new Map(of))
      return use
    }),
}
