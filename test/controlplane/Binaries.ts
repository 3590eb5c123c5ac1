// Which programs the integration tests need, where they are found, and how they are made. Nothing is downloaded as a
// binary: the Go programs are compiled from their published modules, so the same commit gives the same servers
// everywhere. Order: KUBEBUILDER_ASSETS (envtest's convention), .cache/bin, PATH, and only then a compiler.
import { execFile, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, readFileSync } from "node:fs"
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises"
import { availableParallelism, tmpdir } from "node:os"
import { basename, delimiter, join } from "node:path"
import { promisify } from "node:util"

export type Program =
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl-1.36"
  | "etcd"
  | "kwok"
  | "hpa-oracle"
  | "nats-server"
  | "prometheus"
  | "redis-server"
  | "kafka"

export const controlPlanePrograms: ReadonlyArray<Program> = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubectl-1.36",
  "etcd",
  "kwok"
]

export const allPrograms: ReadonlyArray<Program> = [
  ...controlPlanePrograms,
  "hpa-oracle",
  "nats-server",
  "prometheus",
  "redis-server",
  "kafka"
]

export type Programs = Readonly<Partial<Record<Program, string>>>

/** A test of ours, by its path from here, and the package of the module that it becomes a part of. */
interface Driver {
  readonly path: string
  readonly test: string
}

interface GoGroup {
  readonly name: string
  /** Under modules/, with a go.mod and a go.sum of its own: their dependencies do not agree. Default: the name. */
  readonly folder?: string
  /** The module whose version is shown and stamped into the programs. */
  readonly module: string
  readonly packages: Readonly<Partial<Record<Program, string>>>
  /** Variables the linker sets, from the module's version. */
  readonly stamps: (version: string) => Readonly<Record<string, string>>
  readonly driver?: Driver
  /** From nothing, on two cores. */
  readonly about: string
}

const kubernetesVersion = (version: string): Readonly<Record<string, string>> => {
  const [major = "", minor = ""] = version.replace(/^v/, "").split(".")
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: "clean" }
  return Object.fromEntries(
    ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((holder) =>
      Object.entries(values).map(([name, value]) => [`${holder}.${name}`, value])
    )
  )
}

const groups: ReadonlyArray<GoGroup> = [
  {
    name: "kubernetes",
    module: "k8s.io/kubernetes",
    packages: {
      "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
      "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
      "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
      "kubectl-1.36": "k8s.io/kubernetes/cmd/kubectl"
    },
    stamps: kubernetesVersion,
    about: "7 minutes"
  },
  {
    name: "hpa",
    folder: "kubernetes",
    module: "k8s.io/kubernetes",
    packages: { "hpa-oracle": "nimbusguard.io/controlplane/kubernetes/hpa" },
    stamps: (version) => ({ "nimbusguard.io/controlplane/kubernetes/hpa.kubernetesVersion": version }),
    driver: { path: "pkg/controller/podautoscaler", test: "hpa/oracle_test.go" },
    about: "3 minutes"
  },
  {
    name: "etcd",
    module: "go.etcd.io/etcd/server/v3",
    packages: { etcd: "go.etcd.io/etcd/server/v3" },
    stamps: () => ({}),
    about: "1 minute"
  },
  {
    name: "kwok",
    module: "sigs.k8s.io/kwok",
    packages: { kwok: "sigs.k8s.io/kwok/cmd/kwok" },
    stamps: (version) => ({ "sigs.k8s.io/kwok/pkg/consts.Version": version }),
    about: "2 minutes"
  },
  {
    name: "nats",
    module: "github.com/nats-io/nats-server/v2",
    packages: { "nats-server": "github.com/nats-io/nats-server/v2" },
    stamps: () => ({}),
    about: "1 minute"
  }
]

const modulesFolder = join(import.meta.dirname, "modules")
export const cacheFolder = join(import.meta.dirname, "..", "..", ".cache", "bin")

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const inPath = (name: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable)

const folderOf = ({ folder, name }: GoGroup): string => join(modulesFolder, folder ?? name)

const driverPath = (test: string): string => join(import.meta.dirname, test)

const versionOf = (group: GoGroup): string => {
  const text = readFileSync(join(folderOf(group), "go.mod"), "utf8")
  const line = text.split("\n").find((each) => each.trim().startsWith(`${group.module} v`))
  if (line === undefined)
    throw new Error(`modules/${group.folder ?? group.name}/go.mod does not require ${group.module}`)
  return line.trim().split(/\s+/)[1] ?? ""
}

