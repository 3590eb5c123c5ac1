import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, vi } from "vitest"
import { layerLogging } from "#services/Logging"
import { layerTelemetry } from "#services/Telemetry"

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly service: string
  readonly attributes: string
}

/** Just enough protobuf to read an ExportTraceServiceRequest: length-delimited fields by number, others skipped. */
const fieldsOf = (bytes: Buffer): ReadonlyArray<readonly [field: number, value: Buffer]> => {
  const found: Array<readonly [number, Buffer]> = []
  let at = 0
  const varint = () => {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const type = key & 7
    if (type === 0) varint()
    else if (type === 1) at += 8
    else if (type === 5) at += 4
    else {
      const length = varint()
      found.push([key >> 3, bytes.subarray(at, at + length)])
      at += length
    }
  }
  return found
}
const all = (bytes: Buffer, field: number) =>
  fieldsOf(bytes).flatMap(([number, value]) => (number === field ? [value] : []))

const spansOf = (body: Buffer): ReadonlyArray<Span> =>
  all(body, 1).flatMap((resourceSpans) => {
    const resource = Object.fromEntries(
      all(resourceSpans, 1)
        .flatMap((bytes) => all(bytes, 1))
        .map((attribute) => [
          all(attribute, 1)[0]?.toString() ?? "",
          all(all(attribute, 2)[0] ?? Buffer.of(), 1)[0]?.toString() ?? ""
        ])
    )
    return all(resourceSpans, 2)
      .flatMap((scopeSpans) => all(scopeSpans, 2))
      .map((span) => ({
        traceId: all(span, 1)[0]?.toString("hex") ?? "",
        spanId: all(span, 2)[0]?.toString("hex") ?? "",
        parentSpanId: all(span, 4)[0]?.toString("hex") ?? "",
        name: all(span, 5)[0]?.toString() ?? "",
        service: `${resource["service.name"]} ${resource["service.version"]} ${resource["deployment.environment"]}`,
        attributes: Buffer.concat(all(span, 9)).toString("latin1")
      }))
  })

