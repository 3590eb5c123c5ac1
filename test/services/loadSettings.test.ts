import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { inspect } from "node:util"
import { expect } from "vitest"
import { type Given, loadSettings, SettingsError } from "#services/loadSettings"
import { POLICY_DEFAULTS } from "#schemas/crd/Crd"
import { DEFAULT_NAMES } from "#services/policyDefaults"
import { type Setting, SETTINGS } from "#services/Settings"

interface World {
  readonly flags?: Record<string, string>
  readonly env?: Record<string, string>
  readonly files?: Record<string, string>
  readonly inCluster?: boolean
  readonly terminal?: boolean
}

const given = ({ flags = {}, env = {}, files = {}, inCluster = false, terminal = false }: World): Given => ({
  flags,
  env,
  readFile: (path) => {
    if (files[path] === "EACCES") throw new Error("EACCES")
    return files[path]
  },
  surroundings: { inCluster, terminal, hostname: "host-1", namespace: inCluster ? "own" : undefined }
})

const load = (world: World) => loadSettings(given(world))

const problems = (world: World) =>
  Effect.map(Effect.flip(load(world)), (error) => {
    assert.instanceOf(error, SettingsError)
    return error.problems
  })

describe("settings", () => {
  it.effect("are the documented defaults when nobody says anything", () =>
    Effect.gen(function* () {
      const settings = yield* load({})
      assert.deepStrictEqual(
        { ...settings },
        {
          ...settings,
          logLevel: "Info",
          logFormat: "json",
          metricsPort: 8000,
          probePort: 8080,
          dashboardPort: 8082,
          dashboardHost: "127.0.0.1",
          openaiApiKey: undefined,
          openaiBaseUrl: "https://api.openai.com/v1",
          prometheusUrl: undefined,
          watchNamespace: undefined,
          installCrds: true,
          allowCrossNamespace: false,
          leaderElect: true,
          podName: "host-1",
          podNamespace: "nimbusguard",
          tracing: false,
          defaults: POLICY_DEFAULTS
        }
      )
    })
  )

  it.effect("inside a cluster install no CRDs and live in the service account's namespace", () =>
    Effect.gen(function* () {
      const settings = yield* load({ inCluster: true })
      assert.strictEqual(settings.installCrds, false)
      assert.strictEqual(settings.podNamespace, "own")
    })
  )

  it.effect("are written for people on a terminal and as JSON elsewhere, unless told", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* load({ terminal: true })).logFormat, "pretty")
      assert.strictEqual((yield* load({ terminal: true, env: { LOG_FORMAT: "JSON" } })).logFormat, "json")
    })
  )

  it.effect("come from flags before environment before files", () =>
    Effect.gen(function* () {
      const files = { "/etc/nimbusguard/METRICS_PORT": "9003\n" }
      assert.strictEqual((yield* load({ files })).metricsPort, 9003)
      const env = { METRICS_PORT: "9002" }
      assert.strictEqual((yield* load({ files, env })).metricsPort, 9002)
      assert.strictEqual((yield* load({ files, env, flags: { METRICS_PORT: "9001" } })).metricsPort, 9001)
    })
  )

  it.effect("look for files where SETTINGS_DIR says", () =>
    Effect.gen(function* () {
      const settings = yield* load({ env: { SETTINGS_DIR: "/mnt" }, files: { "/mnt/OPENAI_API_KEY": "sk-1\n" } })
      assert.strictEqual(Redacted.value(settings.openaiApiKey ?? Redacted.make("")), "sk-1")
    })
  )

  const levels: ReadonlyArray<[string, string]> = [
    ["DEBUG", "Debug"],
    ["debug", "Debug"],
    ["Info", "Info"],
    ["WARNING", "Warn"],
    ["warn", "Warn"],
    ["ERROR", "Error"],
    ["none", "None"]
  ]
  it.effect.each(levels)("take LOG_LEVEL=%s", ([text, level]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* load({ env: { LOG_LEVEL: text } })).logLevel, level)
    })
  )

  it.effect("take an empty variable for an absent one", () =>
    Effect.gen(function* () {
      const settings = yield* load({ env: { OPENAI_API_KEY: "", METRICS_PORT: "" } })
      assert.strictEqual(settings.openaiApiKey, undefined)
      assert.strictEqual(settings.metricsPort, 8000)
    })
  )

  it.effect("ignore METRICS_PORT where Kubernetes set it because a Service is named metrics", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* load({ env: { METRICS_PORT: "tcp://10.0.0.7:80" } })).metricsPort, 8000)
    })
  )

  it.effect("read several namespaces", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* load({ env: { WATCH_NAMESPACE: "a, b,a" } })).watchNamespace, ["a", "b"])
    })
  )

  const bad: ReadonlyArray<[World, string]> = [
    [
      { env: { METRICS_PORT: "80a" } },
      'METRICS_PORT is "80a": write a port number, 1 to 65535, or 0 for any free port'
    ],
    [
      { flags: { METRICS_PORT: "70000" } },
      '--metrics-port is "70000": write a port number, 1 to 65535, or 0 for any free port'
    ],
    [
      { files: { "/etc/nimbusguard/PROBE_PORT": "-1" } },
      '/etc/nimbusguard/PROBE_PORT is "-1": write a port number, 1 to 65535, or 0 for any free port'
    ],
    [
      { env: { LOG_LEVEL: "loud" } },
      'LOG_LEVEL is "loud": write one of trace, debug, info, warn (or warning), error, fatal, none'
    ],
    [{ env: { LOG_FORMAT: "xml" } }, 'LOG_FORMAT is "xml": write json or pretty'],
    [{ env: { LEADER_ELECT: "maybe" } }, 'LEADER_ELECT is "maybe": write true or false'],
    [
      { env: { PROMETHEUS_URL: "prometheus:9090" } },
      'PROMETHEUS_URL is "prometheus:9090": write a URL that starts with http:// or https://'
    ],
    [
      { env: { DASHBOARD_HOST: "dashboard.example" } },
      'DASHBOARD_HOST is "dashboard.example": write an IP address: 127.0.0.1 for this machine only, 0.0.0.0 for everybody'
    ],
    [
      { env: { WATCH_NAMESPACE: "Team A" } },
      'WATCH_NAMESPACE is "Team A": write the names of namespaces, separated by commas, or leave it unset to watch all'
    ],
    [
      { env: { DASHBOARD_HOST: "0.0.0.0" } },
      "DASHBOARD_HOST is 0.0.0.0, which opens the dashboard to the network: set DASHBOARD_TOKEN or DASHBOARD_TOKEN_REVIEW too, or leave DASHBOARD_HOST unset and use kubectl port-forward"
    ],
    [{ env: { DASHBOARD_PORT: "8080" } }, "DASHBOARD_PORT and PROBE_PORT are both 8080: give one of them another port"],
    [
      { files: { "/etc/nimbusguard/EVENTS_TOKEN": "EACCES" } },
      "/etc/nimbusguard/EVENTS_TOKEN cannot be read: make it readable for this user, or remove it"
    ]
  ]
  it.effect.each(bad)("refuse %j with a sentence", ([world, sentence]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problems(world), [sentence])
    })
  )

  it.effect("report every mistake at once", () =>
    Effect.gen(function* () {
      const found = yield* problems({ env: { METRICS_PORT: "x", LOG_LEVEL: "y", INSTALL_CRDS: "z" } })
      assert.strictEqual(found.length, 3)
    })
  )

  it.effect("never echo a secret, not even a broken one", () =>
    Effect.gen(function* () {
      for (const [variable, value] of [
        ["OPENAI_API_KEY", "sk-hunter2\nsk-hunter3"],
        ["HTTP_PROXY", "ftp://me:hunter2@proxy"]
      ] as const) {
        const sentence = (yield* problems({ env: { [variable]: value } })).join()
        assert.include(sentence, `${variable} is not usable: `)
        assert.notInclude(sentence, "hunter")
      }
      const settings = yield* load({
        env: { OPENAI_API_KEY: "hunter2", EVENTS_TOKEN: "hunter2", HTTP_PROXY: "http://me:hunter2@proxy:3128" }
      })
      assert.notInclude(JSON.stringify(settings) + inspect(settings, { depth: 9 }), "hunter2")
    })
  )

  it.effect("never echo a password that stands in a URL where none belongs", () =>
    Effect.gen(function* () {
      for (const [value, shown] of [
        ["http://me:hunter2@prometheus:9090", "***@prometheus:9090"],
        ["me:hunter2@prometheus", "***@prometheus"],
        ["http://me:hunt/er2@prometheus", "***@prometheus"],
        ["ftp://prometheus?token=hunter2", "ftp://prometheus?***"],
        ["prometheus:9090", "prometheus:9090"]
      ]) {
        const sentence = (yield* problems({ env: { PROMETHEUS_URL: value ?? "" } })).join()
        assert.include(sentence, `PROMETHEUS_URL is "${shown}": `)
        assert.notInclude(sentence, "hunt")
      }
    })
  )

  it("give secrets no flag, because the process list shows flags", () => {
    for (const entry of Object.values<Setting<unknown>>(SETTINGS)) {
      if (entry.secret) assert.strictEqual(entry.flag, undefined, entry.variable)
    }
  })

  const tracing: ReadonlyArray<[Record<string, string>, boolean]> = [
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://tempo:4318" }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://tempo:4318/v1/traces" }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://tempo:4318", OTEL_SDK_DISABLED: "TRUE" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://tempo:4318", OTEL_TRACES_EXPORTER: "none" }, false]
  ]
  it.effect.each(tracing)("with %j trace: %s", ([env, on]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* load({ env })).tracing, on)
    })
  )
})

