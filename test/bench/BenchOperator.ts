/**
 * The bundled operator as a process of its own against the stub, on one core where the machine lets us choose: what a
 * pod is. The stub and whoever measures have the other cores.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { type Certificate, CertificateAuthority } from "#test/controlplane/Certificates"
import { freePort } from "#test/controlplane/Processes"
import { cpuMillisOfThreads, parseMetrics, type Sample } from "#test/bench/measured"
import type { StubCounts, StubOptions, StubPorts } from "#test/bench/StubApi"
import type { FleetOptions } from "#test/bench/StubFleet"

const root = new URL("../..", import.meta.url).pathname
const cores = availableParallelism()
const canPin = (() => {
  try {
    execFileSync("taskset", ["-c", "0", "true"], { stdio: "ignore" })
    return cores > 1
  } catch {
    return false
  }
})()

/** The operator's core is the last one; everybody else shares the others. */
const pinned = (program: string, args: ReadonlyArray<string>, core: "own" | "others" | "any"): ReadonlyArray<string> =>
  canPin && core !== "any"
    ? ["taskset", "-c", core === "own" ? String(cores - 1) : `0-${cores - 2}`, program, ...args]
    : [program, ...args]

export const placement = canPin
  ? `the operator on core ${cores - 1}, everything else on ${cores - 1} other${cores === 2 ? "" : "s"}`
  : "not pinned: taskset or a second core is missing"

/** The bundle as `make build` makes it, but in a folder that nobody else builds into meanwhile. */
export const bundleInto = (folder: string): void => {
  const env = { ...process.env, BUNDLE_DIR: folder }
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] })
}

/** Node's own `http.get`, because the first answer is timed and `fetch` would have to be warmed up. */
const fetchText = (url: string): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") })
      )
    }).on("error", reject)
  })

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

export interface Start {
  /** From the start of the process to the first answer of 200. */
  readonly wallMillis: number
  /** What all its threads have computed until then: says more than the wall where the machine is busy. */
  readonly cpuMillis: number
}

const untilReady = async (url: string, child: ChildProcess, startedAt: number, log: string): Promise<Start> => {
  while (child.exitCode === null && child.signalCode === null) {
    const status = await fetchText(url).then(
      (answer) => answer.status,
      () => 0
    )
    if (status === 200) {
      return { wallMillis: performance.now() - startedAt, cpuMillis: cpuMillisOfThreads(child.pid ?? 0) }
    }
    if (performance.now() - startedAt > 120_000) break
    await sleep(1)
  }
  throw new Error(`${url} never said 200; the log ends:\n${readFileSync(log, "utf8").slice(-4000)}`)
}

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  child.kill("SIGTERM")
  const late = setTimeout(() => child.kill("SIGKILL"), 30_000)
  await over
  clearTimeout(late)
}

const spawnPinned = (
  args: ReadonlyArray<string>,
  core: "own" | "others" | "any",
  env: Readonly<Record<string, string>>,
  stdio: ["pipe" | "ignore", "pipe" | number, "inherit" | number]
): ChildProcess => {
  const [program = "", ...rest] = pinned(process.execPath, args, core)
  const { HOME = "/", PATH = "" } = process.env
  // What the machine is configured for (proxies, tracing, Node's own options) is none of the benchmark's business.
  return spawn(program, rest, { cwd: root, stdio, env: { HOME, PATH, ...env } })
}

/** A bare Node server: what start-up cannot be faster than. */
export const startBareNode = async (folder: string): Promise<Start> => {
  const port = await freePort()
  const log = join(folder, "bare.log")
  const file = openSync(log, "w")
  const startedAt = performance.now()
  const source = `require("node:http").createServer((_, response) => response.end("ok")).listen(${port}, "127.0.0.1")`
  const child = spawnPinned(["-e", source], "any", {}, ["ignore", file, file])
  try {
    return await untilReady(`http://127.0.0.1:${port}/readyz`, child, startedAt, log)
  } finally {
    await ended(child)
    closeSync(file)
  }
}

export class Bench {
  readonly folder: string
  readonly bundle: string
  readonly #compiled: string
  readonly #authority: CertificateAuthority
  readonly #certificate: Certificate

  private constructor(folder: string, authority: CertificateAuthority, certificate: Certificate) {
    this.folder = folder
    this.#compiled = join(folder, "compiled")
    // Another one than the present sources: to compare two of them.
    this.bundle = process.env["BENCH_BUNDLE"] ?? join(folder, "dist")
    this.#authority = authority
    this.#certificate = certificate
  }