const linkerFlags = (group: GoGroup): string =>
  ["-s", "-w", ...Object.entries(group.stamps(versionOf(group))).map(([name, value]) => `-X ${name}=${value}`)].join(
    " "
  )

const stampPath = (group: GoGroup): string => join(cacheFolder, `${group.name}.stamp`)

/** What the programs of a group are made from; a different stamp means: make them again. */
const wantedStamp = (group: GoGroup): string => {
  const hash = createHash("sha256")
  for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(folderOf(group), file)))
  if (group.driver !== undefined) hash.update(readFileSync(driverPath(group.driver.test)))
  hash.update(linkerFlags(group))
  hash.update(JSON.stringify(group.packages))
  return `${versionOf(group)} ${hash.digest("hex")}\n`
}

const isCurrent = (group: GoGroup): boolean =>
  existsSync(stampPath(group)) && readFileSync(stampPath(group), "utf8") === wantedStamp(group)

const groupOf = (program: Program): GoGroup | undefined => groups.find((group) => group.packages[program] !== undefined)

const kafkaPom = join(import.meta.dirname, "kafka", "pom.xml")
const kafkaStamp = (): string => createHash("sha256").update(readFileSync(kafkaPom)).digest("hex")
const kafkaStampPath = join(cacheFolder, "kafka.stamp")

/** False only for what we made ourselves, and would make differently now. */
const isUpToDate = (program: Program): boolean => {
  if (program === "kafka") return existsSync(kafkaStampPath) && readFileSync(kafkaStampPath, "utf8") === kafkaStamp()
  const group = groupOf(program)
  return group === undefined || isCurrent(group)
}

/** envtest's folder has three of them, kubectl under its plain name. */
const envtestName: Readonly<Partial<Record<Program, string>>> = {
  "kube-apiserver": "kube-apiserver",
  etcd: "etcd",
  "kubectl-1.36": "kubectl"
}

export interface Search {
  /** What a build asks: of the Go programs only those made from the present modules count, whatever the PATH has. */
  readonly onlyCurrent?: boolean
}

export const findProgram = (program: Program, { onlyCurrent = false }: Search = {}): string | undefined => {
  const assets = process.env["KUBEBUILDER_ASSETS"] ?? ""
  const envtest = envtestName[program]
  if (assets !== "" && envtest !== undefined && isExecutable(join(assets, envtest))) return join(assets, envtest)
  const cached = join(cacheFolder, program)
  const isOurs = groupOf(program) !== undefined || program === "kafka"
  if (isExecutable(cached) && (!onlyCurrent || isUpToDate(program))) return cached
  return onlyCurrent && isOurs ? undefined : inPath(program)
}

export const findPrograms = (search: Search = {}): Programs =>
  Object.fromEntries(
    allPrograms.flatMap((program) => {
      const path = findProgram(program, search)
      return path === undefined ? [] : [[program, path]]
    })
  )

const remedies: Readonly<Record<Program, string>> = {
  "kube-apiserver": "set KUBEBUILDER_ASSETS to the folder that setup-envtest prints, put it on the PATH, or compile it",
  "kube-controller-manager": "put it on the PATH or compile it",
  "kube-scheduler": "put it on the PATH or compile it",
  "kubectl-1.36": "compile it",
  etcd: "set KUBEBUILDER_ASSETS, install etcd (Homebrew and most Linux distributions have it), or compile it",
  kwok: "install kwok (Homebrew has it) or compile it",
  "hpa-oracle": "compile it",
  "nats-server": "install nats-server 2.10 or later (Homebrew has it) or compile it",
  prometheus: "install prometheus (Homebrew, and `apt-get install prometheus` on Debian and Ubuntu)",
  "redis-server": "install redis-server 7 (Homebrew has redis, `apt-get install redis-server` Debian and Ubuntu)",
  kafka:
    "COMPILE=1 npm run test:integration collects its jars (needs a JDK of 17 or later and Maven, about 1 minute, once)"
}

/** A sentence for a person: what is missing and the ways to get it. */
export const remedyFor = (program: Program): string => {
  const group = groupOf(program)
  const compile =
    group === undefined
      ? ""
      : `: COMPILE=1 npm run test:integration (needs Go, about ${group.about} on two cores, once)`
  return `${program} is missing: ${remedies[program]}${compile}`
}

