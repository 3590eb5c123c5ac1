/**
 * The dependency rule and the banned words, as data with their reasons. A rule that runs is a rule that lasts;
 * whoever breaks one reads why it is there before deciding that it should go.
 */
import { posix } from "node:path"
import type { SourceFile } from "#test/architecture/readSource"

export interface Violation {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly what: string
  readonly because: string
}

interface Finding {
  readonly line: number
  readonly what: string
}

export interface Rule {
  readonly name: string
  readonly because: string
  readonly find: (file: SourceFile, project: Project) => ReadonlyArray<Finding>
}

export type Project = ReadonlyMap<string, SourceFile>

/** Which folders a folder may import, besides itself. */
const LAYERS: Readonly<Record<string, ReadonlyArray<string>>> = {
  schemas: [],
  domain: ["schemas"],
  engines: ["domain", "schemas"],
  services: ["schemas"],
  sources: ["services", "schemas"],
  operator: ["schemas", "domain", "engines", "services", "sources"],
  manifests: ["schemas", "engines", "sources"],
  workload: ["schemas", "domain"],
  cluster: ["schemas", "services", "manifests", "workload"],
  judge: ["schemas", "domain", "engines", "services", "sources", "manifests", "operator", "workload"],
  dashboard: ["schemas", "domain", "engines", "services", "operator"],
  app: ["schemas", "dashboard"],
  simulation: ["schemas", "domain", "engines", "services", "sources", "operator", "manifests", "cluster", "workload"],
  cli: [
    ..."schemas domain engines services sources operator manifests workload cluster judge dashboard simulation".split(
      " "
    )
  ],
  main: ["cli"]
}

/** Where one file is one plug; an index may list them all, and what is named here is made to be shared. */
const PLUGS: Readonly<Record<string, ReadonlyArray<string>>> = {
  "src/engines": [],
  "src/sources": ["Source"],
  "src/cli": ["settings", "whyUnread"],
  "schemas/crd": ["Crd"]
}

const PURE = new Set(["domain", "engines", "workload"])
const BELOW_PORTS = new Set([..."schemas domain engines sources operator manifests workload cluster judge".split(" ")])
const LIVE = new Set(["services", "cli", "main", "simulation", "dashboard", "app"])

/** Libraries that only compute: no clock, no network, no process. */
const COMPUTING_PACKAGES: Readonly<Record<string, ReadonlyArray<string>>> = {
  manifests: ["yaml", "@marcbachmann/cel-js"]
}

/** Modules of Effect that hold data and compute with it; every other one describes or runs effects. */
const PURE_EFFECT_MODULES = new Set([
  ..."Array BigDecimal BigInt Boolean Brand Chunk Cron Data Duration Equal Equivalence Function Hash HashMap HashSet".split(
    " "
  ),
  ..."Match MutableHashMap MutableHashSet Number Option Order Ordering Pipeable Predicate Record Result".split(" "),
  ..."SortedMap String Struct Tuple Types Unify Utils".split(" ")
])

const BANNED_BELOW_PORTS = new Set([
  ..."Date Math.random performance Promise async await fetch process console crypto queueMicrotask".split(" "),
  ..."setTimeout setInterval setImmediate clearTimeout clearInterval require __dirname globalThis global".split(" "),
  ..."Effect.promise Effect.tryPromise Effect.runFork Effect.runPromise Effect.runPromiseExit Effect.runSync".split(
    " "
  ),
  ..."Effect.runSyncExit Effect.runCallback Stream.fromAsyncIterable Stream.fromReadableStream".split(" "),
  ..."Stream.toReadableStream ManagedRuntime.make".split(" ")
])

const BROWSER_PACKAGES = new Set(["preact", "preact/hooks", "@preact/signals", "uplot"])

const EMPTY_NAMES = new Set(["utils", "util", "helpers", "helper", "common", "types", "misc", "shared"])
const LINES_MAX = 300

export const layerOf = (path: string): string => {
  // The page runs in a browser, and knows of the rest only what goes over the wire.
  if (path.startsWith("src/dashboard/app/")) return "app"
  const [top, folder = ""] = path.split("/")
  return top === "schemas" ? "schemas" : folder.replace(/\.ts$/u, "")
}

/** The project's file behind a specifier; undefined for a package. */
export const resolve = (from: string, specifier: string): string | undefined => {
  const alias = /^#(\w+)\/(.+)$/u.exec(specifier)
  if (alias !== null) {
    const [, folder = "", rest = ""] = alias
    return `${folder === "schemas" || folder === "test" ? folder : `src/${folder}`}/${rest}.ts`
  }
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined
}