describe("the defaults file", () => {
  const at = (content: string): World => ({ files: { "/etc/nimbusguard/defaults.yaml": content } })

  it.effect("takes the platform's parameters as its README has them", () =>
    Effect.gen(function* () {
      const settings = yield* load(
        at(
          [
            "learning_rate: 0.1",
            "discount_factor: 0.95",
            "epsilon_start: 1.0",
            "epsilon_end: 0.01",
            "epsilon_decay: 0.995",
            "min_replicas: 1",
            "max_replicas: 50",
            "cooldown_period: 300",
            "target_cpu_utilization: 70"
          ].join("\n")
        )
      )
      assert.deepStrictEqual(settings.defaults, {
        learningRate: 0.1,
        discountFactor: 0.95,
        epsilonStart: 1,
        epsilonEnd: 0.01,
        epsilonDecay: 0.995,
        minReplicas: 1,
        maxReplicas: 50,
        cooldownSeconds: 300,
        targetCpuUtilization: 70
      })
    })
  )

  const bad: ReadonlyArray<[string, RegExp]> = [
    ["learning_rat: 0.1", /^\/etc\/nimbusguard\/defaults\.yaml: learning_rat: .*; the names are learning_rate, /],
    ["learning_rate: 2", /defaults\.yaml: learning_rate: Expected a value between 0 and 1/],
    ["min_replicas: many", /defaults\.yaml: min_replicas: /],
    ["- 1", /write one `name: number` per line/],
    ["min_replicas: 9\nmax_replicas: 3", /min_replicas is 9, above max_replicas, which is 3/],
    ["min_replicas: 51", /min_replicas is 51, above max_replicas, which is 50/],
    ["a: [", /cannot be read as YAML/]
  ]
  it.effect.each(bad)("refuses %j with a sentence", ([content, pattern]) =>
    Effect.gen(function* () {
      const found = yield* problems(at(content))
      assert.strictEqual(found.length, 1, found.join("\n"))
      assert.match(found[0] ?? "", pattern)
    })
  )
})

