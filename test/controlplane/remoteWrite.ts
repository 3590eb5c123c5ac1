// Samples for a real Prometheus, each with its own time, by the protocol that servers write to each other with: protocol
// buffers in Snappy's framing, as far as these few messages need them. Nothing has to be waited for, and nothing is scraped.

export interface WrittenSeries {
  readonly labels: Readonly<Record<string, string>>
  /** Milliseconds and value, oldest first; undefined: the series has gone. */
  readonly samples: ReadonlyArray<readonly [atMillis: number, value: number | undefined]>
}

const varint = (value: number | bigint): Buffer => {
  const bytes: Array<number> = []
  let left = BigInt(value)
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Buffer.from([...bytes, Number(left)])
}

const LENGTH = 2
const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([varint((number << 3) | LENGTH), varint(content.length), content])

/** The one NaN that means that a series has gone. */
const staleMarker = Buffer.from("020000000000f07f", "hex")

const doubleOf = (value: number | undefined): Buffer => {
  if (value === undefined) return staleMarker
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

const label = ([name, value]: readonly [string, string]): Buffer =>
  field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]))

const sample = ([atMillis, value]: WrittenSeries["samples"][number]): Buffer =>
  field(2, Buffer.concat([Buffer.from([(1 << 3) | 1]), doubleOf(value), Buffer.from([2 << 3]), varint(atMillis)]))

const message = ({ labels, samples }: WrittenSeries): Buffer => {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return field(1, Buffer.concat([...sorted.map(label), ...samples.map(sample)]))
}

const LITERAL_MAX = 65_536

/** Snappy without compressing anything: one literal after the other. */
const snappy = (content: Buffer): Buffer => {
  const parts = [varint(content.length)]
  for (let at = 0; at < content.length; at += LITERAL_MAX) {
    const literal = content.subarray(at, at + LITERAL_MAX)
    const head = Buffer.from([61 << 2, 0, 0])
    head.writeUInt16LE(literal.length - 1, 1)
    parts.push(head, literal)
  }
  return Buffer.concat(parts)
}

const SERIES_AT_ONCE = 200

export const remoteWrite = async (serverUrl: string, series: ReadonlyArray<WrittenSeries>): Promise<void> => {
  for (let at = 0; at < series.length; at += SERIES_AT_ONCE) {
    const body = snappy(Buffer.concat(series.slice(at, at + SERIES_AT_ONCE).map(message)))
    const answer = await fetch(`${serverUrl}/api/v1/write`, {
      method: "POST",
      headers: {
        "content-type": "application/x-protobuf",
        "content-encoding": "snappy",
        "x-prometheus-remote-write-version": "0.1.0"
      },
      body: new Uint8Array(body)
    })
    if (!answer.ok) throw new Error(`Prometheus refused samples: ${answer.status} ${await answer.text()}`)
  }
}
