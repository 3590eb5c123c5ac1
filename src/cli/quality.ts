/** `nimbusguard quality`: how good the default decides, on the project's own scenarios or on a folder of traces. */
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
import { ownPolicy, USUAL_RIVALS } from "#judge/entrants"
import type { Judged } from "#judge/contest"
import { jobsOf, plantHash, type References, type Section, SECTIONS, type Wanted, workOff } from "#judge/quality"
import { qualityText, type Sections } from "#judge/qualityText"
import { readPolicyFile } from "#judge/policyFile"
import { qualityPage } from "#judge/report/qualityPage"
import { RIVALS, type RivalName } from "#judge/rivals/index"
import { ownScenarios } from "#judge/scenarios"
import { listOf, traceScenario } from "#judge/traceFolder"
import type { Scenario } from "#workload/Load"
import { WEB } from "#workload/Workload"

/** What is wrong has been said; the shell only has to know that something is. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const sayNo = Effect.fnUntraced(function* (message: string) {
  yield* Console.error(message)
  return yield* new Unsatisfied()
})

const read = Effect.fnUntraced(function* (path: string) {
  const content = yield* Effect.result((yield* FileSystem.FileSystem).readFileString(path))
  if (Result.isFailure(content)) return yield* sayNo(`${path} cannot be read: ${whyUnread(content.failure)}`)
  return content.success
})

const scenariosIn = Effect.fnUntraced(function* (folder: string) {
  const list = listOf(yield* read(`${folder}/scenarios.json`))
  if (Result.isFailure(list)) return yield* sayNo(`${folder}: ${list.failure}`)
  return yield* Effect.forEach(list.success, (entry) =>
    Effect.flatMap(read(`${folder}/${entry.file}`), (content) => {
      const scenario = traceScenario(entry, content)
      return Result.isFailure(scenario) ? sayNo(`${folder}/${scenario.failure}`) : Effect.succeed(scenario.success)
    })
  )
})

const listed = <Name extends string>(text: string, known: ReadonlyArray<Name>, what: string) => {
  const names = text.split(",").filter((name) => name !== "")
  const isKnown = (name: string): name is Name => known.some((one) => one === name)
  const wrong = names.find((name) => !isKnown(name))
  return wrong === undefined
    ? Effect.succeed(names.filter(isKnown))
    : sayNo(`There is no ${what} ${wrong}: choose of ${known.join(", ")}.`)
}

const isJson = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** References are worth keeping: to find them takes longer than all the rest. A file that is none of ours is no reference. */
const knownIn = Effect.fnUntraced(function* (path: string) {
  const content = yield* Effect.result((yield* FileSystem.FileSystem).readFileString(path))
  if (Result.isFailure(content)) return {}
  const value: unknown = yield* Effect.orElseSucceed(
    Effect.try({ try: () => JSON.parse(content.success) as unknown, catch: () => "not JSON" }),
    () => undefined
  )
  return isJson(value) ? (value as References) : {}
})

const KNOB = /^(\w+)=([\d.,]+)$/u

const triesOf = Effect.fnUntraced(function* (text: string) {
  if (text === "") return []
  const [, name = "", values = ""] = KNOB.exec(text) ?? []
  if (name === "")
    return yield* sayNo(`--try is ${text}: write an option of auto and its values, as in headroomPercent=0,5,10.`)
  const tries = values.split(",").map((value) => ({ [name]: Number(value) }))
  for (const auto of tries) {
    const file = readPolicyFile("--try", ownPolicy(WEB, { auto }), undefined)
    if (Result.isFailure(file)) return yield* sayNo(file.failure)
  }
  return tries
})

/** `keep` hears of the references as soon as there are more: whoever interrupts a long run keeps what was found. */
const workThrough = Effect.fnUntraced(function* <E>(
  wanted: Wanted,
  known: References,
  keep: (references: References) => Effect.Effect<void, E>
) {
  const isTerminal = yield* (yield* Stdio.Stdio).stderrIsTerminal
  const jobs = jobsOf(wanted)
  const sections = new Map<Section, Array<Judged>>()
  const plants = plantHash()
  let references = known
  yield* Effect.forEach(jobs, (job, index) =>
    Effect.gen(function* () {
      const done = workOff(job, references, plants)
      if (Object.keys(done.references).some((key) => !Object.hasOwn(references, key))) {
        references = { ...references, ...done.references }
        yield* keep(references)
      }
      sections.set(job.section, [...(sections.get(job.section) ?? []), ...done.judged])
      const line = `${index + 1}/${jobs.length} ${job.section}: ${job.scenario.name}`
      if (isTerminal || index % 10 === 9) yield* Console.error(line)
      yield* Effect.yieldNow
    })
  )
  return Object.fromEntries(sections) as Sections
})

