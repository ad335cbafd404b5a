import { uploadsOf } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { type ReactNode, useEffect, useState } from 'react'
import type { ShownFile } from './shown-file.ts'

/** Types that are shown as a picture. A browser draws none of them as a page. */
const PICTURES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
/** Larger pictures are not loaded just to be shown small, bytes. */
const PICTURE_BYTES_MAX = 20 * 1024 ** 2

/** The picture of a file, or a mark with the ending of its name. */
export function FileThumbnail({ block, file }: { block: string; file: ShownFile }): ReactNode {
  const uploads = uploadsOf(useWorkspace())
  const { name, state, type, bytes, run } = file
  const isPicture = state === 'synced' && PICTURES.has(type) && bytes > 0 && bytes <= PICTURE_BYTES_MAX
  const [url, setUrl] = useState<string>()
  // A new run may be another content under the same name.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the run is what makes the URL another one
  useEffect(() => {
    if (!isPicture) return
    const gone = new AbortController()
    uploads.download(block, name, { signal: gone.signal }).then(
      (found) => setUrl(found.url),
      // The mark stays: a click on the name says why.
      () => undefined,
    )
    return () => gone.abort()
  }, [uploads, isPicture, block, name, run])
  const forget = (): void => setUrl(undefined)
  if (isPicture && url !== undefined) return <img src={url} alt="" loading="lazy" onError={forget} draggable={false} />
  const ending = /\.([a-z0-9]{1,4})$/i.exec(name)?.[1] ?? 'file'
  return (
    <span className="ending" aria-hidden="true">
      {ending}
    </span>
  )
}
