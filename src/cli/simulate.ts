/** `nimbusguard simulate`: a workload with queueing and start-up times under a policy, beside other autoscalers. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stdio from "effect/Stdio"
import { whyUnread } from "#cli/whyUnread"
import { referenceOf } from "#judge/clairvoyant"
import { compare, type Shown } from "#judge/comparison"
import { ownPolicy } from "#judge/entrants"
import { learnedPatch } from "#judge/learnedPatch"
import { learnOn } from "#judge/learn"
import { type PolicyFile, readPolicyFile } from "#judge/policyFile"
import { present } from "#judge/present"
import { RIVALS, type RivalName } from "#judge/rivals/index"
import { type Load, loadOf } from "#workload/Load"
import { PATTERNS } from "#workload/patterns"
import { readTrace } from "#workload/trace"
import { PLANTS } from "#workload/Workload"
import { type Over, planOf, RIVALS_USUAL, type Said } from "./simulate/plan.ts"

/** What is wrong has been said; the shell only has to know that something is. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const sayNo = Effect.fnUntraced(function* (message: string) {
  yield* Console.error(message)
  return yield* new Unsatisfied()
})

const orSayNo = <A>(result: Result.Result<A, string>, before = "") =>
  Result.isFailure(result) ? sayNo(`${before}${result.failure}`) : Effect.succeed(result.success)

const read = Effect.fnUntraced(function* (path: string) {
  const content = yield* Effect.result((yield* FileSystem.FileSystem).readFileString(path))
  if (Result.isFailure(content)) return yield* sayNo(`${path} cannot be read: ${whyUnread(content.failure)}`)
  return content.success
})

const overOf = Effect.fnUntraced(function* (pattern: Option.Option<string>, trace: Option.Option<string>) {
  if (Option.isSome(pattern) && Option.isSome(trace)) return yield* sayNo("Give --pattern or --trace, not both.")
  if (Option.isNone(trace)) {
    return { _tag: "Pattern", text: Option.getOrElse(pattern, () => "diurnal:day=21600") } satisfies Over
  }
  const found = yield* orSayNo(readTrace(yield* read(trace.value)), `${trace.value}: `)
  const name = trace.value.split("/").at(-1) ?? trace.value
  return { _tag: "Trace", name, trace: found } satisfies Over
})

/** Goes through the load once by itself, so that learning may take its whole length. */
const teach = Effect.fnUntraced(function* (load: Load, file: PolicyFile | undefined, path: string) {
  if (file === undefined) return yield* sayNo("--learn needs --policy: nobody else would know what to learn for.")
  const patch = yield* orSayNo(learnedPatch(learnOn(load, file)), `${path}: `)
  yield* (yield* FileSystem.FileSystem).writeFileString(path, patch)
  yield* Console.error(`What was learned is in ${path}: kubectl patch KIND NAME --type merge --patch-file ${path}`)
})

const isRival = (name: string): name is RivalName => Object.hasOwn(RIVALS, name)

const rivalsOf = Effect.fnUntraced(function* (text: string) {
  if (text === "none") return []
  const names = text.split(",").filter((name) => name !== "")
  const wrong = names.find((name) => !isRival(name))
  if (wrong !== undefined) {
    return yield* sayNo(`There is no autoscaler ${wrong}: choose of ${Object.keys(RIVALS).join(", ")}, or none.`)
  }
  return names.filter(isRival)
})

const PATTERN_NAMES = Object.keys(PATTERNS).join(", ")

/** What there is to choose from, with what each knob is where it is not said. */
const patternHelp = Object.entries(PATTERNS)
  .map(([name, { knobs, says }]) => {
    const lines = Object.entries(knobs).map(([knob, { says, usual }]) => `    ${knob}=${usual}  ${says}`)
    return [`${name}: ${says}`, ...lines].join("\n")
  })
  .join("\n")

const number = (name: string, description: string) =>
  Flag.Finite(name).pipe(Flag.withDescription(description), Flag.optional)

