/** `nimbusguard backtest`: what a policy would have done on one's own history, beside what ran there. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stdio from "effect/Stdio"
import { settingsFrom } from "#cli/settings"
import { whyUnread } from "#cli/whyUnread"
import { gridOf, remember } from "#judge/backtest/history"
import { replayOf } from "#judge/backtest/replay"
import { referenceOf } from "#judge/clairvoyant"
import { compare, type Shown } from "#judge/comparison"
import { readPolicyFile } from "#judge/policyFile"
import { present } from "#judge/present"
import { RIVALS, type RivalName } from "#judge/rivals/index"
import * as EgressLive from "#services/EgressLive"
import * as Prometheus from "#services/Prometheus"
import { Settings } from "#services/Settings"
import { loadOf } from "#workload/Load"

/** What is wrong has been said; the shell only has to know that something is. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const sayNo = Effect.fnUntraced(function* (message: string) {
  yield* Console.error(message)
  return yield* new Unsatisfied()
})

const orSayNo = <A>(result: Result.Result<A, string>) =>
  Result.isFailure(result) ? sayNo(result.failure) : Effect.succeed(result.success)

const MILLIS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const RANGE_MAX = 7 * 86_400_000
const RANGE_MIN = 600_000

const rangeMillis = Effect.fnUntraced(function* (text: string) {
  const [, count = "", unit = ""] = /^(\d+(?:\.\d+)?)([mhdw])$/u.exec(text) ?? []
  const millis = Number(count) * (MILLIS[unit] ?? Number.NaN)
  if (!Number.isFinite(millis)) return yield* sayNo(`--range is ${text}: write how long, as in 90m, 12h or 7d.`)
  if (millis < RANGE_MIN || millis > RANGE_MAX) return yield* sayNo(`--range is ${text}: choose from 10m to 7d.`)
  return millis
})

const isRival = (name: string): name is RivalName => Object.hasOwn(RIVALS, name)

const rivalsOf = Effect.fnUntraced(function* (text: string) {
  const names = text === "none" ? [] : text.split(",").filter((name) => name !== "")
  const wrong = names.find((name) => !isRival(name))
  if (wrong !== undefined) {
    return yield* sayNo(`There is no autoscaler ${wrong}: choose of ${Object.keys(RIVALS).join(", ")}, or none.`)
  }
  return names.filter(isRival)
})

const policyIn = Effect.fnUntraced(function* (path: string, name: string | undefined) {
  const content = yield* Effect.result((yield* FileSystem.FileSystem).readFileString(path))
  if (Result.isFailure(content)) return yield* sayNo(`${path} cannot be read: ${whyUnread(content.failure)}`)
  return yield* orSayNo(readPolicyFile(path, content.success, name))
})

const number = (name: string, description: string) =>
  Flag.Finite(name).pipe(Flag.withDescription(description), Flag.optional)

const positive = Effect.fnUntraced(function* (flag: string, value: Option.Option<number>) {
  if (Option.isSome(value) && !(value.value > 0)) return yield* sayNo(`--${flag} must be more than 0.`)
  return Option.getOrUndefined(value)
})

export const backtestCommand = Command.make(
  "backtest",
  {
    policy: Flag.String("policy").pipe(Flag.withDescription("File with the policy, of any of the four kinds.")),
    name: Flag.String("name").pipe(
      Flag.withDescription("Which policy of the file, as NAME or KIND/NAME, where it holds several."),
      Flag.optional
    ),
    prometheus: Flag.String("prometheus").pipe(
      Flag.withDescription("URL of the Prometheus that has the history, whatever server the policy names.")
    ),
    range: Flag.String("range").pipe(
      Flag.withDescription("How far back from now, as in 90m, 12h or 7d (at most 7d)."),
      Flag.withDefault("7d")
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("What chance begins with: the same seed, the same run."),
      Flag.withDefault(7)
    ),
    workers: number("workers", "How much a pod works on at once (absent: guessed from what it served)."),
    serviceMs: number("service-ms", "How long a request or message takes, in milliseconds (absent: guessed)."),
    startup: number("startup", "Seconds until a pod is ready (absent: the policy's, or 30)."),
    sloMs: number("slo-ms", "Milliseconds within which a request must be answered (absent: the policy's, or 500)."),
    drain: number("drain", "Seconds within which the work on a message must begin (absent: the policy's, or 60)."),
    rivals: Flag.String("rivals").pipe(
      Flag.withDescription(`Beside whom, separated by commas, of ${Object.keys(RIVALS).join(", ")}; or none.`),
      Flag.withDefault("hpa,kpa")
    ),
    output: Flag.Literals("output", ["text", "json"]).pipe(
      Flag.withDescription("How to answer (default: text on a terminal, else json)."),
      Flag.optional
    ),
    report: Flag.String("report").pipe(Flag.withDescription("File for a report in HTML, with plots."), Flag.optional)
  },
  Effect.fn("backtest")(function* (given) {
    const file = yield* policyIn(given.policy, Option.getOrUndefined(given.name))
    const millis = yield* rangeMillis(given.range)
    const known = {
      workers: yield* positive("workers", given.workers),
      serviceMs: yield* positive("service-ms", given.serviceMs),
      startupSeconds: yield* positive("startup", given.startup),
      sloMs: yield* positive("slo-ms", given.sloMs),
      drainSeconds: yield* positive("drain", given.drain),
      rivals: yield* rivalsOf(given.rivals)
    }
    if (!/^https?:\/\/./u.test(given.prometheus)) {
      return yield* sayNo(
        `--prometheus is ${given.prometheus}: give the URL of a Prometheus, as in http://localhost:9090.`
      )
    }
    const isTerminal = yield* (yield* Stdio.Stdio).stderrIsTerminal
    const tell = (what: string) => (isTerminal ? Console.error(what) : Effect.void)
    const settings = yield* settingsFrom({})
    const remembered = yield* remember(file.policy, gridOf(yield* Clock.currentTimeMillis, millis), tell).pipe(
      Effect.catchTag("SourceError", ({ message }) => sayNo(`The history cannot be read: ${message}`)),
      Effect.provide(Prometheus.layerWith({ defaultUrl: given.prometheus }).pipe(Layer.provide(EgressLive.layer))),
      Effect.provideService(Settings, settings)
    )
    const replay = yield* orSayNo(replayOf(file, remembered, known))
    yield* tell("Drawing the load, and planning as somebody would who knows it all")
    const load = loadOf(replay.scenario, given.seed)
    const reference = referenceOf(load)
    const shown = yield* Effect.forEach(replay.entrants, (entrant, index) =>
      Effect.as(tell(`${index + 1}/${replay.entrants.length} ${entrant.title}`), entrant).pipe(
        Effect.map((entrant): Shown => compare(load, reference, entrant)),
        Effect.tap(() => Effect.yieldNow)
      )
    )
    const { goodFraction, notes, suggestion } = replay
    const policy =
      suggestion === undefined
        ? {}
        : {
            policy: {
              title:
                "A policy to begin with (it recommends and changes nothing; set mode: Active when its decisions please you)",
              yaml: suggestion,
              isPoint: true
            }
          }
    yield* present(
      {
        title: `What ${file.policy.ref.name} would have done in the last ${given.range}`,
        notes,
        load,
        ideal: reference.run,
        referencePodHours: reference.podHours,
        shown,
        goodFraction
      },
      { output: Option.getOrUndefined(given.output), report: Option.getOrUndefined(given.report), ...policy }
    )
  })
).pipe(
  Command.withDescription(
    "Plays a policy on the history that a Prometheus has of its target: what it would have done, at what cost and with how many bad answers by a model of the pods, beside what ran there. It only reads. As in: nimbusguard backtest --policy web.yaml --prometheus http://localhost:9090 --range 7d --report web.html"
  )
)