  static async open(): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), "nimbusguard-bench-"))
    const authority = await CertificateAuthority.create(folder)
    const bench = new Bench(folder, authority, await authority.issue({ name: "stub" }))
    if (process.env["BENCH_BUNDLE"] === undefined) bundleInto(bench.bundle)
    bench.#compile()
    return bench
  }

  /** As the image is made: what every start compiles is kept, by a start that ends for want of a cluster. */
  #compile(): void {
    const child = spawnSync(process.execPath, [join(this.bundle, "nimbusguard.mjs"), "run"], {
      env: { HOME: this.folder, NODE_COMPILE_CACHE: this.#compiled },
      stdio: "ignore"
    })
    if (child.status !== 1) throw new Error(`\`run\` without a cluster ended with ${child.status}, not with 1`)
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  async stub(fleet: FleetOptions): Promise<Stub> {
    const options: StubOptions = { fleet, ...this.#certificate }
    const program = join(import.meta.dirname, "StubApi.ts")
    const args = ["--max-old-space-size=4096", program, JSON.stringify(options)]
    const child = spawnPinned(args, "others", {}, ["pipe", "pipe", "inherit"])
    if (child.stdout === null) throw new Error("the stub has no output")
    for await (const line of createInterface({ input: child.stdout })) {
      return new Stub(child, JSON.parse(line) as StubPorts, await this.#authority.pem())
    }
    throw new Error("the stub ended before it listened")
  }

  async operator(stub: Stub, options: OperatorOptions = {}): Promise<BenchOperator> {
    const folder = mkdtempSync(join(this.folder, "operator-"))
    const kubeconfig = join(folder, "kubeconfig")
    writeFileSync(kubeconfig, stub.kubeconfig)
    mkdirSync(join(folder, "settings"))
    const ports = { metrics: await freePort(), probe: await freePort(), dashboard: await freePort() }
    const log = join(folder, "log")
    const file = openSync(log, "w")
    const env = {
      KUBECONFIG: kubeconfig,
      METRICS_PORT: String(ports.metrics),
      PROBE_PORT: String(ports.probe),
      DASHBOARD_PORT: String(ports.dashboard),
      POD_NAME: "operator-0",
      POD_NAMESPACE: "nimbusguard",
      INSTALL_CRDS: "false",
      PROMETHEUS_URL: `http://127.0.0.1:${stub.ports.prometheusPort}`,
      SETTINGS_DIR: join(folder, "settings"),
      NODE_COMPILE_CACHE: this.#compiled,
      ...options.env
    }
    const startedAt = performance.now()
    const args = [...(options.nodeArgs ?? []), join(this.bundle, "nimbusguard.mjs"), "run"]
    const child = spawnPinned(args, options.core ?? "own", env, ["ignore", file, file])
    closeSync(file)
    try {
      const start = await untilReady(`http://127.0.0.1:${ports.probe}/readyz`, child, startedAt, log)
      return new BenchOperator(child, ports.metrics, start, log)
    } catch (error) {
      await ended(child)
      throw error
    }
  }
}

export interface OperatorOptions {
  readonly core?: "own" | "any"
  readonly nodeArgs?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

export class Stub {
  readonly ports: StubPorts
  readonly kubeconfig: string
  readonly #child: ChildProcess

  constructor(child: ChildProcess, ports: StubPorts, authorityPem: string) {
    this.#child = child
    this.ports = ports
    this.kubeconfig = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "stub",
      contexts: [{ name: "stub", context: { cluster: "stub", user: "operator" } }],
      clusters: [
        {
          name: "stub",
          cluster: {
            server: `https://127.0.0.1:${ports.apiPort}`,
            "certificate-authority-data": Buffer.from(authorityPem).toString("base64")
          }
        }
      ],
      users: [{ name: "operator", user: { token: "stub" } }]
    })
  }

  async counts(): Promise<StubCounts> {
    return JSON.parse((await fetchText(`http://127.0.0.1:${this.ports.prometheusPort}/bench`)).text) as StubCounts
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async stop(): Promise<void> {
    await ended(this.#child)
  }
}

export class BenchOperator {
  readonly start: Start
  readonly log: string
  readonly #child: ChildProcess
  readonly #metricsPort: number

  constructor(child: ChildProcess, metricsPort: number, start: Start, log: string) {
    this.#child = child
    this.#metricsPort = metricsPort
    this.start = start
    this.log = log
  }

  /** taskset becomes the program that it starts, so this is the operator's own. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async metrics(): Promise<ReadonlyArray<Sample>> {
    const { status, text } = await fetchText(`http://127.0.0.1:${this.#metricsPort}/metrics`)
    if (status !== 200) throw new Error(`/metrics answered ${status}: ${text.slice(0, 400)}`)
    return parseMetrics(text)
  }

  async stop(): Promise<void> {
    await ended(this.#child)
  }
}
