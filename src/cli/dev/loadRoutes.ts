/**
 * The seeds' workload API, word for word: CPU work for the consumer workload beside the probes, and the load generator
 * on a port of its own. Answers say what was begun and where to see it; refusals say what to send instead.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { type Begun, Load, type Wave } from "#cli/dev/Load"
import { PATTERNS } from "#workload/patterns"
import { ownNamesGuard, refuse } from "#dashboard/guard"

export const CPU_PATH = "/api/v1/workload/cpu/start"
export const CPU_STOP_PATH = "/api/v1/workload/cpu/stop"
export const GENERATE_PATH = "/load/generate"
export const LOAD_PATH = "/load"
export const STOP_PATH = "/load/stop"

const BODY_BYTES = 16 * 1024
const DAY_SECONDS = 86_400

const Intensity = Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 100 }))
const Seconds = Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: DAY_SECONDS }))

const Cpu = Schema.Struct({ intensity: Intensity, duration: Seconds })
const Generate = Schema.Struct({
  pattern: Schema.NonEmptyString,
  duration: Seconds,
  target: Schema.NonEmptyString,
  intensity: Intensity
})

const decodeCpu = Schema.decodeUnknownResult(Schema.fromJsonString(Cpu), { errors: "all" })
const decodeGenerate = Schema.decodeUnknownResult(Schema.fromJsonString(Generate), { errors: "all" })
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const CPU_EXAMPLE = `{"intensity": 80, "duration": 300}`
const GENERATE_EXAMPLE = `{"pattern": "spike", "duration": 300, "target": "http", "intensity": 75}`

const problem = (error: Schema.SchemaError): string =>
  formatIssue(error.issue)
    .issues.map(({ message, path }) => {
      const name = (path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".")
      return name === "" ? message : `${name}: ${message}`
    })
    .join("; ")

/** The text of a request that may be heard, or the refusal. */
const bodyOf = Effect.fnUntraced(function* (example: string) {
  const refusal = yield* ownNamesGuard
  if (refusal !== undefined) return Result.fail(refusal)
  const request = yield* HttpServerRequest.HttpServerRequest
  // A web page can send other types across origins without asking first.
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
    return Result.fail(refuse(415, "Send JSON, with the header Content-Type: application/json"))
  }
  if (!(Number(request.headers["content-length"] ?? 0) <= BODY_BYTES)) {
    return Result.fail(refuse(413, `Send at most ${BODY_BYTES} bytes`))
  }
  const body = yield* Effect.option(request.text)
  return body._tag === "Some"
    ? Result.succeed(body.value)
    : Result.fail(refuse(400, `The body could not be read; send for example ${example}`))
})

const begunJson = ({ intensity, namespace, pattern, level, seconds, service, until }: Begun) => ({
  service,
  namespace,
  pattern,
  intensity,
  duration: seconds,
  level,
  until: new Date(until).toISOString()
})

const begin = Effect.fn("loadRoutes.begin")(function* (wave: Wave) {
  const load = yield* Load
  return yield* load.begin(wave).pipe(
    Effect.map((begun) =>
      HttpServerResponse.jsonUnsafe(
        {
          status: "started",
          ...begunJson(begun),
          watch: `kubectl get deployment ${begun.service} -n ${begun.namespace} -w`
        },
        { status: 202 }
      )
    ),
    Effect.catch(({ detail }) => Effect.succeed(refuse(400, detail)))
  )
})

/** Decoded, begun and answered; `waveOf` says what the body asks for. */
const starting = <A>(
  decode: (text: string) => Result.Result<A, Schema.SchemaError>,
  example: string,
  waveOf: (asked: A) => Wave
) =>
  Effect.gen(function* () {
    const body = yield* bodyOf(example)
    if (Result.isFailure(body)) return body.failure
    const asked = decode(body.success)
    return Result.isSuccess(asked)
      ? yield* begin(waveOf(asked.success))
      : refuse(400, `${problem(asked.failure)}. Send for example ${example}`)
  }).pipe(Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(BODY_BYTES)))

const stopping = Effect.gen(function* () {
  const refusal = yield* ownNamesGuard
  if (refusal !== undefined) return refusal
  const stopped = yield* (yield* Load).stop
  return HttpServerResponse.jsonUnsafe({ status: "stopped", stopped })
})

const cpu = starting(decodeCpu, CPU_EXAMPLE, ({ duration, intensity }) => ({
  pattern: "steady",
  target: "cpu",
  seconds: duration,
  intensity
}))

const generate = starting(decodeGenerate, GENERATE_EXAMPLE, ({ duration, ...asked }) => ({
  ...asked,
  seconds: duration
}))

const overview = Effect.gen(function* () {
  const refusal = yield* ownNamesGuard
  if (refusal !== undefined) return refusal
  const load = yield* Load
  return HttpServerResponse.jsonUnsafe({
    running: (yield* load.running).map(begunJson),
    targets: Object.fromEntries(load.targets.map(({ name, says }) => [name, says])),
    patterns: Object.fromEntries(Object.entries(PATTERNS).map(([name, { says }]) => [name, says])),
    example: JSON.parse(GENERATE_EXAMPLE) as unknown
  })
})

type Handler = Effect.Effect<HttpServerResponse.HttpServerResponse, never, Load | HttpServerRequest.HttpServerRequest>

const routesOf = (routes: ReadonlyArray<readonly [method: "GET" | "POST", path: `/${string}`, handler: Handler]>) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const load = yield* Load
      for (const [method, path, handler] of routes) {
        yield* router.add(method, path, Effect.provideService(handler, Load, load))
      }
    })
  )

/** On the port of the probes, as the seed's consumer workload has it. */
export const cpuRoutes = routesOf([
  ["POST", CPU_PATH, cpu],
  ["POST", CPU_STOP_PATH, stopping]
])
export const CPU_SERVES = [`POST ${CPU_PATH}`, `POST ${CPU_STOP_PATH}`]

export const generatorRoutes = routesOf([
  ["GET", "/", overview],
  ["GET", LOAD_PATH, overview],
  ["POST", GENERATE_PATH, generate],
  ["POST", STOP_PATH, stopping]
])
export const GENERATOR_SERVES = ["GET /", `GET ${LOAD_PATH}`, `POST ${GENERATE_PATH}`, `POST ${STOP_PATH}`]
