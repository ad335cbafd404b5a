/** The part of gifenc that the recording uses: the package has no types. */
declare module 'gifenc' {
  type Palette = [red: number, green: number, blue: number][]
  interface FrameOptions {
    readonly palette?: Palette
    readonly transparent?: boolean
    readonly transparentIndex?: number
    /** Milliseconds. */
    readonly delay?: number
    readonly dispose?: number
  }
  interface Encoder {
    writeFrame(index: Uint8Array, width: number, height: number, options?: FrameOptions): void
    finish(): void
    bytes(): Uint8Array
  }
  const gifenc: {
    GIFEncoder(): Encoder
    quantize(rgba: Uint8Array, maxColors: number): Palette
    nearestColorIndex(palette: Palette, pixel: readonly number[]): number
  }
  export default gifenc
}
