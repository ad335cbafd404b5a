const listeners = new Set<(problem: string) => void>()

/** Tells a person what went wrong with a file. */
export function sayProblem(problem: string): void {
  for (const listener of listeners) listener(problem)
}

export function onProblem(listener: (problem: string) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