/** A collector on a real socket. */
const collector = Effect.acquireRelease(
  Effect.callback<{
    readonly port: number
    readonly spans: Array<Span>
    readonly requests: Array<{ readonly url: string; readonly headers: IncomingHttpHeaders }>
    readonly close: () => void
  }>((resume) => {
    const spans: Array<Span> = []
    const requests: Array<{ url: string; headers: IncomingHttpHeaders }> = []
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        requests.push({ url: request.url ?? "", headers: request.headers })
        spans.push(...spansOf(Buffer.concat(chunks)))
        response.end()
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const close = () => (server.close(), server.closeAllConnections())
      resume(Effect.succeed({ port: (server.address() as AddressInfo).port, spans, requests, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const options = (port: number) => ({
  tracing: true,
  endpoint: `http://127.0.0.1:${port}`,
  tracesEndpoint: undefined,
  serviceVersion: "1.2.3"
})

afterEach(() => vi.unstubAllEnvs())

describe("tracing", () => {
  it.live("delivers a nested trace when the process ends, however soon that is", () =>
    Effect.gen(function* () {
      const { port, spans, requests } = yield* collector
      yield* Effect.void.pipe(
        Effect.withSpan("policy.tick", { attributes: { policy: "shop/web" } }),
        Effect.withSpan("outer"),
        Effect.provide(layerTelemetry(options(port)))
      )
      const outer = spans.find(({ name }) => name === "outer")
      const inner = spans.find(({ name }) => name === "policy.tick")
      assert.strictEqual(inner?.parentSpanId, outer?.spanId)
      assert.strictEqual(inner?.traceId, outer?.traceId)
      assert.match(inner?.traceId ?? "", /^[0-9a-f]{32}$/)
      assert.include(inner?.attributes, "shop/web")
      assert.strictEqual(inner?.service, "nimbusguard-operator 1.2.3 undefined")
      assert.strictEqual(requests[0]?.url, "/v1/traces")
      assert.strictEqual(requests[0]?.headers["content-type"], "application/x-protobuf")
    })
  )

  it.live("honours the standard variables", () =>
    Effect.gen(function* () {
      const { port, spans, requests } = yield* collector
      vi.stubEnv("OTEL_SERVICE_NAME", "mine")
      vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod,service.version=9")
      vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a")
      yield* Effect.void.pipe(Effect.withSpan("one"), Effect.provide(layerTelemetry(options(port))))
      assert.strictEqual(spans[0]?.service, "mine 9 prod")
      assert.strictEqual(requests[0]?.headers["x-tenant"], "a")
      vi.stubEnv("OTEL_TRACES_SAMPLER", "always_off")
      yield* Effect.void.pipe(Effect.withSpan("two"), Effect.provide(layerTelemetry(options(port))))
      assert.isFalse(spans.some(({ name }) => name === "two"))
    })
  )

  it.live("takes the endpoint of traces alone as it stands", () =>
    Effect.gen(function* () {
      const { port, requests } = yield* collector
      const tracesEndpoint = `http://127.0.0.1:${port}/custom`
      yield* Effect.void.pipe(
        Effect.withSpan("one"),
        Effect.provide(layerTelemetry({ ...options(port), endpoint: "http://127.0.0.1:1", tracesEndpoint }))
      )
      assert.deepStrictEqual(
        requests.map(({ url }) => url),
        ["/custom"]
      )
    })
  )

  it.live("sends nothing when it is off", () =>
    Effect.gen(function* () {
      const { port, requests } = yield* collector
      yield* Effect.void.pipe(
        Effect.withSpan("one"),
        Effect.provide(layerTelemetry({ ...options(port), tracing: false }))
      )
      assert.strictEqual(requests.length, 0)
    })
  )

  it.live("lets log lines lead to their trace", () =>
    Effect.gen(function* () {
      const { port, spans } = yield* collector
      const lines: Array<string> = []
      const logging = layerLogging({ level: "Info", format: "json", colors: false, write: (line) => lines.push(line) })
      yield* Effect.log("deciding").pipe(
        Effect.andThen(Effect.currentSpan),
        Effect.withSpan("policy.tick"),
        Effect.provide(Layer.mergeAll(logging, layerTelemetry(options(port))))
      )
      const line = JSON.parse(lines[0] ?? "{}")
      assert.strictEqual(line.traceId, spans[0]?.traceId)
      assert.strictEqual(line.spanId, spans[0]?.spanId)
    })
  )

  const noisy = () => {
    const lines: Array<string> = []
    const write = (line: string) => void lines.push(line)
    return { lines, logging: layerLogging({ level: "Info", format: "json", colors: false, write }) }
  }

  it.live("warns once a minute while no collector answers", () =>
    Effect.gen(function* () {
      const { lines, logging } = noisy()
      vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
      vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "10")
      yield* Effect.void.pipe(
        Effect.withSpan("one"),
        Effect.andThen(Effect.sleep("5 millis")),
        Effect.repeat({ until: () => lines.length > 0 }),
        Effect.andThen(Effect.void.pipe(Effect.withSpan("two"))),
        Effect.provide(layerTelemetry(options(1)).pipe(Layer.provideMerge(logging)))
      )
      assert.strictEqual(lines.filter((line) => line.includes("Traces do not reach http://127.0.0.1:1")).length, 1)
    })
  )

  it.live("ends in time, and well, when the last spans reach nobody", () =>
    Effect.gen(function* () {
      const { lines, logging } = noisy()
      vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
      const ended = yield* Effect.void.pipe(
        Effect.withSpan("one"),
        Effect.provide(layerTelemetry(options(1)).pipe(Layer.provideMerge(logging))),
        Effect.timeoutOption("10 seconds")
      )
      assert.isTrue(Option.isSome(ended))
      assert.match(lines.join(), /The last traces did not reach http:\/\/127\.0\.0\.1:1.*ECONNREFUSED/)
    })
  )
})
