import { lazy, type ReactNode } from 'react'
import type { CommentsPanelProps } from './comments-panel.tsx'

export { CommentButton } from './comment-button.tsx'
export { openCommentsDoor } from './comments-door.ts'
export { useWaitingComments } from './use-waiting-comments.ts'

/** Panel with the comments on all blocks. Its code is loaded when it is first opened. */
export const CommentsPanel = lazy<(props: CommentsPanelProps) => ReactNode>(async () => ({
  default: (await import('./comments-panel.tsx')).CommentsPanel,
}))
