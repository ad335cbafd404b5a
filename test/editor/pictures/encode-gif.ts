import gifenc from 'gifenc'

/** One picture of a recording. */
export interface Frame {
  /** Red, green, blue and opacity of each pixel, row by row. */
  readonly rgba: Uint8Array
  /** How long it stays, ms. */
  readonly delayMs: number
}

/** The last of the 256 colours stands for "as in the frame before". */
const UNCHANGED = 255
/** Frames whose pixels choose the colours: all scenes have the same ones. */
const SAMPLES = 8
const KEEP_BEFORE = 1

/** Encodes a recording as a GIF that plays for ever. Each frame holds only the pixels that have changed, so that it stays small. */
export function encodeGif(frames: readonly Frame[], width: number, height: number): Uint8Array {
  const palette = paletteOf(frames)
  const known = new Map<number, number>()
  const indexOf = (pixel: number): number => {
    let index = known.get(pixel)
    if (index === undefined) {
      index = gifenc.nearestColorIndex(palette, [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255])
      known.set(pixel, index)
    }
    return index
  }
  const encoder = gifenc.GIFEncoder()
  let before: Uint32Array | undefined
  for (const { rgba, delayMs } of frames) {
    const pixels = pixelsOf(rgba)
    const index = new Uint8Array(pixels.length)
    for (let at = 0; at < pixels.length; at++) {
      const pixel = pixels[at] ?? 0
      index[at] = before?.[at] === pixel ? UNCHANGED : indexOf(pixel)
    }
    encoder.writeFrame(index, width, height, {
      delay: delayMs,
      ...(before === undefined
        ? { palette: Array.from({ length: UNCHANGED + 1 }, (_, at) => palette[at] ?? [0, 0, 0]) }
        : { transparent: true, transparentIndex: UNCHANGED, dispose: KEEP_BEFORE }),
    })
    before = pixels
  }
  encoder.finish()
  return encoder.bytes()
}

/** Pixels as numbers, the lowest byte red. */
const pixelsOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array =>
  new Uint32Array(buffer, byteOffset, byteLength / 4)

function paletteOf(frames: readonly Frame[]): ReturnType<typeof gifenc.quantize> {
  const step = Math.max(1, Math.floor(frames.length / SAMPLES))
  const chosen = frames.filter((_, at) => at % step === 0)
  const all = new Uint8Array(chosen.reduce((sum, { rgba }) => sum + rgba.length, 0))
  let at = 0
  for (const { rgba } of chosen) {
    all.set(rgba, at)
    at += rgba.length
  }
  return gifenc.quantize(all, UNCHANGED)
}