/** Compiling takes minutes, so it happens only in CI or when somebody asks. */
export const mayCompile = (): boolean => process.env["CI"] === "true" || (process.env["COMPILE"] ?? "") !== ""

export type Progress = (line: string) => void

const seconds = (started: number): string => `${Math.round((performance.now() - started) / 1000)} s`

/** Runs a command; on failure the error holds the end of what it printed. */
const run = async (
  program: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly onMinute?: () => void }
): Promise<void> => {
  const child = spawn(program, [...args], { cwd: options.cwd, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-6000)
  }
  child.stdout.on("data", keep)
  child.stderr.on("data", keep)
  const timer = setInterval(() => options.onMinute?.(), 60_000)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", resolve)
  }).finally(() => clearInterval(timer))
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with code ${code}:\n${output}`)
}

/**
 * A package of our module that is there only for Go's -overlay: the published source of theirs, read where Go keeps it,
 * and our test beside it, which so reaches what theirs does not export. Nothing of it is copied.
 */
const writeOverlay = async (group: GoGroup, { path, test }: Driver, folder: string): Promise<string> => {
  const cwd = folderOf(group)
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", group.module], { cwd })
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string }
  const source = join(Dir, path)
  const files = (await readdir(source)).filter((name) => name.endsWith(".go") && !name.endsWith("_test.go"))
  const Replace = Object.fromEntries(files.map((name) => [join(cwd, group.name, name), join(source, name)]))
  const overlay = join(folder, "overlay.json")
  const driver = { [join(cwd, group.name, basename(test))]: driverPath(test) }
  await writeFile(overlay, JSON.stringify({ Replace: { ...Replace, ...driver } }))
  return overlay
}

const compile = async (group: GoGroup, progress: Progress): Promise<void> => {
  if (inPath("go") === undefined) {
    const names = Object.keys(group.packages).join(", ")
    throw new Error(`Compiling ${names} needs Go, and there is no go on the PATH: install Go 1.26 or later`)
  }
  const started = performance.now()
  const cores = availableParallelism()
  progress(
    `Compiling ${Object.keys(group.packages).join(", ")} (${group.module} ${versionOf(group)}) on ${cores} cores; ` +
      `about ${group.about} from nothing, seconds from Go's cache`
  )
  // Built aside and moved over: a running program cannot be written to, and half a program must never be found.
  const aside = await mkdtemp(join(cacheFolder, ".making-"))
  try {
    const { driver } = group
    const verb =
      driver === undefined
        ? ["build", "-buildvcs=false"]
        : ["test", "-c", "-vet=off", "-overlay", await writeOverlay(group, driver, aside)]
    await run("go", [...verb, "-ldflags", linkerFlags(group), "-o", `${aside}/`, ...Object.values(group.packages)], {
      cwd: folderOf(group),
      onMinute: () => progress(`  still compiling ${group.name}, ${seconds(started)}`)
    })
    for (const [program, path] of Object.entries(group.packages)) {
      // The name that go gives a command: the last part of its path, a trailing /v2 not counted.
      const command =
        path
          .replace(/\/v\d+$/, "")
          .split("/")
          .at(-1) ?? program
      const made = driver === undefined ? command : `${command}.test`
      await rename(join(aside, made), join(cacheFolder, program))
    }
    await writeFile(stampPath(group), wantedStamp(group))
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  progress(`  ${group.name} is ready, ${seconds(started)}`)
}

/** The files of Debian packages, unpacked into a folder and installed nowhere. */
const unpack = async (packages: ReadonlyArray<string>, aside: string): Promise<string> => {
  // apt downloads as a user of its own.
  await chmod(aside, 0o755)
  const download = () => run("apt-get", ["download", ...packages], { cwd: aside })
  try {
    await download()
  } catch {
    // No package lists yet, or lists older than the mirror.
    await run("apt-get", ["update"], { cwd: aside })
    await download()
  }
  const archives = (await readdir(aside)).filter((name) => name.endsWith(".deb"))
  if (archives.length < packages.length) throw new Error(`apt-get download ${packages.join(" ")} left packages out`)
  for (const archive of archives) await run("dpkg-deb", ["-x", archive, "out"], { cwd: aside })
  return join(aside, "out")
}