const packages = (file: SourceFile) =>
  file.imports.filter(({ specifier }) => resolve(file.path, specifier) === undefined)
const isEffect = (specifier: string) => specifier === "effect" || specifier.startsWith("effect/")

/** Touches node:* or an SDK itself, or imports a service that does. */
const isLive = (file: SourceFile, project: Project, seen: ReadonlySet<string> = new Set()): boolean => {
  if (packages(file).some(({ specifier, typeOnly }) => !typeOnly && !isEffect(specifier))) return true
  return file.imports.some(({ specifier, typeOnly }) => {
    const path = resolve(file.path, specifier)
    const target = path === undefined || seen.has(path) ? undefined : project.get(path)
    return target !== undefined && !typeOnly && isLive(target, project, new Set([...seen, file.path]))
  })
}

/** The folder of plugs that a file belongs to, and which plug of it. */
const plugOf = (path: string): readonly [folder: string, plug: string] | undefined => {
  const folder = Object.keys(PLUGS).find((candidate) => path.startsWith(`${candidate}/`))
  return folder === undefined
    ? undefined
    : [folder, (path.slice(folder.length + 1).split("/")[0] ?? "").replace(/\.ts$/u, "")]
}

export const RULES: ReadonlyArray<Rule> = [
  {
    name: "imports point one way",
    because:
      "schemas <- domain <- engines and schemas <- services <- sources meet only in operator, and nobody imports cli: " +
      "each layer can be read, tested and replaced without the ones above it",
    find: (file) => {
      const layer = layerOf(file.path)
      const allowed = LAYERS[layer]
      if (allowed === undefined) return [{ line: 1, what: `the folder of ${file.path} has no place in LAYERS` }]
      return file.imports.flatMap(({ line, specifier }) => {
        const path = resolve(file.path, specifier)
        // The version has one place, and belongs to no layer.
        if (path === undefined || path === "package.json") return []
        const target = layerOf(path)
        if (path.startsWith("test/")) return [{ line, what: `imports ${path}: the product does not know its tests` }]
        return target === layer || allowed.includes(target) ? [] : [{ line, what: `${layer} imports ${path}` }]
      })
    }
  },
  {
    name: "the page knows the API by its types alone",
    because:
      "what a browser loads is small, and has no secret and no Effect in it; a type weighs nothing and is gone before it gets there",
    find: (file) =>
      layerOf(file.path) === "app"
        ? file.imports.flatMap(({ line, specifier, typeOnly }) => {
            const path = resolve(file.path, specifier)
            const own = path === undefined ? BROWSER_PACKAGES.has(specifier) : layerOf(path) === "app"
            return own || typeOnly ? [] : [{ line, what: `imports ${specifier}` }]
          })
        : []
  },
  {
    name: "plugs do not know each other",
    because:
      "an engine, a source, a command or a kind is one file plus one line in its index; once two of them share code by " +
      "importing each other, neither can be added, read or taken away alone",
    find: (file) => {
      const own = plugOf(file.path)
      if (own === undefined || own[1] === "index") return []
      return file.imports.flatMap(({ line, specifier }) => {
        const path = resolve(file.path, specifier)
        const other = path === undefined ? undefined : plugOf(path)
        if (other === undefined || other[0] !== own[0] || other[1] === own[1]) return []
        const shared = PLUGS[own[0]]?.includes(other[1]) === true
        return shared ? [] : [{ line, what: `${own[1]} imports its sibling ${other[1]}` }]
      })
    }
  },
  {
    name: "outside systems are met at the ports",
    because:
      "SDKs and node:* live behind a service, so that below the ports the whole program runs in virtual time against " +
      "worlds made in memory",
    find: (file) => {
      const layer = layerOf(file.path)
      if (LIVE.has(layer)) return []
      return packages(file).flatMap(({ line, specifier }) => {
        const computes = COMPUTING_PACKAGES[layer]?.includes(specifier) === true
        return isEffect(specifier) || computes ? [] : [{ line, what: `imports the package ${specifier}` }]
      })
    }
  },
  {
    name: "only the edge picks live layers",
    because:
      "a port is a promise that anything may stand behind it; importing the live layer breaks the promise for everyone above",
    find: (file, project) => {
      if (LIVE.has(layerOf(file.path))) return []
      return file.imports.flatMap(({ line, specifier, typeOnly }) => {
        const path = resolve(file.path, specifier)
        const target = path?.startsWith("src/services/") === true ? project.get(path) : undefined
        return target !== undefined && !typeOnly && isLive(target, project)
          ? [{ line, what: `imports ${target.path}, which touches node:* or an SDK` }]
          : []
      })
    }
  },
  {
    name: "no clock, chance, promise or process below the ports",
    because:
      "each of them leaves the simulated world: a run would no longer repeat from its seed, or would hang. Ask Clock, " +
      "Random and the ports, and fork in a context",
    find: (file) => (BELOW_PORTS.has(layerOf(file.path)) ? banned(file, (name) => BANNED_BELOW_PORTS.has(name)) : [])
  },
  {
    name: "decisions are pure",
    because:
      "domain and engines must give the same decision for the same inputs, or explain could not re-run it; so they hold no " +
      "Effect at all. Engines declare their option and memory schemas, and only the operator decodes with them",
    find: (file) => {
      const layer = layerOf(file.path)
      if (!PURE.has(layer)) return []
      const imports = file.imports.flatMap(({ line, specifier, typeOnly }) => {
        if (!isEffect(specifier)) return []
        const module = specifier.split("/").at(-1) ?? ""
        const schema = module === "Schema" && (layer === "engines" || typeOnly)
        return schema || PURE_EFFECT_MODULES.has(module) ? [] : [{ line, what: `imports ${specifier}` }]
      })
      const decodes = (name: string) =>
        /^Schema\.(?:decode|encode)(?:Unknown|Sync|Effect|Option|Result|Exit|Promise)/u.test(name)
      return [...imports, ...banned(file, decodes)]
    }
  },
  {
    name: "pre-emption stays on",
    because: "simulations find races by pre-empting between any two operations; a fiber that refuses hides its own",
    find: (file) => [
      ...banned(file, (name) => /\bPreventSchedulerYield$/u.test(name)),
      ...file.imports
        .filter(({ names }) => names.includes("PreventSchedulerYield"))
        .map(({ line }) => ({ line, what: "imports PreventSchedulerYield" }))
    ]
  },
  {
    name: "modules remember nothing",
    because:
      "what lives in a module outlives a run, a test and a lost lease, so the second is no longer like the first; keep state " +
      "in an actor or a layer",
    find: (file) =>
      // A page is one window: what it shows lives as long as the module that shows it.
      ["cli", "main", "app"].includes(layerOf(file.path))
        ? []
        : file.moduleState.map(({ line, name }) => ({ line, what: name }))
  },
  {
    name: "Effect is imported by module",
    because: "the barrel loads all of Effect, which adds a quarter of a second and 25 MB to every start",
    find: (file) =>
      packages(file)
        .filter(({ specifier }) => specifier === "effect")
        .map(({ line }) => ({ line, what: 'imports "effect" instead of "effect/Module"' }))
  },
  {
    name: "names say what is inside",
    because: "a file called utils collects what nobody placed, and soon everybody imports it",
    find: (file) =>
      file.path
        .replace(/\.ts$/u, "")
        .split("/")
        .filter((part) => EMPTY_NAMES.has(part.toLowerCase()))
        .map((part) => ({ line: 1, what: `is called ${part}` }))
  },
  {
    name: "a file fits in the head",
    because: `beyond ${LINES_MAX} lines a file has more than one job; give each its own`,
    find: (file) => (file.lines > LINES_MAX ? [{ line: file.lines, what: `has ${file.lines} lines` }] : [])
  },
  {
    name: "a file opens by saying what it owns",
    because: "a newcomer decides from the first lines whether to read on",
    find: (file) => (/^(?:#!.*\n)?\/[/*]/u.test(file.text) ? [] : [{ line: 1, what: "does not begin with a comment" }])
  }
]

const banned = (file: SourceFile, isBanned: (name: string) => boolean): ReadonlyArray<Finding> =>
  file.uses.filter(({ name }) => isBanned(name)).map(({ line, name }) => ({ line, what: `uses ${name}` }))

export const judge = (files: ReadonlyArray<SourceFile>): ReadonlyArray<Violation> => {
  const project: Project = new Map(files.map((file) => [file.path, file]))
  return RULES.flatMap(({ because, find, name }) =>
    files.flatMap((file) =>
      find(file, project).map(({ line, what }) => ({ path: file.path, line, rule: name, what, because }))
    )
  )
}

export const explain = (violations: ReadonlyArray<Violation>): string =>
  [...Map.groupBy(violations, ({ rule }) => rule)]
    .map(([rule, broken]) => {
      const places = broken.map(({ line, path, what }) => `  ${path}:${line} ${what}`)
      return [`${rule}, because ${broken[0]?.because ?? ""}:`, ...places].join("\n")
    })
    .join("\n\n")
