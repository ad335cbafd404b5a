let open: ((block: string) => void) | undefined

/** Makes `opener` the one that shows the comments on a block. Returns the function that ends it. */
export function openCommentsDoor(opener: (block: string) => void): () => void {
  open = opener
  return () => {
    if (open === opener) open = undefined
  }
}

/** Shows the comments on a block, beside the board. */
export function showComments(block: string): void {
  open?.(block)
}
