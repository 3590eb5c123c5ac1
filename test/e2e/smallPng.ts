// A screenshot in fewer bytes: at most 256 colours, one of each kind and then the commonest, the others taken for their
// nearest, which on a page of few colours nobody sees. Reads and writes what Chromium makes (8 bits, RGB or RGBA), no more.
import { deflateSync, inflateSync, crc32 } from "node:zlib"

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])

const chunksOf = (png: Buffer): ReadonlyArray<{ readonly type: string; readonly data: Buffer }> => {
  const chunks = []
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    chunks.push({ type: png.toString("latin1", at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) })
    at += 12 + length
  }
  return chunks
}

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}

const paeth = (a: number, b: number, c: number): number => {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

const unfilter = (raw: Buffer, width: number, height: number, bytes: number): Buffer => {
  const stride = width * bytes
  const out = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)] ?? 0
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x
      const left = x < bytes ? 0 : (out[at - bytes] ?? 0)
      const above = y === 0 ? 0 : (out[at - stride] ?? 0)
      const corner = x < bytes || y === 0 ? 0 : (out[at - stride - bytes] ?? 0)
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter] ?? 0
      out[at] = ((raw[y * (stride + 1) + 1 + x] ?? 0) + guess) & 255
    }
  }
  return out
}

const COLOURS = 256
/** So far from another, squared, a colour is of another kind: one small amber ring must not turn red. */
const APART = 32 ** 2

const distance = (a: number, b: number): number =>
  ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2

const paletteOf = (counts: ReadonlyMap<number, number>): ReadonlyArray<number> => {
  const ranked = [...counts].sort(([, left], [, right]) => right - left).map(([colour]) => colour)
  const kinds: Array<number> = []
  for (const colour of ranked) {
    if (kinds.length < COLOURS && kinds.every((each) => distance(each, colour) > APART)) kinds.push(colour)
  }
  return [...new Set([...kinds, ...ranked])].slice(0, COLOURS)
}

export const smallPng = (png: Buffer): Buffer => {
  const chunks = chunksOf(png)
  const header = chunks.find(({ type }) => type === "IHDR")?.data
  if (header === undefined) throw new Error("This is no PNG")
  const [width, height, bytes] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3]
  const data = Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ data: part }) => part))
  const pixels = unfilter(inflateSync(data), width, height, bytes)
  const counts = new Map<number, number>()
  const colourAt = (at: number) => ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
  for (let at = 0; at < pixels.length; at += bytes) counts.set(colourAt(at), (counts.get(colourAt(at)) ?? 0) + 1)
  const palette = paletteOf(counts)
  const known = new Map(palette.map((colour, index) => [colour, index]))
  const indexOf = (colour: number): number => {
    const found = known.get(colour)
    if (found !== undefined) return found
    let best = 0
    palette.forEach((each, index) => {
      if (distance(each, colour) < distance(palette[best] ?? 0, colour)) best = index
    })
    known.set(colour, best)
    return best
  }
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = indexOf(colourAt((y * width + x) * bytes))
  }
  const indexed = Buffer.from(header)
  indexed[9] = 3
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", indexed),
    chunk("PLTE", colours),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0))
  ])
}
