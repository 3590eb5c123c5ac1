// The operator as its users run it: a process of its own with the service account and the RBAC of our manifests, told
// about ports, proxies and namespaces by its environment. Nothing of it runs in the test's process; what a test learns
// of it, it learns as a person would: over HTTP, from its log, and from the cluster.
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import type { Cluster, KubernetesObject } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import type { FaultProxy } from "#test/controlplane/FaultProxy"
import type { NameProxy } from "#test/controlplane/NameProxy"
import type { Status } from "#schemas/Status"
import { type Exit, freePort, ProcessGroup, type ServerProcess } from "#test/controlplane/Processes"

const root = new URL("../../..", import.meta.url).pathname

/** Where an operator is installed: its Lease and its ConfigMaps live there, and this is who it is. */
export interface Home {
  readonly namespace: string
  readonly serviceAccount: string
}

/** The objects of one folder of manifests/, as kubectl would apply them. */
export const renderManifests = async (cluster: Cluster, folder: string): Promise<ReadonlyArray<KubernetesObject>> => {
  const { stdout } = await cluster.kubectl(["kustomize", join(root, "manifests", folder)])
  return parseAllDocuments(stdout).flatMap((document) => {
    const object: unknown = document.toJS()
    return object instanceof Object ? [object as KubernetesObject] : []
  })
}

/** Waits until every kind of ours is served, so that an object of it can be created. */
export const installCrds = async (cluster: Cluster): Promise<void> => {
  await cluster.kubectl(["apply", "--server-side", "-k", join(root, "manifests", "crd")])
  const names = (await renderManifests(cluster, "crd")).map(({ metadata }) => `crd/${metadata?.name ?? ""}`)
  await cluster.kubectl(["wait", "--for=condition=Established", "--timeout=60s", ...names])
  // kubectl remembers for ten minutes what is served, and a category that it does not know makes it look no further.
  await cluster.kubectl(["api-resources", "--categories=scalers"])
}

interface Binding extends KubernetesObject {
  readonly subjects?: ReadonlyArray<{ readonly kind: string; readonly namespace?: string }>
}

/**
 * The CRDs and the generated RBAC, in a namespace of their own: each home has its own Lease, so operators of different
 * homes know nothing of each other, and those of one home elect a leader.
 */
