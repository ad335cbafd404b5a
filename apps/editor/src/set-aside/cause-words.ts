import type { SetAsideCopy } from '@joinery/client'
import { plainReason } from '../save-status-words.ts'

/** Why a copy was set aside, in a sentence for a person. */
export function causeWords(copy: SetAsideCopy): string {
  switch (copy.cause) {
    case 'rejected':
      return `The server refused these edits: ${plainReason(copy)}.`
    case 'workspace_deleted':
      return 'The workspace was deleted on the server. This is what this device had of it.'
    case 'generation_changed':
      return 'The workspace on the server is another one now. This is what this device had of the former one.'
    case 'unreadable':
      return 'The copy on this device could not be read whole. This is what is left of it.'
  }
}
