/**
 * `nimbusguard explain`: the story of decisions, for whoever is on call. From the running operator, from a file of
 * records, or else from what the API server holds; with --replay each decision is made again and compared.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
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
import type { Replayed } from "#domain/replay"
import { type CrdKind, KINDS } from "#schemas/crd/index"
import * as EgressLive from "#services/EgressLive"
import { KubernetesAccess } from "#services/KubernetesAccess"
import * as KubernetesLive from "#services/KubernetesLive"
import { layerLanguageModel } from "#services/languageModel"
import { Metrics } from "#services/Metrics"
import { Settings } from "#services/Settings"
import { type Dump, readDump } from "./explain/Dump.ts"
import { chosen, readStatus, tellStatus } from "./explain/fromStatus.ts"
import { learnedBy } from "./explain/learned.ts"
import { askOperator } from "./explain/operator.ts"
import { inPlainWords, type Spoken } from "./explain/plainWords.ts"
import { replayAll } from "./explain/replayAll.ts"
import { type Asked, type Chapter, chapters, isOf, type Moment } from "./explain/select.ts"
import { tell, timeText } from "./explain/story.ts"

/** What is wrong has been said; the shell only has to know that something is. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const OPERATOR = "http://127.0.0.1:8082"
const LAST = 10

/** The dashboard listens on the pod's own loopback, so this is the way to it, and to the leader's and no standby's. */
const forwardTo = (leader: string | undefined): string =>
  `kubectl -n nimbusguard port-forward ${leader === undefined ? "deployment/nimbusguard-operator" : `pod/${leader}`} 8082`

const no = Effect.fnUntraced(function* (message: string) {
  yield* Console.error(message)
  return yield* new Unsatisfied()
})

interface Named {
  readonly kind: CrdKind
  readonly name: string
}

/** KIND/NAME, in the kind's singular, plural or short name, in any case. */
export const parseName = (text: string): Result.Result<Named, string> => {
  const [given = "", name = "", more] = text.split("/")
  const word = given.toLowerCase()
  const kind = KINDS.find(({ kind: full, plural, shortNames, singular }) =>
    [full.toLowerCase(), plural, singular, ...shortNames].includes(word)
  )
  if (kind !== undefined && name !== "" && more === undefined) return Result.succeed({ kind, name })
  const kinds = KINDS.map(({ kind: full, shortNames }) => [full, ...shortNames].join(" or ")).join(", ")
  return Result.fail(`${text} names no policy: give KIND/NAME, such as scalep/web. The kinds are ${kinds}.`)
}

export const parseMoment = (at: Option.Option<string>, last: Option.Option<number>): Result.Result<Moment, string> => {
  if (Option.isSome(at)) {
    if (Option.isSome(last)) return Result.fail("Give --at or --last, not both.")
    const millis = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/iu.test(at.value) ? Date.parse(at.value) : Number.NaN
    return Number.isNaN(millis)
      ? Result.fail(`--at ${at.value} is no time: give it as 2026-03-01T12:30:00Z or with an offset, as +02:00.`)
      : Result.succeed({ _tag: "At", at: millis })
  }
  const count = Option.getOrElse(last, () => LAST)
  return count >= 1
    ? Result.succeed({ _tag: "Last", count })
    : Result.fail(`--last ${count} is no number of decisions: give 1 or more.`)
}

interface Request {
  readonly asked: Asked
  readonly kind: CrdKind
  readonly moment: Moment
  readonly replay: boolean
  readonly json: boolean
  /** In plain words, by a language model. */
  readonly words: boolean
  /** Only what was learned. */
  readonly learned: boolean
}

const badly = (verdicts: ReadonlyMap<string, Replayed>): boolean => {
  const all = [...verdicts.values()]
  return all.some(({ _tag }) => _tag === "Different") || !all.some(({ _tag }) => _tag === "Same")
}

const summary = (verdicts: ReadonlyMap<string, Replayed>): string => {
  const count = (tag: Replayed["_tag"]) => [...verdicts.values()].filter(({ _tag }) => _tag === tag).length
  const parts = [
    `${count("Same")} the same`,
    ...(count("Different") > 0 ? [`${count("Different")} DIFFERENT`] : []),
    ...(count("NotReplayable") > 0 ? [`${count("NotReplayable")} that cannot be`] : [])
  ]
  return `Replayed ${verdicts.size}: ${parts.join(", ")}.`
}

/** By the policy that made the newest of the decisions. */
const spoken = (policies: Dump["policies"], { told }: Chapter): Effect.Effect<Spoken> => {
  const last = told.at(-1)?.policy
  const own = policies.filter(({ ref }) => ref.uid === last?.uid)
  const policy = own.find(({ ref }) => ref.generation === last?.generation) ?? own[0]
  return policy === undefined
    ? Effect.succeed(Result.fail("The policy that decided is not held, so nothing can be told in other words."))
    : inPlainWords(policy, told)
}