const flags = {
  policy: Flag.String("policy").pipe(
    Flag.withDescription(
      "File with the policy, of any of the four kinds. Absent: the default where an objective is named."
    ),
    Flag.optional
  ),
  name: Flag.String("name").pipe(
    Flag.withDescription("Which policy of the file, as NAME or KIND/NAME, where it holds several."),
    Flag.optional
  ),
  trace: Flag.String("trace").pipe(
    Flag.withDescription("CSV with a time (seconds, milliseconds or a date) and a rate per second on each line."),
    Flag.optional
  ),
  pattern: Flag.String("pattern").pipe(
    Flag.withDescription(
      `Traffic by name: ${PATTERN_NAMES}. Knobs follow, as in spike:height=6,every=1800; --pattern help tells them all.`
    ),
    Flag.optional
  ),
  rate: number(
    "rate",
    "Usual rate of the pattern, or mean of the trace, per second. Absent: what ten pods like to serve (fewer where fewer may run), or the trace as it is."
  ),
  hours: number("hours", "How long (absent: 6, or the whole trace; at most 168)."),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("What chance begins with: the same seed, the same run."),
    Flag.withDefault(7)
  ),
  plant: Flag.String("plant").pipe(
    Flag.withDescription(
      `What kind of service: ${Object.keys(PLANTS).join(", ")}. Absent: web, or queue where the policy says so.`
    ),
    Flag.optional
  ),
  workers: number("workers", "How much a pod works on at once."),
  serviceMs: number("service-ms", "How long a request or message takes, in milliseconds."),
  startup: number("startup", "Seconds until a pod is ready, on average."),
  sloMs: number("slo-ms", "Milliseconds within which a request must be answered."),
  drain: number("drain", "Seconds within which the work on a message must begin."),
  good: number("good", "The share of answers that must be good (absent: the policy's, or 0.99)."),
  min: number("min", "Fewest pods (absent: the policy's)."),
  max: number("max", "Most pods (absent: the policy's)."),
  lost: Flag.Finite("lost").pipe(Flag.withDescription("Percent of the scrapes that are lost."), Flag.withDefault(0)),
  rivals: Flag.String("rivals").pipe(
    Flag.withDescription(`Beside whom, separated by commas, of ${Object.keys(RIVALS).join(", ")}; or none.`),
    Flag.withDefault(RIVALS_USUAL.join(","))
  ),
  output: Flag.Literals("output", ["text", "json"]).pipe(
    Flag.withDescription("How to answer (default: text on a terminal, else json)."),
    Flag.optional
  ),
  learn: Flag.String("learn").pipe(
    Flag.withDescription(
      "File for what the policy's Q-learning has learned by the end, as a patch for kubectl patch --type merge --patch-file; the policy needs aiConfig.qLearning."
    ),
    Flag.optional
  ),
  report: Flag.String("report").pipe(Flag.withDescription("File for a report in HTML, with plots."), Flag.optional)
}

export const simulateCommand = Command.make(
  "simulate",
  flags,
  Effect.fn("simulate")(function* (given) {
    if (Option.getOrUndefined(given.pattern) === "help") return yield* Console.log(patternHelp)
    const file = Option.isNone(given.policy)
      ? undefined
      : yield* orSayNo(
          readPolicyFile(given.policy.value, yield* read(given.policy.value), Option.getOrUndefined(given.name))
        )
    const said: Said = {
      plant: Option.getOrUndefined(given.plant),
      workers: Option.getOrUndefined(given.workers),
      serviceMs: Option.getOrUndefined(given.serviceMs),
      startupSeconds: Option.getOrUndefined(given.startup),
      sloMs: Option.getOrUndefined(given.sloMs),
      drainSeconds: Option.getOrUndefined(given.drain),
      good: Option.getOrUndefined(given.good),
      minReplicas: Option.getOrUndefined(given.min),
      maxReplicas: Option.getOrUndefined(given.max),
      lostPercent: given.lost,
      rate: Option.getOrUndefined(given.rate),
      hours: Option.getOrUndefined(given.hours),
      seed: given.seed,
      rivals: yield* rivalsOf(given.rivals)
    }
    const plan = yield* orSayNo(planOf(said, yield* overOf(given.pattern, given.trace), file))
    const isTerminal = yield* (yield* Stdio.Stdio).stderrIsTerminal
    const tell = (what: string) => (isTerminal ? Console.error(what) : Effect.void)
    yield* tell("Drawing the load, and planning as somebody would who knows it all")
    const load = loadOf(plan.scenario, given.seed)
    if (Option.isSome(given.learn)) yield* teach(load, file, given.learn.value)
    const reference = referenceOf(load)
    const shown = yield* Effect.forEach(plan.entrants, (entrant, index) =>
      Effect.as(tell(`${index + 1}/${plan.entrants.length} ${entrant.title}`), entrant).pipe(
        Effect.map((entrant): Shown => compare(load, reference, entrant)),
        Effect.tap(() => Effect.yieldNow)
      )
    )
    const { goodFraction, notes, title } = plan
    const policy =
      file === undefined
        ? { policy: { title: "The policy that decided", yaml: ownPolicy(plan.scenario.workload, { goodFraction }) } }
        : {}
    const { podHours: referencePodHours, run: ideal } = reference
    yield* present(
      { title, notes, load, ideal, referencePodHours, shown, goodFraction },
      { output: Option.getOrUndefined(given.output), report: Option.getOrUndefined(given.report), ...policy }
    )
  })
).pipe(
  Command.withDescription(
    "Simulates a workload with queueing and start-up times under a policy, beside other autoscalers and somebody who knows the future, in seconds and without a cluster. As in: nimbusguard simulate --pattern spike --report spike.html"
  )
)
