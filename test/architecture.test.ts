/** Holds every source to the rules of test/architecture/rules.ts, and the rules to planted violations. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { readSource } from "#test/architecture/readSource"
import { explain, judge, resolve, RULES } from "#test/architecture/rules"

const root = new URL("..", import.meta.url).pathname

const sources = globSync(["src/**/*.ts", "src/**/*.tsx", "schemas/**/*.ts"], { cwd: root })
  .toSorted()
  .map((path) => readSource(path, readFileSync(root + path, "utf8")))

/** Broken on purpose, each with its reason. May only name what exists and is needed. */
const EXCEPTIONS: ReadonlyArray<{ readonly path: string; readonly rule: string; readonly because: string }> = [
  {
    path: "src/simulation/EscapeGuard.ts",
    rule: "modules remember nothing",
    because: "it stands in for globals, and those are one per process too"
  },
  {
    path: "src/cli/dev/demo.ts",
    rule: "plugs do not know each other",
    because: "it is the very composition of run over another cluster: a second one would drift"
  },
  {
    path: "src/cluster/HttpFront.ts",
    rule: "outside systems are met at the ports",
    because: "it is the one door of the embedded cluster to the network; nothing in the cluster imports it"
  },
  {
    path: "src/cluster/HttpFront.ts",
    rule: "no clock, chance, promise or process below the ports",
    because: "an open watch ends after its time, and there is no Effect in the front that could tell it"
  },
  {
    path: "src/engines/index.ts",
    rule: "decisions are pure",
    because: "binding decodes an engine's options and memory into a Result, and runs no effect"
  }
]

const IN_A_BROWSER = "used as a person uses it, in test/e2e"

const OVER_THE_WIRE = "asked over the wire in test/dashboard/api/handlers.test.ts"

const SCENARIO =
  "data: test/cli/dev/scenarios/index.test.ts holds all of them, and test/cli/dev/demo.test.ts plays them"

const CONFORMANCE =
  "test/conformance holds it, and a real API server, to the same cases: test/cluster/conformance.test.ts"

const CONTROLLERS = "run as a whole in virtual time: test/cluster/controllers/Controllers.test.ts"

const PROMQL =
  "asked query by query in test/cluster/world/promql/PromQl.test.ts, and beside a real Prometheus in test/integration"

