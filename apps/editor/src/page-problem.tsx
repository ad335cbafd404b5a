import { Component, type ReactNode } from 'react'
import { pagePath } from './address.ts'
import { Mark } from './mark.tsx'

/** Error boundary of the page: shows a message instead of a board that fails, so that a page is never blank. */
export class PageProblem extends Component<{ readonly children: ReactNode }, { readonly error?: unknown }> {
  override state: { readonly error?: unknown } = {}

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    // The SDK rejects invalid options. On this page, that can only be the workspace's name in the address.
    if (error instanceof Error && error.name === 'ClientError')
      return <Notice title="No such workspace" text={error.message} />
    return (
      <Notice
        title="The page has stopped"
        text="Your text is kept. Load the page again to go on. If it stops again, the browser’s console shows the reason."
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
        <a href={pagePath('w/demo')}>Open the workspace “demo”</a>
      </p>
    </main>
  )
}