export const installOperator = async (cluster: Cluster, prefix = "operator"): Promise<Home> => {
  await installCrds(cluster)
  const namespace = await cluster.newNamespace(prefix)
  const objects = await renderManifests(cluster, "rbac")
  const moved = objects.map((object): KubernetesObject => {
    const metadata = {
      ...object.metadata,
      ...(object.metadata?.namespace === undefined ? {} : { namespace }),
      // Cluster-wide, so the binding of another home must not be replaced by ours.
      ...(object.kind === "ClusterRoleBinding" ? { name: `${object.metadata?.name ?? ""}-${namespace}` } : {})
    }
    const { subjects } = object as Binding
    return {
      ...object,
      metadata,
      ...(subjects === undefined ? {} : { subjects: subjects.map((subject) => ({ ...subject, namespace })) })
    }
  })
  await cluster.kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], {
    input: moved.map((object) => JSON.stringify(object)).join("\n---\n")
  })
  // A controller gathers what an aggregating role may do.
  for (const { kind, metadata, aggregationRule } of objects) {
    if (kind !== "ClusterRole" || aggregationRule === undefined) continue
    const path = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${metadata?.name ?? ""}`
    await eventually(
      async () => ((await cluster.get<{ readonly rules?: ReadonlyArray<object> | null }>(path)).rules ?? []).length > 0,
      { what: `the rules of ${path} to be gathered` }
    )
  }
  const account = objects.find(({ kind }) => kind === "ServiceAccount")?.metadata?.name
  if (account === undefined) throw new Error("manifests/rbac holds no ServiceAccount")
  return { namespace, serviceAccount: account }
}

export interface OperatorOptions {
  readonly cluster: Cluster
  /** Where its RBAC and its Lease are. Default: a new home. */
  readonly home?: Home
  /** Who it is in the Lease and in its Events. Default: "operator-0". */
  readonly name?: string
  /** Default: the service account of its home, through `through`. */
  readonly kubeconfig?: string
  /** The API server is reached through it. */
  readonly through?: FaultProxy
  /** Namespaces to watch, by commas. Default: all of them, so no other operator may run beside it. */
  readonly watch?: string
  /** Names that lead to servers of the test. */
  readonly names?: NameProxy
  readonly env?: Readonly<Record<string, string>>
  /** Comes back as soon as the process is started. Default: true, it is awaited until /readyz says 200. */
  readonly awaitReady?: boolean
}

/** One entry of /scaling-activity, as far as tests read it. */
export interface ActivityEntry {
  readonly timestamp: string
  readonly namespace: string
  readonly deployment: string
  readonly action: string
  readonly oldReplicas: number
  readonly newReplicas: number
  readonly outcome: string
  readonly reason: string
  readonly rule: string
  readonly ruleKind: string
  readonly engine: string
  readonly limitedBy: ReadonlyArray<string>
  readonly id: string
  readonly [key: string]: unknown
}

interface PolicyName {
  readonly namespace: string
  readonly name: string
}

/** One entry of /api/v1/policies. */
export interface PolicyEntry {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly phase: string
  readonly status: Status
}

export interface ProbeReport {
  readonly status: string
  readonly version: string
  readonly leader: { readonly leading: boolean; readonly holder?: string }
  readonly waitingFor?: ReadonlyArray<string>
  readonly components: Readonly<Record<string, { readonly healthy: boolean | null; readonly detail: string }>>
}

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export interface LogLine {
  readonly time: string
  readonly level: string
  readonly message: string
  readonly [key: string]: unknown
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const SERIES = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

/** Prometheus' text format, as far as one exporter's own output needs it. */
export const parseMetrics = (text: string): ReadonlyArray<Sample> =>
  text.split("\n").flatMap((line) => {
    const [, name, labels = "", value = ""] = SERIES.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", text = ""]) => [key, text.replace(/\\(.)/g, "$1")])
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }]
  })

/** As its pod would be: the service account's token, and nothing else. */
const accountKubeconfig = async (cluster: Cluster, home: Home, through: FaultProxy | undefined): Promise<string> =>
  cluster.kubeconfig({
    token: await cluster.serviceAccountToken(home.namespace, home.serviceAccount),
    ...(through === undefined ? {} : { server: through.url })
  })

export class OperatorProcess {
  readonly name: string
  readonly home: Home
  readonly metricsUrl: string
  readonly probeUrl: string
  readonly dashboardUrl: string
  readonly #group: ProcessGroup
  readonly #process: ServerProcess

  private constructor(
    group: ProcessGroup,
    server: ServerProcess,
    name: string,
    home: Home,
    ports: { readonly metrics: number; readonly probe: number; readonly dashboard: number }
  ) {
    this.#group = group
    this.#process = server
    this.name = name
    this.home = home
    this.metricsUrl = `http://127.0.0.1:${ports.metrics}`
    this.probeUrl = `http://127.0.0.1:${ports.probe}`
    this.dashboardUrl = `http://127.0.0.1:${ports.dashboard}`
  }

  static async start(options: OperatorOptions): Promise<OperatorProcess> {
    const { cluster, name = "operator-0", through, awaitReady = true } = options
    const home = options.home ?? (await installOperator(cluster))
    const kubeconfig = options.kubeconfig ?? (await accountKubeconfig(cluster, home, through))
    const group = await ProcessGroup.open(name)
    try {
      const ports = { metrics: await freePort(), probe: await freePort(), dashboard: await freePort() }
      const isBundle = (process.env["NIMBUSGUARD_BUNDLE"] ?? "") !== ""
      const server = group.start({
        name,
        program: process.execPath,
        args: [join(root, isBundle ? "dist/nimbusguard.mjs" : "src/main.ts"), "run"],
        env: {
          KUBECONFIG: kubeconfig,
          METRICS_PORT: String(ports.metrics),
          PROBE_PORT: String(ports.probe),
          DASHBOARD_PORT: String(ports.dashboard),
          POD_NAME: name,
          POD_NAMESPACE: home.namespace,
          // Our RBAC does not allow it, as the manifests ship them.
          INSTALL_CRDS: "false",
          LOG_LEVEL: "debug",
          LOG_FORMAT: "json",
          WATCH_NAMESPACE: options.watch ?? "",
          // What the machine around us is configured for is none of the test's business.
          ...Object.fromEntries(
            ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((each) => [
              [each, ""],
              [each.toLowerCase(), ""]
            ])
          ),
          OPENAI_API_KEY: "",
          PROMETHEUS_URL: "",
          OTEL_EXPORTER_OTLP_ENDPOINT: "",
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "",
          ...options.names?.environment,
          ...options.env
        }
      })
      const operator = new OperatorProcess(group, server, name, home, ports)
      if (awaitReady) await operator.ready()
      return operator
    } catch (error) {
      await group.close()
      throw error
    }
  }

  get pid(): number {
    return this.#process.pid
  }

  get exited(): Promise<Exit> {
    return this.#process.exited
  }

  get isRunning(): boolean {
    return this.#process.exit === undefined
  }

  /** Throws, with the end of its log, when it has ended. */
  assertRunning(): void {
    this.#process.assertRunning()
  }

  async ready(timeoutMillis = 60_000): Promise<void> {
    await this.#probe("to be ready", timeoutMillis, (answer) => answer.status === 200)
  }

  /** Waits until it holds the Lease; readiness alone is a standby's too. */
  async leads(timeoutMillis = 60_000): Promise<void> {
    await this.#probe("to lead", timeoutMillis, ({ text }) => (JSON.parse(text) as ProbeReport).leader.leading)
  }

  async #probe(what: string, timeoutMillis: number, holds: (answer: Answer) => boolean): Promise<void> {
    try {
      await eventually(
        async (seen) => {
          const answer = await this.get(`${this.probeUrl}/readyz`)
          seen(answer.text)
          return holds(answer)
        },
        {
          what: `${this.name} ${what}`,
          timeoutMillis,
          intervalMillis: 50,
          assertHope: () => this.assertRunning()
        }
      )
    } catch (error) {
      throw new Error(`${String(error)}\nits log ends:\n${this.tail(30)}`, { cause: error })
    }
  }

  // --- what it says

  /** One request; any status is an answer. */
  async get(url: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000), ...init })
    return {
      status: answer.status,
      contentType: answer.headers.get("content-type") ?? "",
      text: await answer.text()
    }
  }

  async probe(path: "/healthz" | "/livez" | "/ready" | "/readyz" = "/readyz"): Promise<ProbeReport> {
    return JSON.parse((await this.get(`${this.probeUrl}${path}`)).text) as ProbeReport
  }

  /** Newest first. */
  async activity(): Promise<ReadonlyArray<ActivityEntry>> {
    const { status, text } = await this.get(`${this.dashboardUrl}/scaling-activity`)
    if (status !== 200) throw new Error(`/scaling-activity answered ${status}: ${text}`)
    return JSON.parse(text) as ReadonlyArray<ActivityEntry>
  }

  /** What happened to one Deployment, oldest first. */
  async activityOf(namespace: string, deployment: string): Promise<ReadonlyArray<ActivityEntry>> {
    const all = await this.activity()
    return all.filter((each) => each.namespace === namespace && each.deployment === deployment).toReversed()
  }

  /** The same as "2->4", for what was really written. */
  async movesOf(namespace: string, deployment: string): Promise<ReadonlyArray<string>> {
    return (await this.activityOf(namespace, deployment))
      .filter(({ outcome }) => outcome === "Scaled")
      .map(({ newReplicas, oldReplicas }) => `${oldReplicas}->${newReplicas}`)
  }

  async policies(): Promise<ReadonlyArray<PolicyEntry>> {
    const { status, text } = await this.get(`${this.dashboardUrl}/api/v1/policies`)
    if (status !== 200) throw new Error(`/api/v1/policies answered ${status}: ${text}`)
    return JSON.parse(text) as ReadonlyArray<PolicyEntry>
  }

  /** Decisions that it has made for a policy, in the last 24 hours. */
  async decisionsOf(policy: PolicyName): Promise<number> {
    const found = (await this.policies()).find(
      ({ name, namespace }) => name === policy.name && namespace === policy.namespace
    )
    return found?.status.metrics?.totalDecisions ?? 0
  }

  async untilDecisions(policy: PolicyName, count: number): Promise<void> {
    await eventually(
      async (seen) => {
        const now = await this.decisionsOf(policy)
        seen(now)
        return now >= count
      },
      { what: `decision ${count} of ${policy.name}`, timeoutMillis: 120_000 }
    )
  }

  /** Waits for so many more decisions of a policy: ticks gone by, without waiting for a time. */
  async ticks(policy: PolicyName, count: number): Promise<void> {
    await this.untilDecisions(policy, (await this.decisionsOf(policy)) + count)
  }

  async metrics(): Promise<ReadonlyArray<Sample>> {
    const { status, text } = await this.get(`${this.metricsUrl}/metrics`)
    if (status !== 200) throw new Error(`/metrics answered ${status}: ${text}`)
    return parseMetrics(text)
  }

  /** The value of the one series with these labels (and maybe more), or undefined. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    const found = (await this.metrics()).filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
    )
    if (found.length > 1) throw new Error(`${found.length} series fit ${name} ${JSON.stringify(labels)}`)
    return found[0]?.value
  }

  /** The lines that are JSON; what Node itself prints is not among them, see `tail`. */
  logs(): ReadonlyArray<LogLine> {
    return this.#process
      .log()
      .split("\n")
      .flatMap((line) => {
        try {
          return line.startsWith("{") ? [JSON.parse(line) as LogLine] : []
        } catch {
          return []
        }
      })
  }

  tail(lines = 15): string {
    return this.#process.tail(lines)
  }

  // --- what happens to it

  /** SIGTERM, as the kubelet ends a pod; SIGKILL after the grace. */
  async stop(graceMillis = 30_000): Promise<Exit> {
    const exit = await this.#process.stop(graceMillis)
    await this.#group.close()
    return exit
  }

  /** kill -9: no finalizer runs, the Lease stays held. */
  async kill(): Promise<void> {
    await this.#process.kill()
    await this.#group.close()
  }

  /** SIGSTOP: a process that its machine has forgotten, with its connections open. */
  freeze(): Promise<void> {
    return this.#process.freeze()
  }

  thaw(): void {
    this.#process.thaw()
  }
}

/** A manifest of the seeds, to the letter. */
export const readSeed = (name: string): Promise<string> =>
  readFile(join(root, "test/fixtures/seeds", `${name}.yaml`), "utf8")
