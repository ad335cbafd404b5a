import { flushSync } from 'react-dom'

/** A card is drawn once it is less than one window away, so that a person who scrolls finds it drawn. */
const NEAR = '100% 0px'

const listeners = new WeakMap<Element, () => void>()
let observer: IntersectionObserver | undefined

/** Calls `onNear` when `card` comes near what is in view, or is asked for. Returns the function that ends it. */
export function watchCard(card: Element, onNear: () => void): () => void {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) listeners.get(target)?.()
    },
    { rootMargin: NEAR },
  )
  listeners.set(card, onNear)
  observer.observe(card)
  return () => {
    listeners.delete(card)
    observer?.unobserve(card)
  }
}

/** Has the list draw a card at once, however far it is. It may be another element afterwards. */
export function drawCard(card: Element): void {
  const onNear = listeners.get(card)
  if (onNear !== undefined) flushSync(onNear)
}