/** Files with logic whose tests live elsewhere, each with the reason. May only name existing files. */
const SWARM = "every run of test/simulation/run.test.ts goes through it"
const ALARMS = "its alarms ring in test/simulation/safety.test.ts"
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  "src/cluster/api/ApiServer.ts": CONFORMANCE,
  "src/cluster/api/Kinds.ts": CONFORMANCE,
  "src/cluster/api/Refusal.ts": CONFORMANCE,
  "src/cluster/api/Resource.ts": CONFORMANCE,
  "src/cluster/api/Store.ts": CONFORMANCE,
  "src/cluster/api/Writes.ts": CONFORMANCE,
  "src/cluster/api/ages.ts": CONFORMANCE,
  "src/cluster/api/builtIn.ts": CONFORMANCE,
  "src/cluster/api/columns.ts": CONFORMANCE,
  "src/cluster/api/customResources.ts": CONFORMANCE,
  "src/cluster/api/discovery.ts": CONFORMANCE,
  "src/cluster/api/eventGuise.ts": CONFORMANCE,
  "src/cluster/api/fieldSets.ts": CONFORMANCE,
  "src/cluster/api/json.ts": CONFORMANCE,
  "src/cluster/api/judging.ts": CONFORMANCE,
  "src/cluster/api/lists.ts": CONFORMANCE,
  "src/cluster/api/openapi.ts": CONFORMANCE,
  "src/cluster/api/ownership.ts": CONFORMANCE,
  "src/cluster/api/patches.ts": CONFORMANCE,
  "src/cluster/api/preconditions.ts": CONFORMANCE,
  "src/cluster/api/requests.ts": CONFORMANCE,
  "src/cluster/api/selectors.ts": CONFORMANCE,
  "src/cluster/api/shapes.ts": CONFORMANCE,
  "src/cluster/api/strategicMerge.ts": CONFORMANCE,
  "src/cluster/api/tables.ts": CONFORMANCE,
  "src/cluster/api/watches.ts": CONFORMANCE,
  "src/cluster/controllers/Agenda.ts": CONTROLLERS,
  "src/cluster/controllers/Hands.ts": CONTROLLERS,
  "src/cluster/controllers/Inventory.ts": CONTROLLERS,

  "src/cluster/controllers/PodBehaviour.ts": CONTROLLERS,
  "src/cluster/controllers/deployment.ts": CONTROLLERS,
  "src/cluster/controllers/deploymentStatus.ts": CONTROLLERS,
  "src/cluster/controllers/disruption.ts": CONTROLLERS,
  "src/cluster/controllers/emitting.ts": CONTROLLERS,
  "src/cluster/controllers/garbage.ts": CONTROLLERS,
  "src/cluster/controllers/nodes.ts": CONTROLLERS,
  "src/cluster/controllers/podStatus.ts": CONTROLLERS,
  "src/cluster/controllers/pods.ts": CONTROLLERS,
  "src/cluster/controllers/replicaSet.ts": CONTROLLERS,
  "src/cluster/controllers/revisions.ts": CONTROLLERS,

  "src/cluster/controllers/statefulSet.ts": CONTROLLERS,
  "src/cluster/world/MetricsServer.ts": "looked at through the API in test/cluster/world/{World,ports}.test.ts",
  "src/cluster/world/RunningPod.ts": "what pods do and use is asked in test/cluster/world/World.test.ts",
  "src/cluster/world/Site.ts": "asked through the pages of test/cluster/world/prometheusPages.test.ts",
  "src/cluster/world/manifest.ts": "applied and scaled in test/cluster/Cluster.test.ts",
  "src/cluster/world/names.ts": "every spelling of a name is asked in test/cluster/world/ports.test.ts",
  "src/cluster/world/promql/binary.ts": PROMQL,
  "src/cluster/world/promql/functions.ts": PROMQL,
  "src/cluster/world/promql/overTime.ts": PROMQL,
  "src/cluster/world/promql/syntax.ts": "read and refused in test/cluster/world/promql/parse.test.ts",
  "src/cluster/world/promql/tokens.ts": "read and refused in test/cluster/world/promql/parse.test.ts",
  "src/simulation/Answers.ts": SWARM,
  "src/simulation/Life.ts": SWARM,
  "src/simulation/Plant.ts": SWARM,
  "src/simulation/Property.ts": SWARM,
  "src/simulation/World.ts": SWARM,
  "src/simulation/faultyKubernetes.ts": SWARM,
  "src/simulation/faultyModel.ts": SWARM,
  "src/simulation/faultySources.ts": SWARM,
  "src/simulation/liveness.ts": SWARM,
  "src/simulation/operators.ts": SWARM,
  "src/simulation/questions.ts": SWARM,
  "src/simulation/Reign.ts": ALARMS,
  "src/simulation/Write.ts": ALARMS,
  "src/simulation/storm.ts": "what it draws is counted in test/simulation/swarm.test.ts",
  "schemas/Status.ts": "a wire schema: test/manifests/crd.test.ts walks it, and the real API server stores it",
  "schemas/crd/GeneralScaler/spec.ts": "a wire schema: the fixtures of test/fixtures/crd break each of its rules",
  "schemas/crd/ScalingPolicy/scaling.ts": "a wire schema: the fixtures of test/fixtures/crd break each of its rules",
  "schemas/crd/ScalingPolicy/spec.ts": "a wire schema: the fixtures of test/fixtures/crd break each of its rules",
  "src/manifests/permissions.ts": "a list: test/manifests/rbac.test.ts says what may and may not be on it",
  "src/cli/doctor/permissions.ts": "asked for over the wire in test/cli/doctor.test.ts",
  "src/cli/dev/DemoLoad.ts": "asked over HTTP in test/cli/dev/loadRoutes.test.ts",
  "src/cli/dev/Load.ts": "a port: asked over HTTP in test/cli/dev/loadRoutes.test.ts",
  "src/cli/dev/happen.ts": "every deed is done, and seen to have its effect, in test/cli/dev/demo.test.ts",
  "src/cli/dev/scenarios/badRollout.ts": SCENARIO,
  "src/cli/dev/scenarios/default.ts": SCENARIO,
  "src/cli/dev/scenarios/engines.ts": SCENARIO,
  "src/cli/dev/scenarios/flashCrowd.ts": SCENARIO,
  "src/cli/dev/scenarios/fleet.ts": SCENARIO,
  "src/cli/dev/scenarios/metricsOutage.ts": SCENARIO,
  "src/cli/dev/scenarios/nightAndDay.ts": SCENARIO,
  "src/cli/dev/scenarios/queueBurst.ts": SCENARIO,
  "src/cli/dev/scenarios/sources.ts": SCENARIO,
  "src/cli/run.ts": "run as a process in test/main.test.ts, and against real servers in test/integration/operator",
  "src/cli/run/compose.ts": "only puts parts together: run as a process in test/main.test.ts",
  "src/cli/run/makeReady.ts":
    "run as a process in test/main.test.ts, and against real servers in test/integration/operator",
  "src/cli/settings.ts": "asked by flags in test/main.test.ts and test/cli/index.test.ts",
  "src/services/Home.ts": "asked in test/services/homeNamespace.test.ts",
  "src/services/processGiven.ts": "looks at the process: run as one in test/main.test.ts",
  "src/judge/comparisonText.ts": "read by people in test/judge/comparison.test.ts",
  "src/judge/present.ts": "what it prints and writes is read in test/cli/simulate.test.ts",
  "src/judge/report/comparisonPage.ts": "looked at in test/judge/comparison.test.ts",
  "src/judge/report/page.ts": "looked at in test/judge/comparison.test.ts and test/judge/report/qualityPage.test.ts",
  "src/judge/Rival.ts": "a shape: the tests of src/judge/rivals hold it",
  "src/dashboard/activity.ts": "what it renders is read through the server, test/dashboard/server.test.ts",
  "src/dashboard/events.ts": "asked over the wire in test/dashboard/server.test.ts",
  "src/dashboard/guard.ts": "asked over the wire in test/dashboard/server.test.ts",
  "src/dashboard/pages.ts": "asked over the wire in test/dashboard/server.test.ts; its own mirror is their world",
  "src/dashboard/app/ActivityPage.tsx": IN_A_BROWSER,
  "src/dashboard/app/Chart.tsx": IN_A_BROWSER,
  "src/dashboard/app/FleetPage.tsx": IN_A_BROWSER,
  "src/dashboard/app/FleetRow.tsx": IN_A_BROWSER,
  "src/dashboard/app/Mode.tsx": IN_A_BROWSER,
  "src/dashboard/app/PolicyAside.tsx": IN_A_BROWSER,
  "src/dashboard/app/PolicyPage.tsx": IN_A_BROWSER,
  "src/dashboard/app/Spark.tsx": IN_A_BROWSER,
  "src/dashboard/app/StoryList.tsx": IN_A_BROWSER,
  "src/dashboard/app/WhatIf.tsx": IN_A_BROWSER,
  "src/dashboard/app/ask.ts": IN_A_BROWSER,
  "src/dashboard/app/chartOptions.ts": IN_A_BROWSER,
  "src/dashboard/app/fleetState.ts": IN_A_BROWSER,
  "src/dashboard/app/main.tsx": IN_A_BROWSER,
  "src/dashboard/app/route.ts": IN_A_BROWSER,
  "src/dashboard/app/theme.ts": IN_A_BROWSER,
  "src/dashboard/app/words.ts": IN_A_BROWSER,
  "src/dashboard/api/Api.ts": OVER_THE_WIRE,
  "src/dashboard/api/actions.ts": OVER_THE_WIRE,
  "src/dashboard/api/compressed.ts": OVER_THE_WIRE,
  "src/dashboard/api/detail.ts": OVER_THE_WIRE,
  "src/dashboard/api/fleet.ts": OVER_THE_WIRE,
  "src/dashboard/api/history.ts": OVER_THE_WIRE,
  "src/dashboard/api/longHistory.ts": OVER_THE_WIRE,
  "src/dashboard/api/mount.ts": OVER_THE_WIRE,
  "src/dashboard/api/stories.ts": OVER_THE_WIRE,
  "src/dashboard/api/whatIf.ts": OVER_THE_WIRE,
  "src/dashboard/Closing.ts": OVER_THE_WIRE,
  "src/dashboard/page.ts": "asked over the wire in test/dashboard/server.test.ts",
  "src/dashboard/bundlePage.ts": "what it makes is served in test/dashboard/server.test.ts, and used in test/e2e",
  "src/domain/story.ts": "told on a terminal in test/cli/explain/story.test.ts",
  "src/dashboard/probes.ts": "asked over the wire in test/dashboard/server.test.ts",
  "src/services/languageModel.ts": "what it loads is asked in test/services/OpenAiLive.test.ts",
  "src/services/Metrics.ts": "a port, and the layer that counts nothing",
  "src/services/MetricsRecorder.ts": "read off the page in test/services/MetricsLive.test.ts",
  "src/services/Settings.ts":
    "a table: test/services/loadSettings.test.ts reads it whole and holds docs/SETTINGS.md to it",
  "src/services/SourceSystems.ts": "only puts parts together: run as a process in test/main.test.ts",
  "src/services/metricFamilies.ts": "read off the page in test/services/MetricsLive.test.ts",
  "src/services/openTelemetry.ts": "loaded and asked through test/services/Telemetry.test.ts",
  "src/services/policyDefaults.ts": "the defaults file of test/services/loadSettings.test.ts",
  "src/services/Kubernetes.ts": "a port: its one function is an error's message, which the tests of its callers read"
}