/** Undefined: nothing of it is held for that moment. */
const explainRecords = Effect.fnUntraced(function* (request: Request, source: string, { policies, records }: Dump) {
  const { asked, json, moment, replay } = request
  const own = records.filter((record) => isOf(asked, record))
  const namespaces = [...new Set(own.map(({ policy }) => policy.namespace))]
  if (namespaces.length > 1) {
    return yield* no(`${asked.kind} ${asked.name} is in the namespaces ${namespaces.join(", ")}: choose one with -n.`)
  }
  const told = chapters(own, moment)
  if (told.length === 0) return undefined
  const shown = told.flatMap((chapter) => chapter.told)
  if (request.learned) {
    const patch = learnedBy(shown)
    if (Result.isFailure(patch)) return yield* no(patch.failure)
    yield* Console.log(patch.success.trimEnd())
    return "told"
  }
  const verdicts = replay ? replayAll(policies, shown) : new Map<string, Replayed>()
  if (json) {
    const replays = [...verdicts].map(([id, verdict]) => ({ id, ...verdict }))
    const of = policies.filter(({ ref }) =>
      shown.some(({ policy }) => policy.uid === ref.uid && policy.generation === ref.generation)
    )
    const words = request.words ? yield* Effect.forEach(told, (chapter) => spoken(policies, chapter)) : []
    const plain = words.map((each) => (Result.isSuccess(each) ? { story: each.success } : { why: each.failure }))
    const document = {
      source,
      policies: of,
      records: shown,
      ...(replay ? { replays } : {}),
      ...(request.words ? { plainWords: plain } : {})
    }
    yield* Console.log(JSON.stringify(document, undefined, 2))
  } else {
    const where = `${asked.kind} ${namespaces[0] ?? ""}/${asked.name}`
    const pages: Array<string> = []
    for (const chapter of told) {
      const { held, target, told: own } = chapter
      pages.push(`${where}, ${target.kind} ${target.name}: ${own.length} of ${held.length} decisions, from ${source}`)
      const words = request.words ? yield* spoken(policies, chapter) : undefined
      if (words !== undefined && Result.isSuccess(words)) {
        pages.push(`  ${words.success}`, "  (By a language model; every number in it was found in the records.)")
        continue
      }
      if (words !== undefined) yield* Console.error(`${words.failure} The plain story instead:`)
      pages.push(...tell(chapter, verdicts))
    }
    yield* Console.log([...pages, ...(replay ? [summary(verdicts)] : [])].join("\n"))
  }
  if (replay && badly(verdicts)) return yield* new Unsatisfied()
  return "told"
})

const explainFile = Effect.fnUntraced(function* (request: Request, file: string) {
  const content = yield* Effect.result((yield* FileSystem.FileSystem).readFileString(file))
  if (Result.isFailure(content)) return yield* no(`${file} cannot be read: ${whyUnread(content.failure)}`)
  const dump = readDump(file, content.success)
  if (Result.isFailure(dump)) return yield* no(dump.failure)
  const told = yield* explainRecords(request, file, dump.success)
  if (told !== undefined) return
  const { kind, name } = request.asked
  const own = dump.success.records.filter((record) => isOf(request.asked, record))
  const first = own.map(({ observation }) => observation.at).toSorted((left, right) => left - right)[0]
  return yield* no(
    first === undefined
      ? `${file} holds no record of ${kind} ${name}.`
      : `${file} holds no decision of ${kind} ${name} from before ${timeText(first)}.`
  )
})

const explainStatus = Effect.fnUntraced(function* (
  request: Request,
  settings: Settings,
  { leader, why }: { readonly leader?: string; readonly why: string }
) {
  const { asked, json, kind, moment, replay } = request
  const forward = forwardTo(leader)
  if (request.learned) return yield* no(`${why} What was learned is in the operator's records alone: ${forward}`)
  if (request.words) yield* Console.error("Only the operator's records can be told in other words.")
  if (replay) return yield* no(`${why} Only the operator's records, or a file of them, can be replayed: ${forward}`)
  const read = Effect.gen(function* () {
    const { cluster } = yield* KubernetesAccess
    const namespace = asked.namespace ?? cluster.namespace ?? "default"
    return { namespace, status: yield* readStatus(kind, namespace, asked.name) }
  }).pipe(Effect.provide(KubernetesLive.layer({ kubeconfig: settings.kubeconfig, context: settings.kubeContext })))
  const found = yield* Effect.result(read)
  if (Result.isFailure(found)) return yield* no(`${why} Its status cannot be read either: ${found.failure.message}`)
  const { namespace, status } = found.success
  if (status === undefined) return yield* no(`${why} There is no ${asked.kind} ${namespace}/${asked.name}.`)
  const decisions = chosen(status, moment)
  if (json) return yield* Console.log(JSON.stringify({ source: "status", why, decisions, status }, undefined, 2))
  const opening = `${asked.kind} ${namespace}/${asked.name}, from its status. ${why} For what was seen and proposed: ${forward}`
  const gap = decisions.length === 0 ? ["Its status holds no decision of that time."] : []
  return yield* Console.log([opening, ...gap, ...tellStatus(status, decisions)].join("\n"))
})