const fromDebian = async (
  program: Program,
  packages: ReadonlyArray<string>,
  progress: Progress,
  take: (out: string) => Promise<void>
): Promise<void> => {
  if (inPath("apt-get") === undefined || inPath("dpkg-deb") === undefined) throw new Error(remedyFor(program))
  const started = performance.now()
  progress(`Unpacking ${program} from Debian's package`)
  const aside = await mkdtemp(join(tmpdir(), `nimbusguard-${program}-`))
  try {
    await take(await unpack(packages, aside))
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  progress(`  ${program} is ready, ${seconds(started)}`)
}

/**
 * Prometheus comes out of Debian's package, unpacked beside the other programs instead of installed: an installed one
 * would start as a service, on its well-known port, on somebody's machine.
 */
const unpackPrometheus = (progress: Progress): Promise<void> =>
  fromDebian("prometheus", ["prometheus"], progress, async (out) => {
    const making = join(cacheFolder, ".making-prometheus")
    await copyFile(join(out, "usr", "bin", "prometheus"), making)
    await rename(making, join(cacheFolder, "prometheus"))
  })

/** Redis' own program is in its package of tools under another name; two of its libraries are nobody else's. */
const unpackRedis = (progress: Progress): Promise<void> =>
  fromDebian("redis-server", ["redis-tools", "libjemalloc2", "liblzf1"], progress, async (out) => {
    const folder = join(cacheFolder, "redis")
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await copyFile(join(out, "usr", "bin", "redis-check-rdb"), join(folder, "redis-server"))
    for (const path of await readdir(out, { recursive: true })) {
      if (/\.so\.\d+$/.test(path)) await copyFile(join(out, path), join(folder, basename(path)))
    }
    const making = join(cacheFolder, ".making-redis-server")
    const script = '#!/bin/sh\nhere=$(dirname "$0")/redis\nLD_LIBRARY_PATH=$here exec "$here/redis-server" "$@"\n'
    await writeFile(making, script)
    await chmod(making, 0o755)
    await rename(making, join(cacheFolder, "redis-server"))
  })

/** A broker is a folder of jars; the program runs one of their classes, or a source file that uses them. */
const collectKafka = async (progress: Progress): Promise<void> => {
  if (inPath("mvn") === undefined || inPath("java") === undefined) throw new Error(remedyFor("kafka"))
  const started = performance.now()
  progress("Collecting Kafka's jars")
  const aside = await mkdtemp(join(cacheFolder, ".making-"))
  try {
    const jars = `kafka-jars-${kafkaStamp().slice(0, 12)}`
    const into = `-DoutputDirectory=${join(aside, jars)}`
    await run("mvn", ["-q", "-B", "-f", kafkaPom, "dependency:copy-dependencies", "-DincludeScope=runtime", into], {
      cwd: aside
    })
    await rm(join(cacheFolder, jars), { recursive: true, force: true })
    await rename(join(aside, jars), join(cacheFolder, jars))
    const script = [
      "#!/bin/sh",
      '[ "$1" = --version ] && set -- kafka.Kafka --version',
      // Small, and quick to start rather than quick for hours.
      `exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$(dirname "$0")/${jars}/*" "$@"`
    ]
    const making = join(aside, "kafka")
    await writeFile(making, `${script.join("\n")}\n`)
    await chmod(making, 0o755)
    await rename(making, join(cacheFolder, "kafka"))
    await writeFile(kafkaStampPath, kafkaStamp())
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  progress(`  kafka is ready, ${seconds(started)}`)
}

/** Makes what is missing or out of date, one after the other. */
export const makePrograms = async (wanted: ReadonlyArray<Program>, progress: Progress): Promise<void> => {
  await mkdir(cacheFolder, { recursive: true })
  const missing = wanted.filter((program) => findProgram(program, { onlyCurrent: true }) === undefined)
  for (const group of groups) {
    if (missing.some((program) => groupOf(program) === group)) await compile(group, progress)
  }
  if (missing.includes("prometheus")) await unpackPrometheus(progress)
  if (missing.includes("redis-server")) await unpackRedis(progress)
  if (missing.includes("kafka")) await collectKafka(progress)
}

/** The first line that a program prints about its version. */
export const versionLine = async (program: Program, path: string): Promise<string> => {
  const args = program === "kubectl-1.36" ? ["version", "--client"] : ["--version"]
  const { stdout, stderr } = await promisify(execFile)(path, args)
  return (stdout + stderr).split("\n")[0] ?? ""
}
