import { uploadsOf, type Workspace } from '@joinery/client'
import { sayProblem } from './file-problem.ts'

/** Opens the download of a file. The store says whether a browser shows it or saves it. */
export async function downloadFile(workspace: Workspace, block: string, name: string): Promise<void> {
  try {
    const { url } = await uploadsOf(workspace).download(block, name)
    const link = document.createElement('a')
    link.href = url
    link.target = '_blank'
    link.rel = 'noopener noreferrer'
    link.download = name
    link.click()
  } catch (error) {
    sayProblem(`“${name}” can’t be downloaded: ${error instanceof Error ? error.message : String(error)}`)
  }
}