describe("the architecture", () => {
  it("has sources to look at", () => {
    assert.isAbove(sources.length, 10)
  })

  it.each(RULES.map(({ name }) => ({ name })))("holds: $name", ({ name }) => {
    const broken = judge(sources).filter(({ path, rule }) => {
      return rule === name && !EXCEPTIONS.some((exception) => exception.path === path && exception.rule === rule)
    })
    assert.strictEqual(broken.length, 0, `\n${explain(broken)}\n`)
  })

  it("keeps only exceptions that are still needed", () => {
    const all = judge(sources)
    const stale = EXCEPTIONS.filter(({ path, rule }) => !all.some((one) => one.path === path && one.rule === rule))
    assert.deepStrictEqual(stale, [])
  })
})

describe("the tests", () => {
  const mirrors = (path: string) => {
    const mirrored = path.replace(/^src\//u, "").replace(/\.ts$/u, ".test.ts")
    return [`test/${mirrored}`, `test/integration/${mirrored}`]
  }

  it("mirror the sources path for path", () => {
    const missing = sources
      .filter(({ hasLogic, path }) => hasLogic && !(path in TESTED_ELSEWHERE))
      .filter(({ path }) => !mirrors(path).some((candidate) => existsSync(root + candidate)))
      .map(({ path }) => `  ${path} wants ${mirrors(path).join(" or ")}`)
    const advice = "write the test, or name the file in TESTED_ELSEWHERE of test/architecture.test.ts with the reason"
    assert.strictEqual(
      missing.length,
      0,
      `\nsources with logic and without a test of their own; ${advice}:\n${missing.join("\n")}\n`
    )
  })

  it("name as exceptions only files that exist and have no mirror", () => {
    const paths = Object.keys(TESTED_ELSEWHERE)
    assert.deepStrictEqual(
      paths.filter((path) => !existsSync(root + path)),
      [],
      "gone"
    )
    assert.deepStrictEqual(
      paths.filter((path) => mirrors(path).some((candidate) => existsSync(root + candidate))),
      [],
      "tested by now"
    )
  })
})

/** What breaks each rule, and what only looks like it. */
const PLANTED: ReadonlyArray<{
  readonly rule: string
  readonly path: string
  readonly bad: ReadonlyArray<string>
  readonly good: ReadonlyArray<string>
}> = [
  {
    rule: "imports point one way",
    path: "src/domain/decide.ts",
    bad: [
      'import { target } from "#engines/target"',
      'import type { Kubernetes } from "#services/Kubernetes"',
      'export * from "../operator/act.ts"',
      'export { run } from "#cli/run"',
      'type Port = import("#services/Metrics").Metrics',
      'const load = () => import("#sources/redis")',
      'import { plant } from "#test/plant"'
    ],
    good: [
      'import { Policy } from "#schemas/Policy"',
      'import { bounds } from "./bounds.ts"',
      '// import { target } from "#engines/target"',
      "const text = 'import { run } from \"#cli/run\"'"
    ]
  },
  { rule: "imports point one way", path: "src/attic/old.ts", bad: ["export const one = 1"], good: [] },
  {
    rule: "imports point one way",
    path: "src/services/Kubernetes.ts",
    bad: ['import "#cli/run"'],
    good: ['import "#schemas/Policy"']
  },
  {
    rule: "the page knows the API by its types alone",
    path: "src/dashboard/app/ask.ts",
    bad: ['import { Row } from "../api/shapes.ts"', 'import * as Schema from "effect/Schema"', 'import "node:fs"'],
    good: ['import type { Row } from "../api/shapes.ts"', 'import uPlot from "uplot"', 'import { ask } from "./ask.ts"']
  },
  {
    rule: "plugs do not know each other",
    path: "src/sources/redis.ts",
    bad: [
      'import { prometheus } from "#sources/prometheus"',
      'import "./nats.ts"',
      'import { SOURCES } from "#sources/index"'
    ],
    good: ['import type { Source } from "#sources/Source"', 'import { parse } from "#sources/redis/protocol"']
  },
  {
    rule: "plugs do not know each other",
    path: "src/sources/index.ts",
    bad: [],
    good: ['import { redis } from "#sources/redis"']
  },
  {
    rule: "outside systems are met at the ports",
    path: "src/operator/act.ts",
    bad: [
      'import { readFileSync } from "node:fs"',
      'import { KubeConfig } from "@kubernetes/client-node"',
      'import "prom-client"'
    ],
    good: ['import * as Effect from "effect/Effect"', '/* import "node:fs" */']
  },
  {
    rule: "only the edge picks live layers",
    path: "src/operator/Operator.ts",
    bad: ['import { layer } from "#services/RedisLive"', 'import { both } from "#services/Both"'],
    good: ['import { Redis } from "#services/Redis"', 'import type { Connection } from "#services/RedisLive"']
  },
  {
    rule: "no clock, chance, promise or process below the ports",
    path: "src/sources/http.ts",
    bad: [
      "const now = Date.now()",
      "const today = new Date()",
      "const chance = Math.random()",
      'const chance = Math["random"]()',
      "const wait = () => setTimeout(() => {}, 1)",
      "const home = process.env.HOME",
      "export const work = async () => 1",
      "async function work() { await other() }",
      "export {}\nfor await (const line of lines) use(line)",
      "type Later = Promise<number>",
      'console.log("here")',
      "const clock = globalThis.Date",
      "const answer = fetch(url)",
      'import * as Effect from "effect/Effect"\nconst run = Effect.runSync(work)',
      'import * as Eff from "effect/Effect"\nconst run = Eff.promise(() => later)',
      'import { tryPromise as attempt } from "effect/Effect"',
      'import { Effect } from "effect"\nEffect.runFork(work)'
    ],
    good: [
      "// Date.now() and Math.random() are banned, and so is Promise",
      'const text = "process.env and new Date()"',
      "const processed = 1",
      "const part = record.process + record.Date",
      "const part = { process: 1, await: 2, fetch: 3 }",
      "interface Plan { readonly process: string; readonly console: boolean }",
      "const pattern = /Date|Promise/u",
      "const text = `setTimeout ${1}`",
      'import * as Effect from "effect/Effect"\nEffect.runForkWith(context)(work)',
      "const other = { runSync: 1 }; other.runSync",
      "const dice = Math.max(1, 2)"
    ]
  },
  {
    rule: "decisions are pure",
    path: "src/engines/target.ts",
    bad: [
      'import * as Effect from "effect/Effect"',
      'import type * as Effect from "effect/Effect"',
      'import * as DateTime from "effect/DateTime"',
      'import * as Schema from "effect/Schema"\nexport const read = Schema.decodeUnknownSync(Options)'
    ],
    good: [
      'import * as Schema from "effect/Schema"\nexport const Options = Schema.Struct({}).pipe(Schema.decodeTo(Other))',
      'import * as Option from "effect/Option"'
    ]
  },
  {
    rule: "decisions are pure",
    path: "src/domain/decide.ts",
    bad: ['import * as Schema from "effect/Schema"'],
    good: ['import type * as Schema from "effect/Schema"']
  },
  {
    rule: "pre-emption stays on",
    path: "src/services/Redis.ts",
    bad: [
      'import * as References from "effect/References"\nEffect.provideService(References.PreventSchedulerYield, true)',
      'import { PreventSchedulerYield } from "effect/Scheduler"'
    ],
    good: ["// PreventSchedulerYield is banned"]
  },
  {
    rule: "modules remember nothing",
    path: "src/operator/watch.ts",
    bad: [
      "let last = 0",
      "const seen = new Set<string>()",
      "const seen: Map<string, number> = new Map()",
      'import * as RequestResolver from "effect/RequestResolver"\nconst resolver = RequestResolver.make(run)',
      "class Holder { static readonly seen = new Map() }"
    ],
    good: [
      "const table = new Map([[1, 2]])",
      "const none: ReadonlySet<string> = new Set()",
      "const count = () => { let last = 0; return last }",
      "class Holder { readonly seen = new Map() }",
      "const make = () => new Set<string>()"
    ]
  },
  {
    rule: "Effect is imported by module",
    path: "src/operator/watch.ts",
    bad: ['import { Effect } from "effect"', 'import type { Effect } from "effect"'],
    good: ['import * as Effect from "effect/Effect"']
  },
  { rule: "names say what is inside", path: "src/domain/utils.ts", bad: ["export const one = 1"], good: [] },
  { rule: "names say what is inside", path: "src/services/helpers/time.ts", bad: ["export const one = 1"], good: [] },
  { rule: "names say what is inside", path: "schemas/Policy.ts", bad: [], good: ["export const one = 1"] },
  {
    rule: "a file fits in the head",
    path: "src/domain/decide.ts",
    bad: ["// line\n".repeat(300)],
    good: ["// line\n".repeat(299)]
  },
  { rule: "a file opens by saying what it owns", path: "schemas/Policy.ts", bad: [], good: ["export const one = 1"] }
]

describe("the rules", () => {
  const ports = [
    readSource("src/services/Redis.ts", "// A port\nexport class Redis {}"),
    readSource(
      "src/services/RedisLive.ts",
      '// Live\nimport { connect } from "node:net"\nexport const layer = connect'
    ),
    readSource("src/services/Both.ts", '// Live through another\nexport { layer as both } from "#services/RedisLive"')
  ]
  const broken = (path: string, text: string, rule: string) => {
    const planted = readSource(path, `// Planted\n${text}`)
    return judge([planted, ...ports.filter((port) => port.path !== path)]).filter(
      (one) => one.path === path && one.rule === rule
    )
  }

  it.each(PLANTED)("catch what breaks '$rule' in $path and nothing else", ({ bad, good, path, rule }) => {
    for (const text of bad) assert.isAbove(broken(path, text, rule).length, 0, `not caught: ${text}`)
    for (const text of good) assert.deepStrictEqual(broken(path, text, rule), [], `caught wrongly: ${text}`)
  })

  it("are each tried with a planted violation", () => {
    const untried = RULES.filter(({ name }) => !PLANTED.some(({ bad, rule }) => rule === name && bad.length > 0))
    assert.deepStrictEqual(
      untried.map(({ name }) => name),
      ["a file opens by saying what it owns"]
    )
    const bare = judge([readSource("schemas/Policy.ts", "export const one = 1")])
    assert.deepStrictEqual(
      bare.map(({ rule }) => rule),
      untried.map(({ name }) => name)
    )
  })

  it("print the place and the reason", () => {
    const text = explain(broken("src/domain/decide.ts", 'import "#cli/run"', "imports point one way"))
    assert.match(
      text,
      /^imports point one way, because .*replaced.*:\n {2}src\/domain\/decide\.ts:2 domain imports src\/cli\/run\.ts$/u
    )
  })

  it("resolve aliases and relative paths to files", () => {
    assert.strictEqual(resolve("src/domain/a.ts", "#schemas/crd/index"), "schemas/crd/index.ts")
    assert.strictEqual(resolve("src/domain/a.ts", "../engines/target.ts"), "src/engines/target.ts")
    assert.strictEqual(resolve("src/domain/a.ts", "effect/Effect"), undefined)
  })
})