export const qualityCommand = Command.make(
  "quality",
  {
    traces: Flag.String("traces").pipe(
      Flag.withDescription("Folder with traces and their scenarios.json. Absent: the project's own scenarios."),
      Flag.optional
    ),
    only: Flag.String("only").pipe(
      Flag.withDescription("Names of scenarios, separated by commas. Absent: all."),
      Flag.withDefault("")
    ),
    sections: Flag.String("sections").pipe(
      Flag.withDescription(`What to find out, separated by commas, of ${SECTIONS.join(", ")}.`),
      Flag.withDefault("main,objective,drift,lost,cpu,knobs")
    ),
    rivals: Flag.String("rivals").pipe(
      Flag.withDescription(
        `Whom to compare with, separated by commas, of ${Object.keys(RIVALS).join(", ")}; none: nobody.`
      ),
      Flag.withDefault(USUAL_RIVALS.join(","))
    ),
    tries: Flag.String("try").pipe(
      Flag.withDescription("For the section choice: an option of auto and its values, as in headroomPercent=0,5,10."),
      Flag.withDefault("")
    ),
    seed: Flag.Int("seed").pipe(Flag.withDescription("What chance begins with."), Flag.withDefault(7)),
    seeds: Flag.Int("seeds").pipe(
      Flag.withDescription("With how many seeds, one after the other; scores are means over them."),
      Flag.withDefault(1)
    ),
    references: Flag.String("references").pipe(
      Flag.withDescription("File that keeps what the clairvoyant came to, so that the next run need not ask it again."),
      Flag.optional
    ),
    report: Flag.String("report").pipe(Flag.withDescription("File for a report in HTML, with plots."), Flag.optional),
    json: Flag.String("json").pipe(Flag.withDescription("File for all figures as JSON."), Flag.optional)
  },
  Effect.fn("quality")(function* (flags) {
    const files = yield* FileSystem.FileSystem
    const all: ReadonlyArray<Scenario> = Option.isSome(flags.traces)
      ? yield* scenariosIn(flags.traces.value)
      : ownScenarios(String(flags.seed))
    const names = yield* listed(
      flags.only,
      all.map(({ name }) => name),
      "scenario"
    )
    const rivals: ReadonlyArray<RivalName> =
      flags.rivals === "none"
        ? []
        : yield* listed(
            flags.rivals,
            Object.keys(RIVALS).filter((name): name is RivalName => name in RIVALS),
            "rival"
          )
    const wanted: Wanted = {
      scenarios: names.length === 0 ? all : all.filter(({ name }) => names.includes(name)),
      seeds: Array.from({ length: Math.max(1, flags.seeds) }, (_, index) => flags.seed + index),
      sections: yield* listed(flags.sections, SECTIONS, "section"),
      rivals,
      tries: yield* triesOf(flags.tries)
    }
    if (wanted.sections.includes("choice") && wanted.tries.length === 0) {
      return yield* sayNo("The section choice needs --try, as in --try headroomPercent=0,10,20: what to choose among.")
    }
    const known = Option.isSome(flags.references) ? yield* knownIn(flags.references.value) : {}
    const sections = yield* workThrough(wanted, known, (references) =>
      Option.isNone(flags.references)
        ? Effect.void
        : files.writeFileString(flags.references.value, JSON.stringify(references))
    )
    yield* Console.log(qualityText(sections))
    if (Option.isSome(flags.report)) {
      const of = Option.getOrElse(flags.traces, () => "the project's own scenarios")
      yield* files.writeFileString(flags.report.value, qualityPage(`Decision quality on ${of}`, sections))
      yield* Console.error(`The report is in ${flags.report.value}: open it in a browser.`)
    }
    if (Option.isSome(flags.json)) yield* files.writeFileString(flags.json.value, JSON.stringify(sections, null, 1))
  })
).pipe(
  Command.withDescription(
    "Says how good the default decides where an objective is named: scenario by scenario the share of bad answers, pod-hours over those of a clairvoyant, changes per hour and the score, beside other autoscalers. docs/QUALITY.md has the method."
  )
)