/** What speaks to the language model is loaded only when it is asked for. */
const layerModel = (settings: Settings) =>
  layerLanguageModel.pipe(
    Layer.provide([EgressLive.layer, Metrics.layerNone]),
    Layer.provide(Layer.succeed(Settings, settings))
  )

const given = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

export const explainCommand = Command.make(
  "explain",
  {
    policy: Argument.String("KIND/NAME").pipe(Argument.withDescription("The policy, such as scalep/web.")),
    namespace: given("namespace", "Namespace of the policy.").pipe(Flag.withAlias("n")),
    at: given("at", "The decision that held at this time, such as 2026-03-01T12:30:00Z."),
    last: Flag.Int("last").pipe(
      Flag.withDescription(`So many decisions of each target, the latest (default: ${LAST}).`),
      Flag.optional
    ),
    replay: Flag.Boolean("replay").pipe(
      Flag.withDescription("Makes each decision again from what it was made of. Exit code 1 when one differs."),
      Flag.withDefault(false)
    ),
    llm: Flag.Boolean("llm").pipe(
      Flag.withDescription(
        "Tells it in plain words, by the language model of OPENAI_API_KEY; shown only when every number is in the records."
      ),
      Flag.withDefault(false)
    ),
    learned: Flag.Boolean("learned").pipe(
      Flag.withDescription(
        "Writes only what Q-learning has learned by then, as a patch for kubectl patch --type merge --patch-file."
      ),
      Flag.withDefault(false)
    ),
    file: given("file", "Records from this file: JSON, or one on each line."),
    url: given(
      "url",
      `Where the operator's dashboard is (default: ${OPERATOR}); its token is read from DASHBOARD_TOKEN.`
    ),
    kubeconfig: given("kubeconfig", "Files that say which cluster is meant, as kubectl reads them (KUBECONFIG)."),
    context: given("kube-context", "Context of the kubeconfig to use (KUBE_CONTEXT)."),
    output: Flag.Literals("output", ["text", "json"]).pipe(
      Flag.withDescription("How to answer (default: text on a terminal, else json)."),
      Flag.optional
    )
  },
  Effect.fn("explain")(function* (flags) {
    const named = parseName(flags.policy)
    if (Result.isFailure(named)) return yield* no(named.failure)
    const moment = parseMoment(flags.at, flags.last)
    if (Result.isFailure(moment)) return yield* no(moment.failure)
    const isTerminal = yield* (yield* Stdio.Stdio).stdoutIsTerminal
    const { kind, name } = named.success
    const request: Request = {
      asked: { kind: kind.kind, name, namespace: Option.getOrUndefined(flags.namespace) },
      kind,
      moment: moment.success,
      replay: flags.replay,
      json: Option.getOrElse(flags.output, () => (isTerminal ? "text" : "json")) === "json",
      words: flags.llm,
      learned: flags.learned
    }
    const model = flags.llm ? layerModel(yield* settingsFrom({})) : Layer.empty
    if (Option.isSome(flags.file)) return yield* Effect.provide(explainFile(request, flags.file.value), model)
    const settings = yield* settingsFrom({ KUBECONFIG: flags.kubeconfig, KUBE_CONTEXT: flags.context })
    const url = Option.getOrElse(flags.url, () => OPERATOR)
    const answer = yield* askOperator(url, request.asked, settings.dashboardToken)
    if (answer._tag === "Refused") return yield* no(answer.why)
    if (answer._tag === "Nothing") return yield* explainStatus(request, settings, answer)
    const told = yield* Effect.provide(explainRecords(request, url, answer.dump), model)
    if (told !== undefined) return
    return yield* explainStatus(request, settings, {
      why: `The operator at ${url} holds nothing from before that time.`
    })
  })
).pipe(
  Command.withDescription(
    "Tells decisions as a story: what was seen, what each engine proposed, what limited it, what was written and what came of it. Exit code 1 when there is nothing to tell, or a replay differs."
  )
)
