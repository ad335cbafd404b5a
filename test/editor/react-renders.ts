import type { Page } from 'playwright-core'

/** The part of React's tree that is read here. React tells development tools of every commit, in production builds as well. */
interface Fiber {
  readonly alternate: Fiber | null
  readonly child: Fiber | null
  readonly sibling: Fiber | null
  readonly flags: number
  readonly tag: number
  /** The props of a component. A text node has its text. */
  readonly memoizedProps: unknown
}

/**
 * From the next load on the page counts which components render, by the block whose card they stand in; `''` outside of cards, and
 * `large editor` for the component that holds the large editor.
 */
export async function countRenders(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const RENDERED = 1
    const COMPONENTS = [0, 1, 11, 14, 15]
    const counts: Record<string, number> = {}
    const holdsEditor = ({ child }: Fiber): boolean => {
      for (let at = child; at !== null; at = at.sibling)
        if (Object.hasOwn(Object(at.memoizedProps) as object, 'data-block-text')) return true
      return false
    }
    const walk = (fiber: Fiber, block: string): void => {
      const before = fiber.alternate
      // The card's own component stands outside of the element that carries the block's id.
      const { id, workspaceName } = Object(fiber.memoizedProps) as Record<string, unknown>
      const within = workspaceName !== undefined && typeof id === 'string' ? id : block
      const isNew = before === null
      if (COMPONENTS.includes(fiber.tag) && (isNew || (fiber.flags & RENDERED) !== 0)) {
        const key = holdsEditor(fiber) ? 'large editor' : within
        counts[key] = (counts[key] ?? 0) + 1
      }
      // The same children as before: nothing below was visited, and its flags are of an earlier commit.
      if (!isNew && fiber.child === before.child) return
      for (let child = fiber.child; child !== null; child = child.sibling) walk(child, within)
    }
    const onCommitFiberRoot = (_id: number, root: { current: Fiber }): void => walk(root.current, '')
    const nothing = (): void => undefined
    Object.assign(globalThis, {
      renderCounts: counts,
      __REACT_DEVTOOLS_GLOBAL_HOOK__: {
        supportsFiber: true,
        inject: () => 1,
        onCommitFiberRoot,
        onCommitFiberUnmount: nothing,
        onPostCommitFiberRoot: nothing,
        checkDCE: nothing,
      },
    })
  })
}

/** How many components have rendered since the last call, by block. */
export function takeRenders(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const { renderCounts } = globalThis as unknown as { renderCounts: Record<string, number> }
    const taken = { ...renderCounts }
    for (const block of Object.keys(renderCounts)) delete renderCounts[block]
    return taken
  })
}
