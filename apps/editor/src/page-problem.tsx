import { Component, type ReactNode } from 'react'
import { Mark } from './mark.tsx'

/** What stands where the board can't: a page is never blank. */
export class PageProblem extends Component<{ readonly children: ReactNode }, { readonly error?: unknown }> {
  override state: { readonly error?: unknown } = {}

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    // The SDK says what is wrong with what it was given: here, the name in the address.
    if (error instanceof Error && error.name === 'ClientError')
      return <Notice title="No such place" text={error.message} />
    return (
      <Notice
        title="The page has stopped"
        text="What you wrote is kept. Load the page again to go on; if it stops again, the browser’s console says why."
      />
    )
  }
}

export function Notice({ title, text }: { title: string; text: string }): ReactNode {
  return (
    <main className="notice">
      <Mark size={44} />
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href="/w/demo">Open the workspace “demo”</a>
      </p>
    </main>
  )
}