describe("docs/SETTINGS.md", () => {
  // Run vitest with -u to write it anew after a change of the tables.
  it("lists every setting and every default", async () => {
    const cell = (text: string) => text.replaceAll("|", "\\|")
    const rows = Object.values<Setting<unknown>>(SETTINGS).map(
      ({ variable, flag, absent, description, secret }) =>
        `| \`${variable}\` | ${flag === undefined ? "" : `\`--${flag}\``} | ${cell(absent)} | ${cell(description)}${secret ? " Secret: redacted wherever it could be printed." : ""} |`
    )
    const page = `# Settings

A flag of \`nimbusguard run\` wins over the environment, which wins over a mounted file named as the variable
(\`/etc/nimbusguard/LOG_LEVEL\`), so a ConfigMap or a Secret can be given either way. An empty variable counts as
unset. A bad value stops the start with a sentence that names the place and says what to write.

| variable | flag | default | meaning |
|---|---|---|---|
${rows.join("\n")}

## Defaults of ScalingPolicies

\`DEFAULTS_FILE\` names a YAML file of one \`name: number\` per line. What a ScalingPolicy says itself wins.

| name | meaning |
|---|---|
${DEFAULT_NAMES.map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`).join("\n")}
`
    await expect(page).toMatchFileSnapshot("../../docs/SETTINGS.md")
  })
})
