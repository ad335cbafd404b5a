import { latePanel } from '../panels/late-panel.tsx'

export { CommentButton } from './comment-button.tsx'
export { openCommentsDoor } from './comments-door.ts'
export { useWaitingComments } from './use-waiting-comments.ts'

/** Panel with the comments on all blocks. Its code is loaded when it is first opened. */
export const CommentsPanel = latePanel('Comments', async () => (await import('./comments-panel.tsx')).CommentsPanel)
